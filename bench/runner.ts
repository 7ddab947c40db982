/** Measures rows and grids: every contender once a round, round after round, so that all meet the same conditions. */
import type { Budget, Column, Contender, Grid, Line, Row, Unit } from './row.ts';
import { differences, ratios, type Summary, summary } from './statistics.ts';

export interface Measured extends Summary {
  readonly name: string;
  readonly values: readonly number[];
}

export interface Ratio extends Summary {
  readonly against: string;
}

export interface Result {
  readonly name: string;
  readonly unit: Unit;
  readonly goal: number | null;
  readonly measured: readonly Measured[];
  readonly ratios: readonly Ratio[];
}

export interface GridResult {
  readonly name: string;
  readonly unit: Unit;
  readonly picture?: NonNullable<Grid['picture']>;
  readonly columns: readonly Column[];
  readonly lines: readonly LineResult[];
  readonly left: readonly string[];
}

export interface LineResult {
  readonly name: string;
  /** Named as their columns. */
  readonly cells: readonly CellResult[];
  readonly verdicts: readonly Verdict[];
}

export interface CellResult extends Measured {
  /** To the cell that the column is compared with. */
  readonly ratio?: Summary;
  readonly difference?: Summary;
}

/** A budget, and the median that is held against it. */
export type Verdict = Budget & { readonly median: number; readonly met: boolean };

/** `runs` rounds, after one that does not count. */
export async function measureRow(row: Row, runs: number): Promise<Result> {
  const contenders = [row.subject, ...row.against, ...(row.beside ?? [])];
  const of = await inRounds([contenders], runs);
  return {
    name: row.name,
    unit: row.unit,
    goal: row.goal ?? null,
    measured: contenders.map((each) => measured(each, of(each))),
    ratios: row.against.map((each) => ({ against: each.name, ...ratios(of(row.subject), of(each)) })),
  };
}

/** The same for all cells of a grid; those of a line, which are compared, are measured one after another. */
export async function measureGrid(grid: Grid, runs: number): Promise<GridResult> {
  const { name, unit, columns, picture, left = [] } = grid;
  const of = await inRounds(
    grid.lines.map(({ cells }) => cells),
    runs,
  );
  const lines = grid.lines.map((line) => lineResult(line, columns, of));
  return { name, unit, columns, lines, left, ...(picture !== undefined && { picture }) };
}

type ValuesOf = (contender: Contender) => readonly number[];

function lineResult(
  { name, cells, budgets = [] }: Line,
  columns: readonly Column[],
  of: ValuesOf,
): LineResult {
  const results = cells.map((cell): CellResult => {
    const against = columns.find((column) => column.name === cell.name)?.against;
    const other = cells.find((each) => each.name === against);
    const own = measured(cell, of(cell));
    if (other === undefined) return own;
    const [mine, theirs] = [of(cell), of(other)];
    return { ...own, ratio: ratios(mine, theirs), difference: differences(mine, theirs) };
  });
  const verdicts = budgets.flatMap((budget) => {
    const cell = results.find((each) => each.name === budget.column);
    return cell === undefined ? [] : verdict(budget, cell);
  });
  return { name, cells: results, verdicts };
}

function verdict(budget: Budget, { name, ratio, difference }: CellResult): Verdict {
  const [median, limit] =
    'ratio' in budget ? [ratio?.median, budget.ratio] : [difference?.median, budget.difference];
  if (median === undefined) throw new Error(`${name} has a budget and is compared with nothing`);
  return { ...budget, median, met: median <= limit };
}

function measured(contender: Contender, values: readonly number[]): Measured {
  return { name: contender.name, ...summary(values), values };
}

/** Rows take turns in being the first, and so do the contenders of each. */
async function inRounds(rows: readonly (readonly Contender[])[], runs: number): Promise<ValuesOf> {
  const values = new Map<Contender, number[]>(rows.flat().map((contender) => [contender, []]));
  for (let round = -1; round < runs; round++) {
    const order = rotated(rows, round + 1).flatMap((row) => rotated(row, round + 1));
    for (const contender of order) {
      const value = await contender.measure();
      if (round >= 0) values.get(contender)?.push(value);
    }
  }
  return (contender) => values.get(contender) ?? [];
}

/** Each is the first one in turn: whoever runs first may find another machine. */
function rotated<T>(items: readonly T[], by: number): T[] {
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}
