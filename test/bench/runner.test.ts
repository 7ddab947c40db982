/** What the benchmark makes of its measurements. */
import { expect, test } from 'vitest';
import { reportText } from '../../bench/report.ts';
import { measureRow } from '../../bench/runner.ts';
import { ratios, summary } from '../../bench/statistics.ts';

test('medians and quartiles, between values where need be', () => {
  expect(summary([5, 1, 4, 2, 3])).toEqual({ median: 3, quartiles: [2, 4], min: 1, max: 5 });
  expect(summary([4, 1, 3, 2])).toEqual({ median: 2.5, quartiles: [1.75, 3.25], min: 1, max: 4 });
  expect(summary([7])).toEqual({ median: 7, quartiles: [7, 7], min: 7, max: 7 });
  expect(() => summary([])).toThrow('nothing');
});

test('ratios are of the same round', () => {
  // Each half as fast as the other, while the machine gets slower.
  expect(ratios([2, 20, 200], [1, 10, 100]).median).toBe(2);
});

test('all are measured in turn, and the first round does not count', async () => {
  const order: string[] = [];
  const contender = (name: string, value: number) => ({
    name,
    measure: () => {
      order.push(name);
      return order.length <= 3 ? 1000 : value;
    },
  });
  const row = {
    name: 'row',
    unit: 'ms' as const,
    subject: contender('a', 30),
    against: [contender('b', 20)],
    beside: [contender('c', 1)],
    goal: 1.2,
  };
  const result = await measureRow(row, 2);
  expect(order.join('')).toBe('abcbcacab');
  expect(result.measured.map(({ name, values }) => [name, values])).toEqual([
    ['a', [30, 30]],
    ['b', [20, 20]],
    ['c', [1, 1]],
  ]);
  expect(result.ratios).toMatchObject([{ against: 'b', median: 1.5 }]);
  const machine = { cpu: 'x', cores: 2, memory: 4, kernel: '6', system: 'y', node: 'v20', load: 0 };
  const text = reportText({
    date: '2026-01-01',
    machine,
    runs: 2,
    results: [result],
    grids: [],
    left: ['z: no z'],
  });
  expect(text).toContain('| b   | 20 (20–20) | ×1.50 (1.50–1.50)');
  expect(text).toContain('Left out: z: no z');
});
