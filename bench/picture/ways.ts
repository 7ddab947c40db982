/**
 * A grid as dots on an axis of ratios to its first column: a block a line, a row a way. The axis is logarithmic, because the ways
 * lie between one and a thousand times apart. A stroke through a row is its budget.
 */

import { element, type Svg, text } from '../../src/picture/svg/xml.ts';
import { digitsOf } from '../markdown.ts';
import type { Budget } from '../row.ts';
import type { CellResult, GridResult, LineResult } from '../runner.ts';
import { ratios } from '../statistics.ts';

const ROW = 18;
const HEAD = 30;
const LABELS = 170;
const VALUES = 170;
/** A ratio below one is possible where what is compared is the same but for noise. */
const LOWEST = 0.8;

export interface Drawn {
  readonly parts: readonly Svg[];
  readonly height: number;
}

/** Where a ratio lies, pixels. */
type Scale = (ratio: number) => number;

export function drawWays(grid: GridResult, top: number, width: number): Drawn {
  const [base] = grid.columns;
  if (base === undefined) throw new Error('a grid without columns');
  const blocks = grid.lines.map((line) => blockOf(line, grid, base.name));
  const highest = Math.max(10, ...blocks.flatMap(({ rows }) => rows.map(({ ratio }) => ratio.quartiles[1])));
  const decades = Math.floor(Math.log10(highest));
  const [left, right] = [LABELS, width - VALUES];
  const scale: Scale = (ratio) =>
    left + ((right - left) * Math.log10(ratio / LOWEST)) / Math.log10(highest / LOWEST);
  const parts: Svg[] = [];
  let y = top + HEAD;
  for (const block of blocks) {
    const height = block.rows.length * ROW;
    parts.push(text(8, y - 6, block.name, { class: 'strong' }), ...ticks(y, height, decades, scale));
    block.rows.forEach((row, index) => {
      parts.push(...drawRow(row, y + index * ROW + ROW / 2, scale, right));
    });
    y += height + HEAD;
  }
  return { parts, height: y - top };
}

interface WayRow {
  readonly name: string;
  readonly ours: boolean;
  readonly ratio: { readonly median: number; readonly quartiles: readonly [number, number] };
  readonly value: string;
  readonly budget: number | undefined;
}

function blockOf(
  line: LineResult,
  grid: GridResult,
  base: string,
): { name: string; rows: readonly WayRow[] } {
  const native = line.cells.find(({ name }) => name === base);
  if (native === undefined) throw new Error(`${line.name} has nothing to be compared with`);
  const rows = grid.columns.flatMap((column): WayRow[] => {
    const cell = line.cells.find(({ name }) => name === column.name);
    if (cell === undefined) return [];
    const budget = line.verdicts.find((verdict) => verdict.column === column.name);
    return [
      {
        name: column.name,
        ours: column.ours === true,
        ratio: ratios(cell.values, native.values),
        value: `${cell.median.toFixed(digitsOf(cell.median))} ${grid.unit}`,
        budget: budget && limitOf(budget, line.cells, column.against, native),
      },
    ];
  });
  return { name: line.name, rows };
}

/** A budget as a ratio to the first column. */
function limitOf(
  budget: Budget,
  cells: readonly CellResult[],
  against: string | undefined,
  native: CellResult,
): number | undefined {
  const other = cells.find(({ name }) => name === against);
  if (other === undefined) return undefined;
  const most = 'ratio' in budget ? other.median * budget.ratio : other.median + budget.difference;
  return most / native.median;
}

function drawRow(
  { name, ours, ratio, value, budget }: WayRow,
  y: number,
  scale: Scale,
  right: number,
): Svg[] {
  const kind = ours ? 'ours' : 'other';
  const [low, high] = ratio.quartiles.map((each) => scale(Math.max(each, LOWEST))) as [number, number];
  return [
    text(16, y + 4, name, { class: kind }),
    element('line', { x1: scale(1), x2: scale(ratio.median), y1: y, y2: y, class: `stem ${kind}` }),
    element('line', { x1: low, x2: high, y1: y, y2: y, class: `spread ${kind}` }),
    element('circle', { cx: scale(ratio.median), cy: y, r: 4, class: kind }),
    ...(budget === undefined
      ? []
      : [element('line', { x1: scale(budget), x2: scale(budget), y1: y - 7, y2: y + 7, class: 'budget' })]),
    text(right + 70, y + 4, `×${ratio.median.toFixed(ratio.median < 100 ? 2 : 0)}`, { class: `${kind} end` }),
    text(right + 156, y + 4, value, { class: 'quiet end' }),
  ];
}

function ticks(y: number, height: number, decades: number, scale: Scale): Svg[] {
  return Array.from({ length: decades + 1 }, (_, decade) => 10 ** decade).flatMap((ratio) => [
    element('line', { x1: scale(ratio), x2: scale(ratio), y1: y, y2: y + height, class: 'grid' }),
    text(scale(ratio), y - 6, `×${ratio}`, { class: 'quiet middle' }),
  ]);
}
