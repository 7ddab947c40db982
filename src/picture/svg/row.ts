/** A row of a column: a box, a place, a gap, or the sign of what was left out. */
import { PAGE_SIZE } from '../../process/address-space.ts';
import { cellsOf } from '../label.ts';
import type { Region } from '../model.ts';
import { addressText } from '../region-text.ts';
import type { Row } from '../rows.ts';
import { sizeText } from '../size-text.ts';
import { accessClass, boxText } from './box-text.ts';
import type { Frame, Scale } from './frame.ts';
import { drawMarks, MARK_LINE, markLines } from './marks.ts';
import { drawStrip, heightIn, STRIP } from './strip.ts';
import { CELL } from './style.ts';
import { words } from './words.ts';
import { element, type Svg, text } from './xml.ts';

const LEAST_HEIGHT = 26;
const GAP_HEIGHT = 36;

/** Pixels: grows with the logarithm of the size, and has room for all marks. */
export function rowHeight(row: Row, { growth, most }: Scale): number {
  if (row.kind === 'gap' || row.kind === 'cut') return GAP_HEIGHT;
  const marked = markLines(row.marks, undefined).length * MARK_LINE + 8;
  if (row.kind === 'place') return Math.max(LEAST_HEIGHT, marked);
  const pages = (row.end - row.start) / PAGE_SIZE;
  const doublings = pages < 2n ? 0 : pages.toString(2).length - 1;
  return Math.max(Math.min(LEAST_HEIGHT + growth * doublings, most), marked);
}

export function drawRow(row: Row, before: Row | undefined, frame: Frame, top: number): Svg[] {
  switch (row.kind) {
    case 'gap':
      return drawGap(`gap, ${sizeText(row.end - row.start)}`, frame, top);
    case 'cut':
      return drawGap(`${row.count} more left out, ${sizeText(row.mapped)}`, frame, top);
    case 'place':
      return drawPlace(row, frame, top);
    case 'regions':
      return drawBox(row, before, frame, top);
  }
}

const middleOf = ({ left, right }: Frame): number => (left + right) / 2;

/** Both sides broken: nothing is to scale here. */
function drawGap(label: string, frame: Frame, top: number): Svg[] {
  const [middle, bottom] = [top + GAP_HEIGHT / 2, top + GAP_HEIGHT];
  const side = (x: number) =>
    element('path', {
      class: 'edge',
      d: `M ${x} ${top} V ${middle - 6} l -5 4 l 10 4 l -5 4 V ${bottom}`,
    });
  return [
    side(frame.left),
    side(frame.right),
    text(middleOf(frame), middle + 4, label, { class: 'quiet middle' }),
  ];
}

function drawPlace(row: Extract<Row, { kind: 'place' }>, frame: Frame, top: number): Svg[] {
  const height = rowHeight(row, frame.scale);
  const y = top + height / 2;
  return [
    address(row.start, frame, y),
    element('path', { class: 'edge dashed', d: `M ${frame.left} ${y} H ${frame.right}` }),
    element('path', {
      class: 'edge',
      d: `M ${frame.left} ${top} v ${height} M ${frame.right} ${top} v ${height}`,
    }),
    ...drawMarks(markLines(row.marks, frame.base), frame.right, top, top + height, () => y),
  ];
}

function address(at: bigint, { left, base }: Frame, y: number): Svg {
  return text(left - 10, y + 4, addressText(at, base), { class: 'end' });
}

function drawBox(
  row: Extract<Row, { kind: 'regions' }>,
  before: Row | undefined,
  frame: Frame,
  top: number,
): Svg[] {
  const { start, end, regions } = row;
  const height = rowHeight(row, frame.scale);
  const { left, right } = frame;
  const protection = regions.length === 1 ? regions[0]?.protection : undefined;
  const box = { x: left, y: top, width: right - left, height };
  const kind = regions.length === 1 ? accessClass(protection) : 'none';
  const loose = frame.floating || (protection === undefined && regions.length === 1);
  const parts = [element('rect', { ...box, class: kind })];
  if (kind === 'both') parts.push(hatch(left, top, right - left, height));
  parts.push(
    ...drawStrip(regions, left + 5, top, height),
    element('rect', { ...box, class: loose ? 'edge dashed' : 'edge' }),
    ...boxWords(regions, frame, top + 17),
  );
  if (!frame.unplaced) {
    const touches =
      before !== undefined && before.kind !== 'gap' && before.kind !== 'cut' && before.end === start;
    if (!touches || before.kind === 'place') parts.push(address(start, frame, top));
    if (start !== end) parts.push(address(end, frame, top + height));
  }
  const at = heightIn(regions, top, height);
  parts.push(...drawMarks(markLines(row.marks, frame.base), right, top, top + height, at));
  return parts;
}

/** Slanted lines, so that colour is not the only sign. */
function hatch(left: number, top: number, width: number, height: number): Svg {
  const step = 12;
  const lines: string[] = [];
  for (let x = left - height + step; x < left + width; x += step) {
    const from = Math.max(x, left);
    const to = Math.min(x + height, left + width);
    lines.push(
      `M ${from} ${round(top + height - (from - x))} L ${round(to)} ${round(top + height - (to - x))}`,
    );
  }
  return element('path', { class: 'hatch', d: lines.join(' ') });
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** Access, name, size, and the steps that made it. */
function boxWords(regions: readonly Region[], { left, right }: Frame, y: number): Svg[] {
  const x = left + STRIP + 12;
  const { access, name, size, steps } = boxText(regions, cellsInBox(right - left));
  const pill = steps === '' ? 0 : cellsOf(steps) + 2;
  const nameX = x + (access === '' ? 0 : cellsOf(access) + 1) * CELL;
  const warned = regions.some(({ protection }) => accessClass(protection) === 'both');
  return [
    ...(access === '' ? [] : [text(x, y, access, { class: warned ? 'strong warning' : 'strong' })]),
    words(nameX, y, name),
    ...(size === '' ? [] : [text(right - 8 - pill * CELL, y, size, { class: 'end' })]),
    ...(steps === '' ? [] : stepPill(steps, right - 6 - (pill - 1) * CELL, y)),
  ];
}

/** Between the strip and the right side of a box. */
const AROUND = STRIP + 20;
const cellsInBox = (width: number): number => Math.floor((width - AROUND) / CELL);

/** How wide a box must be for so many cells. */
export const boxWidth = (cells: number): number => Math.ceil(cells * CELL) + AROUND;

/** The numbers of steps, light on dark or dark on light. */
export function stepPill(numbers: string, x: number, y: number): Svg[] {
  const width = (cellsOf(numbers) + 1) * CELL;
  return [
    element('rect', { x, y: y - 12, width, height: 16, rx: 8, class: 'pill' }),
    text(x + width / 2, y, numbers, { class: 'middle pill-words small' }),
  ];
}
