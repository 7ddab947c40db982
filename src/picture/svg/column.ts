/** One address space, drawn from its lowest address at the top: addresses left, boxes, what addresses mean at the right. */

import { cellsOf } from '../label.ts';
import type { Block, Column } from '../model.ts';
import { addressText } from '../region-text.ts';
import { type Row, rowsOf } from '../rows.ts';
import { neededCells } from './box-text.ts';
import type { Frame, Scale } from './frame.ts';
import { markLines } from './marks.ts';
import { boxWidth, drawRow, rowHeight } from './row.ts';
import { CELL } from './style.ts';
import { shownText, words } from './words.ts';
import type { Svg } from './xml.ts';

/** Rows with something in them: from some screens on neighbours are joined, and more than some hundred nobody reads. */
const LIMITS = { join: 40, most: 80 };
/** From so many rows on they are closer. */
const MANY = 40;
const OPEN: Scale = { growth: 6, most: 130 };
const CLOSE: Scale = { growth: 2, most: 60 };
/** How wide a box may be. */
const LEAST_CELLS = 36;
const MOST_CELLS = 64;
const LINE = 18;
/** Between blocks whose distance nobody knows. */
const BETWEEN = 30;

export interface Drawn {
  readonly parts: readonly Svg[];
  readonly width: number;
  readonly height: number;
  /** Whether a box stands for several neighbours. */
  readonly joined: boolean;
}

interface BlockRows {
  readonly block: Block;
  readonly rows: readonly Row[];
}

export function drawColumn(column: Column, x: number, y: number): Drawn {
  const blocks = column.blocks.map((block): BlockRows => ({ block, rows: rowsOf(block, LIMITS) }));
  const left = x + Math.max(...blocks.map(addressCells), 0) * CELL + 10;
  const right = left + boxWidth(boxCells(blocks));
  const marks = Math.max(
    0,
    ...blocks.flatMap(({ block, rows }) => rows.map((row) => marksWidth(row, block))),
  );
  const width = right - x + (marks === 0 ? 0 : 22 + marks * CELL);
  const cells = Math.floor(width / CELL);
  const parts: Svg[] = [words(x, y, shownText(column.title, cells), { class: 'strong' })];
  let top = y;
  for (const fact of column.facts) {
    top += LINE;
    parts.push(words(x, top, shownText(fact, cells), { class: 'quiet' }));
  }
  top += 20;
  const scale = blocks.reduce((sum, { rows }) => sum + rows.length, 0) > MANY ? CLOSE : OPEN;
  blocks.forEach(({ block, rows }, index) => {
    if (index > 0) top += BETWEEN;
    const { base, unplaced = false, somewhere } = block;
    if (somewhere !== undefined) {
      parts.push(words(left, top + 4, shownText(somewhere, cells), { class: 'quiet small' }));
      top += 14;
    }
    const frame: Frame = { base, unplaced, floating: somewhere !== undefined, left, right, scale };
    rows.forEach((row, place) => {
      parts.push(...drawRow(row, rows[place - 1], frame, top));
      top += rowHeight(row, scale);
    });
  });
  const joined = blocks.some(({ rows }) =>
    rows.some((row) => row.kind === 'regions' && row.regions.length > 1),
  );
  return { parts, width, height: top - y + 10, joined };
}

function boxCells(blocks: readonly BlockRows[]): number {
  const needed = blocks.flatMap(({ rows }) =>
    rows.map((row) => (row.kind === 'regions' ? neededCells(row.regions) : 0)),
  );
  return Math.min(Math.max(...needed, LEAST_CELLS), MOST_CELLS);
}

function addressCells({ block, rows }: BlockRows): number {
  if (block.unplaced === true) return 0;
  const addresses = rows.flatMap(({ start, end }) => [start, end]);
  return Math.max(0, ...addresses.map((at) => addressText(at, block.base).length));
}

function marksWidth(row: Row, { base }: Block): number {
  if (!('marks' in row)) return 0;
  const cells = markLines(row.marks, base).map((line) => cellsOf(line.words) + 1 + line.address.length);
  return Math.max(0, ...cells);
}
