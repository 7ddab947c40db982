/**
 * A part of an image as a picture of memory for a terminal: low addresses on top, a box a segment, its
 * height a hint at its size, gaps shown broken. Pure, and never wider than 80 columns. It must survive
 * images that no machine would run.
 */
import { hex } from '../errors.ts';
import type { ImagePart, Protection, Segment } from './image.ts';

export interface PictureStyle {
  /** Box-drawing characters, or plain ASCII. */
  readonly unicode: boolean;
  /** Colours by permission. */
  readonly color: boolean;
}

const PAGE = 4096n;
const ADDRESS_WIDTH = 18;
const INNER_WIDTH = 56;
const MAX_BOX_ROWS = 5;
/** More boxes than these are left out in the middle: nobody reads thousands. */
const MAX_BOXES = 48;

/** Corners and edges: top, joint, bottom, side, gap. */
const UNICODE = {
  top: '┌┐',
  joint: '├┤',
  bottom: '└┘',
  line: '─',
  side: '│',
  gap: '╎',
  entry: '◂',
  cut: '…',
};
const ASCII = { top: '++', joint: '++', bottom: '++', line: '-', side: '|', gap: ':', entry: '<', cut: '~' };

interface Box {
  readonly start: bigint;
  readonly end: bigint;
  readonly segment: Segment;
}

/** The lines of the picture, without newlines. */
export function picture(part: ImagePart, style: PictureStyle): string[] {
  const boxes = visibleBoxes(part.segments);
  if (boxes.length <= MAX_BOXES) return draw(boxes, part.entry, style);
  const half = MAX_BOXES / 2;
  return [
    ...draw(boxes.slice(0, half), part.entry, style),
    `${' '.repeat(ADDRESS_WIDTH + 3)}(${boxes.length - MAX_BOXES} more)`,
    ...draw(boxes.slice(-half), part.entry, style),
  ];
}

/** Whole pages as they are mapped: a later segment hides what it lies over. */
function visibleBoxes(segments: readonly Segment[]): Box[] {
  let boxes: Box[] = [];
  for (const segment of segments) {
    const start = segment.address - (segment.address % PAGE);
    const end = segment.address + segment.size;
    const pagesEnd = end + ((PAGE - (end % PAGE)) % PAGE);
    const around = boxes.flatMap((box): Box[] => {
      if (box.end <= start || box.start >= pagesEnd) return [box];
      const before = { ...box, end: start };
      const after = { ...box, start: pagesEnd };
      return [before, after].filter((piece) => piece.start < piece.end);
    });
    boxes = [...around, { start, end: pagesEnd, segment }];
  }
  return boxes.sort((a, b) => (a.start < b.start ? -1 : 1));
}

function draw(boxes: readonly Box[], entry: bigint, style: PictureStyle): string[] {
  const shapes = style.unicode ? UNICODE : ASCII;
  const border = (address: bigint, corners: string) =>
    `${hex(address).padStart(ADDRESS_WIDTH)} ${corners[0]}${shapes.line.repeat(INNER_WIDTH)}${corners[1]}`;
  const margin = ' '.repeat(ADDRESS_WIDTH + 1);
  return boxes.flatMap((box, index) => {
    const before = boxes[index - 1];
    const next = boxes[index + 1];
    const joined = before !== undefined && before.end === box.start;
    const gap = next === undefined ? 0n : next.start - box.end;
    const rows = boxRows(box, entry, shapes).map(
      (text) => `${margin}${shapes.side}${paint(text, box.segment.protection, style)}${shapes.side}`,
    );
    const lines = [border(box.start, joined ? shapes.joint : shapes.top), ...rows];
    if (next !== undefined && gap === 0n) return lines;
    lines.push(border(box.end, shapes.bottom));
    if (next === undefined) return lines;
    const room = ' '.repeat(INNER_WIDTH);
    const label = `  gap, ${sizeText(gap)}`.padEnd(INNER_WIDTH);
    const broken = (text: string) => `${margin}${shapes.gap}${text}${shapes.gap}`;
    return [...lines, broken(label), ...(gap > 0x10_0000n ? [broken(room)] : [])];
  });
}

type Shapes = typeof UNICODE;

function boxRows({ start, end, segment }: Box, entry: bigint, shapes: Shapes): string[] {
  const size = sizeText(end - start);
  const room = INNER_WIDTH - 2 - 5 - size.length - 1;
  const name = clean(segment.name, shapes.cut);
  const fitted = name.length > room ? `${name.slice(0, room - 1)}${shapes.cut}` : name.padEnd(room);
  const title = ` ${permissions(segment.protection)}  ${fitted} ${size} `;
  const rows = [title, ...Array.from({ length: rowsFor(end - start) - 1 }, () => ' '.repeat(INNER_WIDTH))];
  if (entry >= start && entry < end) {
    const mark = `      ${shapes.entry} entry ${hex(entry)}`.padEnd(INNER_WIDTH);
    rows.splice(1, rows.length > 1 ? 1 : 0, mark);
  }
  return rows;
}

/** A row for up to 16 pages, and one more for every 16 times as much. */
function rowsFor(size: bigint): number {
  let rows = 1;
  for (let limit = 16n * PAGE; size > limit && rows < MAX_BOX_ROWS; limit *= 16n) rows++;
  return rows;
}

/** Names come from loaders, and what they name from files: no control characters, no wide ones. */
function clean(name: string, cut: string): string {
  return name.replace(/[^ -~]/g, cut);
}

export function permissions({ read, write, execute }: Protection): string {
  return `${read ? 'r' : '-'}${write ? 'w' : '-'}${execute ? 'x' : '-'}`;
}

/** Executable green, writable yellow, both red. ECMA-48 SGR. */
function paint(text: string, { write, execute }: Protection, { color }: PictureStyle): string {
  if (!color || !(write || execute)) return text;
  const code = write && execute ? 31 : execute ? 32 : 33;
  return `\u001b[${code}m${text}\u001b[0m`;
}

/** `4 KiB`, `1.5 MiB`. */
export function sizeText(bytes: bigint): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
  let unit = 0;
  let value = bytes;
  let tenths = 0n;
  while (value >= 1024n && unit < units.length - 1) {
    tenths = ((value % 1024n) * 10n) / 1024n;
    value /= 1024n;
    unit++;
  }
  const fraction = tenths > 0n && value < 100n ? `.${tenths}` : '';
  return `${value}${fraction} ${units[unit]}`;
}
