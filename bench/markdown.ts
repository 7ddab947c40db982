/** Tables in Markdown that can be read as they stand, and how numbers stand in them. */
import type { Summary } from './statistics.ts';

/** The first row is the head. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head = [], ...others] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`;
  return [
    line(head),
    `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`,
    ...others.map(line),
  ].join('\n');
}

type Spread = Pick<Summary, 'median' | 'quartiles'>;

/** A median, and its quartiles in parentheses. */
export function spread({ median, quartiles: [low, high] }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
}

/** So many digits after the point that a value has three that count, or all of a whole number. */
export function digitsOf(value: number): number {
  const size = Math.abs(value);
  return size === 0 || size >= 100 ? 0 : Math.min(3, 2 - Math.floor(Math.log10(size)));
}
