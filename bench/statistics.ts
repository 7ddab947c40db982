/** What many measurements of one thing come to. */

export interface Summary {
  readonly median: number;
  /** Below the one lies a quarter of the measurements, above the other another. */
  readonly quartiles: readonly [number, number];
  readonly min: number;
  readonly max: number;
}

/** Throws where there is nothing to summarise. */
export function summary(values: readonly number[]): Summary {
  if (values.length === 0) throw new Error('nothing was measured');
  const sorted = [...values].sort((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    quartiles: [quantile(sorted, 0.25), quantile(sorted, 0.75)],
    min: quantile(sorted, 0),
    max: quantile(sorted, 1),
  };
}

/** Between two values in proportion, where the share falls between them. */
function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const [low = Number.NaN, high = low] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

/** One ratio a round: what slowed a machine down for a while slowed both of its sides. */
export function ratios(values: readonly number[], against: readonly number[]): Summary {
  return summary(values.map((value, round) => value / (against[round] ?? Number.NaN)));
}

/** The same as what comes on top. */
export function differences(values: readonly number[], against: readonly number[]): Summary {
  return summary(values.map((value, round) => value - (against[round] ?? Number.NaN)));
}
