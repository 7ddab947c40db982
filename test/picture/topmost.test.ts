/** Which range is seen where, against a picture of every single address. */
import { expect, test } from 'vitest';
import { topmost } from '../../src/picture/topmost.ts';
import { Random } from '../support/random.ts';

test('later ranges hide earlier ones, and nothing else is there', () => {
  const random = new Random(7);
  for (let round = 0; round < 200; round++) {
    const layers = Array.from({ length: random.below(12) }, () => {
      const start = random.below(40);
      return { start: BigInt(start), end: BigInt(start + random.below(20)) };
    });
    const seen = Array.from({ length: 64 }, (_, address) =>
      layers.findLastIndex(({ start, end }) => start <= address && address < end),
    );
    const pieces = topmost(layers);
    const drawn = seen.map(
      (_, address) => pieces.find(({ start, end }) => start <= address && address < end)?.layer ?? -1,
    );
    expect(drawn).toEqual(seen);
    pieces.forEach(({ start, layer }, index) => {
      const before = pieces[index - 1];
      if (before !== undefined)
        expect(before.end <= start && !(before.end === start && before.layer === layer)).toBe(true);
    });
  }
});

test('many ranges are no work', () => {
  const started = performance.now();
  const layers = Array.from({ length: 65_535 }, (_, index) => ({
    start: BigInt(index),
    end: 100_000n - BigInt(index % 7),
  }));
  expect(topmost(layers).length).toBeGreaterThan(60_000);
  expect(performance.now() - started).toBeLessThan(5000);
});
