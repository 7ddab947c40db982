/** Measures rows: every contender once a round, round after round, so that all meet the same conditions. */
import type { Contender, Row } from './row.ts';
import { ratios, type Summary, summary } from './statistics.ts';

export interface Measured extends Summary {
  readonly name: string;
  readonly values: readonly number[];
}

export interface Ratio extends Summary {
  readonly against: string;
}

export interface Result {
  readonly name: string;
  readonly unit: Row['unit'];
  readonly goal: number | null;
  readonly measured: readonly Measured[];
  readonly ratios: readonly Ratio[];
}

/** `runs` rounds, after one that does not count. */
export async function measureRow(row: Row, runs: number): Promise<Result> {
  const contenders = [row.subject, ...row.against, ...(row.beside ?? [])];
  const values = new Map<Contender, number[]>(contenders.map((contender) => [contender, []]));
  for (let round = -1; round < runs; round++) {
    for (const contender of rotated(contenders, round + 1)) {
      const value = await contender.measure();
      if (round >= 0) values.get(contender)?.push(value);
    }
  }
  const of = (contender: Contender) => values.get(contender) ?? [];
  return {
    name: row.name,
    unit: row.unit,
    goal: row.goal ?? null,
    measured: contenders.map((each) => ({ name: each.name, ...summary(of(each)), values: of(each) })),
    ratios: row.against.map((each) => ({ against: each.name, ...ratios(of(row.subject), of(each)) })),
  };
}

/** Each is the first one in turn: whoever runs first may find another machine. */
function rotated<T>(items: readonly T[], by: number): T[] {
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}
