/**
 * A block of memory for a terminal: low addresses on top, a box a region, its height a hint at its size, gaps shown
 * broken. Pure, and never wider than it is told. It must survive images that no machine would run.
 */
import { hex } from '../errors.ts';
import type { Protection } from '../image/image.ts';
import { permissions } from '../image/permissions.ts';
import { PAGE_SIZE } from '../process/address-space.ts';
import { type Alphabet, cleaned, fitted, padded } from './label.ts';
import type { Block, Region } from './model.ts';
import { regionSize } from './region-text.ts';
import { type MarkGroup, type Row, rowsOf } from './rows.ts';
import { sizeText } from './size-text.ts';

export interface TerminalStyle {
  /** Box-drawing characters, or plain ASCII. */
  readonly unicode: boolean;
  /** Colours by permission. */
  readonly color: boolean;
  /** Columns that there are, 80 unless given: at most so many are used, but never fewer than 40. */
  readonly width?: number;
}

/** As in the tables above; where columns are few, addresses take what they need. */
const ADDRESS_WIDTH = 18;
const MOST_COLUMNS = 80;
const LEAST_COLUMNS = 40;
/** Right of the address: a blank and the sides of a box. */
const AROUND = 3;
/** Columns that stay blank: what fills a line to its end some terminals wrap. */
const SPARE = 3;
const MAX_BOX_ROWS = 5;
/** More boxes than these are left out: nobody reads thousands. */
const LIMITS = { join: 48, most: 48 };

/** Corners and edges: top, joint, bottom, side, gap. */
const UNICODE = {
  top: '┌┐',
  joint: '├┤',
  bottom: '└┘',
  line: '─',
  side: '│',
  gap: '╎',
  mark: '◂',
  cut: '…',
};
const ASCII = { top: '++', joint: '++', bottom: '++', line: '-', side: '|', gap: ':', mark: '<', cut: '~' };

type Shapes = typeof UNICODE;

/** What all lines are drawn with. */
interface Pen {
  readonly shapes: Shapes;
  readonly alphabet: Alphabet;
  readonly color: boolean;
  readonly addressWidth: number;
  /** Between the sides of a box. */
  readonly inner: number;
}

/** The lines of the picture, without newlines. */
export function terminalPicture(
  block: Block,
  { unicode, color, width = MOST_COLUMNS }: TerminalStyle,
): string[] {
  const shown = { ...block, marks: block.marks.filter(({ important }) => important === true) };
  const rows = rowsOf(shown, LIMITS);
  const columns = Math.min(Math.max(width, LEAST_COLUMNS), MOST_COLUMNS);
  const longest = Math.max(0, ...rows.flatMap(({ start, end }) => [hex(start).length, hex(end).length]));
  const addressWidth = columns < MOST_COLUMNS ? longest : ADDRESS_WIDTH;
  const pen: Pen = {
    shapes: unicode ? UNICODE : ASCII,
    alphabet: unicode ? 'known' : 'ascii',
    color,
    addressWidth,
    inner: columns - addressWidth - AROUND - SPARE,
  };
  const lines = rows.flatMap((row, index) => rowLines(row, rows[index - 1], rows[index + 1], pen));
  const written = rows.some((row) => row.kind === 'regions' && row.regions.some(isDangerous));
  return written ? [...lines, remark('! written to and executed', pen)] : lines;
}

const margin = ({ addressWidth }: Pen): string => ' '.repeat(addressWidth + 1);

/** Below or between boxes. */
const remark = (text: string, pen: Pen): string => margin(pen) + fitted(text, pen.inner + 2, pen.shapes.cut);

function rowLines(row: Row, before: Row | undefined, next: Row | undefined, pen: Pen): string[] {
  const { shapes, inner } = pen;
  switch (row.kind) {
    case 'gap': {
      const label = padded(fitted(`  gap, ${sizeText(row.end - row.start)}`, inner, shapes.cut), inner);
      const broken = (text: string) => `${margin(pen)}${shapes.gap}${text}${shapes.gap}`;
      return [broken(label), ...(row.end - row.start > 0x10_0000n ? [broken(' '.repeat(inner))] : [])];
    }
    case 'cut':
      return [remark(`  (${row.count} more, ${sizeText(row.mapped)} in all)`, pen)];
    case 'place':
      return row.marks.map((mark) => `${addressText(row.start, pen)}   ${markText(mark, pen, false)}`);
    case 'regions': {
      const joined = before?.kind === 'regions' && before.end === row.start;
      const top = `${addressText(row.start, pen)} ${edge(joined ? shapes.joint : shapes.top, pen)}`;
      const inside = boxRows(row, pen).map(
        (text) => `${margin(pen)}${shapes.side}${paint(text, row.regions, pen)}${shapes.side}`,
      );
      if (next?.kind === 'regions' && next.start === row.end) return [top, ...inside];
      return [top, ...inside, `${addressText(row.end, pen)} ${edge(shapes.bottom, pen)}`];
    }
  }
}

const addressText = (address: bigint, { addressWidth }: Pen): string => hex(address).padStart(addressWidth);

const edge = (corners: string, { shapes, inner }: Pen): string =>
  `${corners[0]}${shapes.line.repeat(inner)}${corners[1]}`;

function boxRows(row: Extract<Row, { kind: 'regions' }>, pen: Pen): string[] {
  const { regions, marks, start, end } = row;
  const size = regionSize(regions, pen.inner >= WIDE_ENOUGH);
  const access = regions.length === 1 ? accessText(regions[0]) : `${regions.length} parts`;
  const room = pen.inner - 1 - access.length - 1 - 1 - size.length - 1;
  const name = padded(
    fitted(cleaned(regions[0]?.name ?? '', pen.alphabet), room, pen.shapes.cut),
    Math.max(room, 0),
  );
  const title = ` ${access} ${name} ${size} `;
  const marked = marks.map((mark) => padded(`      ${markText(mark, pen, true)}`, pen.inner));
  const blank = rowsFor(end - start) - 1 - marked.length;
  return [
    padded(fitted(title, pen.inner, pen.shapes.cut), pen.inner),
    ...marked,
    ...Array.from({ length: Math.max(0, blank) }, () => ' '.repeat(pen.inner)),
  ];
}

/** Columns from which there is room to say how much of a region is zero. */
const WIDE_ENOUGH = 48;

function accessText(region: Region | undefined): string {
  if (region?.protection === undefined) return '    ';
  return `${permissions(region.protection)}${isDangerous(region) ? '!' : ' '}`;
}

const isDangerous = ({ protection }: Region): boolean => protection?.write === true && protection.execute;

function markText({ at, names }: MarkGroup, { shapes, inner, alphabet }: Pen, withAddress: boolean): string {
  const text = `${shapes.mark} ${cleaned(names.join(', '), alphabet)}${withAddress ? ` ${hex(at)}` : ''}`;
  return fitted(text, inner - 7, shapes.cut);
}

/** A row for up to 16 pages, and one more for every 16 times as much. */
function rowsFor(size: bigint): number {
  let rows = 1;
  for (let limit = 16n * PAGE_SIZE; size > limit && rows < MAX_BOX_ROWS; limit *= 16n) rows++;
  return rows;
}

/** Executable green, writable yellow, both red. ECMA-48 SGR. */
function paint(text: string, regions: readonly Region[], { color }: Pen): string {
  const [first] = regions;
  const { write, execute }: Pick<Protection, 'write' | 'execute'> = first?.protection ?? {
    write: false,
    execute: false,
  };
  if (!color || regions.length > 1 || !(write || execute)) return text;
  const code = write && execute ? 31 : execute ? 32 : 33;
  return `\u001b[${code}m${text}\u001b[0m`;
}
