/** What stands at the right of a box: the names of addresses in it, each led to its place. */
import { cellsOf, cleaned } from '../label.ts';
import { addressText } from '../region-text.ts';
import type { MarkGroup } from '../rows.ts';
import { CELL } from './style.ts';
import { words as wordsAt } from './words.ts';
import { element, type Svg, text } from './xml.ts';

/** Between lines of names. */
export const MARK_LINE = 16;
/** Lines at one box; what is more is counted. */
const MOST_LINES = 8;
/** Names of one address are wrapped here, cells. */
const NAMES_WIDTH = 40;

export interface MarkLine {
  readonly at: bigint;
  readonly words: string;
  /** Empty on the second line of an address, and below. */
  readonly address: string;
  readonly important: boolean;
}

export function markLines(marks: readonly MarkGroup[], base: string | undefined): MarkLine[] {
  const lines = marks.slice(0, MOST_LINES).flatMap(({ at, names, important }) =>
    wrapped(names).map(({ words, count }, index) => ({
      at,
      words,
      count,
      address: index === 0 ? addressText(at, base) : '',
      important,
    })),
  );
  if (marks.length <= MOST_LINES && lines.length <= MOST_LINES) return lines;
  const shown = lines.slice(0, MOST_LINES - 1);
  const last = shown.at(-1);
  if (last === undefined) return [];
  const all = marks.reduce((sum, { names }) => sum + names.length, 0);
  const left = all - shown.reduce((sum, { count }) => sum + count, 0);
  return [...shown, { ...last, words: `and ${left} more`, address: '', important: false }];
}

/** Names in lines, and how many are in each. */
function wrapped(names: readonly string[]): { words: string; count: number }[] {
  const lines: { words: string; count: number }[] = [];
  for (const name of names.map((each) => cleaned(each, 'any'))) {
    const last = lines.at(-1);
    if (last === undefined || cellsOf(last.words) + 2 + cellsOf(name) > NAMES_WIDTH)
      lines.push({ words: name, count: 1 });
    else lines[lines.length - 1] = { words: `${last.words}, ${name}`, count: last.count + 1 };
  }
  return lines;
}

/** `at` says where an address is; the lines keep between `top` and `bottom`, which have room for them. */
export function drawMarks(
  lines: readonly MarkLine[],
  right: number,
  top: number,
  bottom: number,
  at: (address: bigint) => number,
): Svg[] {
  const wanted = lines.map((line) => at(line.at) + 4);
  const places = spread(wanted, top + 13, bottom - 5);
  return lines.flatMap((line, index): Svg[] => {
    const y = places[index] ?? top;
    const start = right + 22;
    const parts = [wordsAt(start, y, line.words, line.important ? { class: 'strong' } : {})];
    if (line.address === '') return parts;
    const from = at(line.at);
    parts.push(
      text(start + (cellsOf(line.words) + 1) * CELL, y, line.address, { class: 'quiet' }),
      element('path', { class: 'lead', d: `M ${right + 2} ${from} h 4 L ${right + 14} ${y - 4} h 5` }),
      element('path', { class: 'head', d: `M ${right} ${from} l 5 -3 v 6 z` }),
    );
    return parts;
  });
}

/** Places from high to low that are a line apart, as near as can be to those wanted. */
function spread(wanted: readonly number[], least: number, most: number): number[] {
  const places: number[] = [];
  for (const place of wanted) {
    const before = places.at(-1);
    places.push(Math.max(place, before === undefined ? least : before + MARK_LINE));
  }
  for (let index = places.length - 1, limit = most; index >= 0; index--, limit -= MARK_LINE)
    places[index] = Math.min(places[index] ?? limit, limit);
  return places;
}
