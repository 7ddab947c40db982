/** What the benchmark makes of a grid: figures, text and picture. */
import { expect, test } from 'vitest';
import { gridText } from '../../bench/grid-text.ts';
import { digitsOf } from '../../bench/markdown.ts';
import { ticksTo } from '../../bench/picture/growth.ts';
import { launchCostPicture } from '../../bench/picture/launch-cost.ts';
import type { Grid } from '../../bench/row.ts';
import { measureGrid } from '../../bench/runner.ts';
import { element, picture, text } from '../../src/picture/svg/xml.ts';
import { readXml } from '../support/xml.ts';

const MACHINE = { cpu: 'a & b', cores: 2, memory: 4, kernel: '6', system: 'y', node: 'v20', load: 0 };

/** Two lines of three columns, of which the second line has no peer. */
function example(order: string[] = []): Grid {
  const cell = (line: string, name: string, value: number) => ({
    name,
    measure: () => {
      order.push(`${line}${name[0]}`);
      return value;
    },
  });
  return {
    name: 'start',
    unit: 'ms',
    picture: 'ways',
    columns: [
      { name: 'native' },
      { name: 'ours', against: 'native', ours: true },
      { name: 'peer', against: 'native', difference: true },
    ],
    lines: [
      {
        name: 'A',
        cells: [cell('A', 'native', 2), cell('A', 'ours', 3), cell('A', 'peer', 20)],
        budgets: [
          { column: 'ours', ratio: 1.5 },
          { column: 'peer', difference: 17 },
        ],
      },
      {
        name: 'B <&">',
        cells: [cell('B', 'native', 4), cell('B', 'ours', 8)],
        budgets: [
          { column: 'ours', ratio: 1.9 },
          { column: 'peer', ratio: 1 },
        ],
      },
    ],
    left: ['peer: none for B'],
  };
}

test('lines take turns, and the cells of each', async () => {
  const order: string[] = [];
  await measureGrid(example(order), 1);
  expect(order.join(' ')).toBe('An Ao Ap Bn Bo Bo Bn Ao Ap An');
});

test('cells are compared within their line, and held against their budgets', async () => {
  const { lines } = await measureGrid(example(), 2);
  const [first, second] = lines;
  expect(first?.cells.map(({ ratio, difference }) => [ratio?.median, difference?.median])).toEqual([
    [undefined, undefined],
    [1.5, 1],
    [10, 18],
  ]);
  expect(first?.verdicts.map(({ median, met }) => [median, met])).toEqual([
    [1.5, true],
    [18, false],
  ]);
  // A budget of a cell that is not there says nothing.
  expect(second?.verdicts.map(({ column, median, met }) => [column, median, met])).toEqual([
    ['ours', 2, false],
  ]);
});

test('a budget needs something that its cell is compared with', async () => {
  const { lines, ...rest } = example();
  const aimless = {
    ...rest,
    lines: lines.map((line) => ({ ...line, budgets: [{ column: 'native', ratio: 1 }] })),
  };
  await expect(measureGrid(aimless, 1)).rejects.toThrow('native');
});

test('ratios come first, then values, budgets, and what is left out', async () => {
  const result = await measureGrid(example(), 2);
  expect(`\n${gridText(result)}\n`).toBe(`
| start, ratio | ours : native     | peer : native, difference      |
| ------------ | ----------------- | ------------------------------ |
| A            | ×1.50 (1.50–1.50) | ×10.00 (10.00–10.00), +18.0 ms |
| B <&">       | ×2.00 (2.00–2.00) |                                |

| start, ms | native           | ours             | peer             |
| --------- | ---------------- | ---------------- | ---------------- |
| A         | 2.00 (2.00–2.00) | 3.00 (3.00–3.00) | 20.0 (20.0–20.0) |
| B <&">    | 4.00 (4.00–4.00) | 8.00 (8.00–8.00) |                  |

- A, ours: ×1.50 of native, at most ×1.5: met
- A, peer: +18.0 ms of native, at most +17.0 ms: not met
- B <&">, ours: ×2.00 of native, at most ×1.9: not met

Left out: start: peer: none for B
`);
});

test('few columns stand in one table', async () => {
  const { columns, ...rest } = await measureGrid(example(), 1);
  const text = gridText({ ...rest, columns: columns.slice(0, 2) });
  expect(text).toContain('| start, ms | ours : native     | native           | ours ');
  expect(text).not.toContain('start, ratio');
});

test('three digits count', () => {
  expect([0, 0.0123, 0.5, 1, 12.3, 100, 4000, -0.25].map(digitsOf)).toEqual([0, 3, 3, 2, 1, 0, 0, 3]);
});

test('an axis has round numbers', () => {
  expect(ticksTo(0.09)).toEqual([0, 0.02, 0.04, 0.06, 0.08]);
  expect(ticksTo(1.2)).toEqual([0, 0.5, 1]);
  expect(ticksTo(5)).toEqual([0, 1, 2, 3, 4, 5]);
});

test('what stands in a picture is escaped', () => {
  const parts = [element('line', { class: 'a"b', x1: 1.2345 }), text(1, 2, '<&>')];
  const svg = picture(10, 20, 'x < y', '.a { }', parts);
  expect(svg).toContain('<line class="a&quot;b" x1="1.23"/>');
  expect(svg).toContain('<text x="1" y="2">&lt;&amp;&gt;</text>');
  expect(svg).toContain('<title>x &lt; y</title>');
  readXml(svg);
});

test('the picture shows every cell, in both schemes, and is well-formed', async () => {
  const ways = await measureGrid(example(), 1);
  const growth = await measureGrid({ ...example(), name: 'size', picture: 'growth' }, 1);
  const report = { date: '2026-01-02T03:04', machine: MACHINE, runs: 1, results: [], left: [] };
  const svg = launchCostPicture({ ...report, grids: [ways, growth] });
  readXml(svg);
  expect(svg).toContain('prefers-color-scheme: dark');
  expect(svg).toContain('B &lt;&amp;&quot;&gt;');
  expect(svg).toMatch(/>×1.50<[\s\S]*>3.00 ms<[\s\S]*>×10.00<[\s\S]*>20.0 ms<[\s\S]*>×2.00<[\s\S]*>8.00 ms</);
  expect(svg.match(/class="budget"\/>/g)).toHaveLength(3);
  expect(svg.match(/<polyline /g)).toHaveLength(3);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  expect(() => launchCostPicture({ ...report, grids: [growth] })).toThrow('--only');
});
