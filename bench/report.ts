/** Results as a table in Markdown, which terminals and docs/performance.md show alike. */
import type { Machine } from './machine.ts';
import type { Ratio, Result } from './runner.ts';
import type { Summary } from './statistics.ts';

export interface Report {
  readonly machine: Machine;
  readonly runs: number;
  readonly results: readonly Result[];
  /** Groups that were left out, and why. */
  readonly left: readonly string[];
}

export function reportText({ machine, runs, results, left }: Report): string {
  const { cpu, cores, memory, kernel, system, node } = machine;
  const head = `${cpu}, ${cores} cores, ${memory} GiB; Linux ${kernel}, ${system}, Node ${node}`;
  const tables = results.map((result) => table(result).join('\n'));
  const skipped = left.map((why) => `Left out: ${why}`);
  return `${[`${head}. Medians of ${runs} interleaved runs (quartiles).`, ...tables, ...skipped].join('\n\n')}\n`;
}

function table({ name, unit, goal, measured, ratios }: Result): string[] {
  const rows = measured.map((each) => {
    const ratio = ratios.find(({ against }) => against === each.name);
    return [
      each.name,
      spread(each, unit === 'ms' ? 0 : 1),
      ratio === undefined ? '' : `×${spread(ratio, 2)}`,
    ];
  });
  const wanted = goal === null ? '' : ` (goal: ×${goal} of the best)`;
  return lines([[name, unit, `ratio${wanted}`], ...rows]);
}

function lines(cells: readonly (readonly string[])[]): string[] {
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...rows] = cells;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)];
}

function spread({ median, quartiles: [low, high] }: Summary | Ratio, digits: number): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
}
