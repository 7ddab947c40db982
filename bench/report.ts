/** Results as a table in Markdown, which terminals and docs/performance.md show alike. */
import { gridText } from './grid-text.ts';
import type { Machine } from './machine.ts';
import { markdownTable, spread } from './markdown.ts';
import type { GridResult, Result } from './runner.ts';

export interface Report {
  /** ISO 8601. */
  readonly date: string;
  readonly machine: Machine;
  readonly runs: number;
  readonly results: readonly Result[];
  readonly grids: readonly GridResult[];
  /** Groups that were left out, and why. */
  readonly left: readonly string[];
}

export function reportText({ machine, runs, results, grids, left }: Report): string {
  const { cpu, cores, memory, kernel, system, node, load } = machine;
  const head = `${cpu}, ${cores} cores, ${memory} GiB; Linux ${kernel}, ${system}, Node ${node}, load ${load.toFixed(1)} before`;
  const tables = results.map(table);
  const skipped = left.map((why) => `Left out: ${why}`);
  return `${[`${head}. Medians of ${runs} interleaved runs (quartiles).`, ...grids.map(gridText), ...tables, ...skipped].join('\n\n')}\n`;
}

function table({ name, unit, goal, measured, ratios }: Result): string {
  const rows = measured.map((each) => {
    const ratio = ratios.find(({ against }) => against === each.name);
    return [
      each.name,
      spread(each, unit === 'ms' ? 0 : 1),
      ratio === undefined ? '' : `×${spread(ratio, 2)}`,
    ];
  });
  const wanted = goal === null ? '' : ` (goal: ×${goal} of the best)`;
  return markdownTable([[name, unit, `ratio${wanted}`], ...rows]);
}
