/**
 * A block as the rows that are drawn of it: a row a region, with the marks in it, and one for each gap. Where there
 * are too many, neighbours of one name become one row, and then what nobody asks for is left out.
 */
import type { Block, Mark, Region } from './model.ts';
import { byAddress } from './topmost.ts';

export interface MarkGroup {
  readonly at: bigint;
  readonly names: readonly string[];
  readonly important: boolean;
}

interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

export type Row =
  /** One region, or several of one name that touch. */
  | (Range & {
      readonly kind: 'regions';
      readonly regions: readonly Region[];
      readonly marks: readonly MarkGroup[];
    })
  /** An address that is something, where nothing is mapped. */
  | (Range & { readonly kind: 'place'; readonly marks: readonly MarkGroup[] })
  | (Range & { readonly kind: 'gap' })
  /** Rows that are left out, and the bytes that are mapped there. */
  | (Range & { readonly kind: 'cut'; readonly count: number; readonly mapped: bigint });

type FullRow = Extract<Row, { marks: unknown }>;

/** How many rows with something in them are no reason to make them fewer: by joining neighbours, by leaving some out. */
export interface Limits {
  readonly join: number;
  readonly most: number;
}

export function rowsOf(block: Block, { join, most }: Limits): Row[] {
  const rows = withPlaces(block);
  const folded = rows.length > join ? fold(rows) : rows;
  return withGaps(folded.length > most ? cut(folded, most) : folded);
}

/** Every mark belongs to the region that it lies in, or ends, or to a place of its own. */
function withPlaces({ regions, marks }: Block): FullRow[] {
  const groups = grouped(marks);
  const rows = regions.map((region): Extract<FullRow, { kind: 'regions' }> & { marks: MarkGroup[] } => ({
    kind: 'regions',
    start: region.start,
    end: region.end,
    regions: [region],
    marks: [],
  }));
  const places: FullRow[] = [];
  for (const group of groups) {
    const index = lastFrom(rows, group.at);
    const row = rows[index];
    if (row !== undefined && group.at <= row.end) row.marks.push(group);
    else places.push({ kind: 'place', start: group.at, end: group.at, marks: [group] });
  }
  return [...rows, ...places].sort((one, other) => byAddress(one.start, other.start));
}

function grouped(marks: readonly Mark[]): MarkGroup[] {
  const groups = new Map<bigint, { names: Set<string>; important: boolean }>();
  for (const { at, name, important = false } of marks) {
    const group = groups.get(at) ?? { names: new Set(), important: false };
    group.names.add(name);
    group.important ||= important;
    groups.set(at, group);
  }
  return [...groups]
    .map(([at, { names, important }]) => ({ at, names: [...names], important }))
    .sort((one, other) => byAddress(one.at, other.at));
}

/** The last row that begins at an address or before it. */
function lastFrom(rows: readonly Range[], at: bigint): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.start ?? 0n) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function fold(rows: readonly FullRow[]): FullRow[] {
  const folded: { row: FullRow; regions: Region[]; marks: MarkGroup[] }[] = [];
  for (const row of rows) {
    const regions = row.kind === 'regions' ? row.regions : [];
    const last = folded.at(-1);
    const touches = last?.regions.at(-1)?.end === row.start && last.regions[0]?.name === regions[0]?.name;
    if (last !== undefined && regions.length > 0 && touches) {
      last.regions.push(...regions);
      last.marks.push(...row.marks);
    } else folded.push({ row, regions: [...regions], marks: [...row.marks] });
  }
  return folded.map(({ row, regions, marks }) =>
    row.kind === 'place' ? row : { ...row, end: regions.at(-1)?.end ?? row.end, regions, marks },
  );
}

/** Keeps the ends and, as far as there is room, what is marked. */
function cut(rows: readonly FullRow[], limit: number): (FullRow | Extract<Row, { kind: 'cut' }>)[] {
  const marked = rows.flatMap((row, index) => (row.marks.some(({ important }) => important) ? [index] : []));
  const kept = new Set([...marked.slice(0, Math.floor(limit / 3))]);
  for (let index = 0; kept.size < limit && index < rows.length; index++) {
    kept.add(index);
    if (kept.size < limit) kept.add(rows.length - 1 - index);
  }
  const result: (FullRow | Extract<Row, { kind: 'cut' }>)[] = [];
  rows.forEach((row, index) => {
    const last = result.at(-1);
    if (kept.has(index)) result.push(row);
    else {
      const before = last?.kind === 'cut' ? last : { ...row, count: 0, mapped: 0n };
      const next = {
        kind: 'cut' as const,
        start: before.start,
        end: row.end,
        count: before.count + (row.kind === 'regions' ? row.regions.length : 0),
        mapped: before.mapped + (row.end - row.start),
      };
      if (last?.kind === 'cut') result[result.length - 1] = next;
      else result.push(next);
    }
  });
  return result;
}

function withGaps(rows: readonly Row[]): Row[] {
  return rows.flatMap((row, index): Row[] => {
    const before = rows[index - 1];
    if (before === undefined || before.end >= row.start || before.kind === 'cut' || row.kind === 'cut')
      return [row];
    return [{ kind: 'gap', start: before.end, end: row.start }, row];
  });
}
