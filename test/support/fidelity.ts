/**
 * The generated parts of docs/fidelity.md. A test that compares us with execve says there what it compared
 * and what came of it; where the page says something else, the test fails. UPDATE_GOLDEN=1 writes the page
 * anew (with `--no-file-parallelism`: several tests write to it).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ROOT } from './run.ts';

const PAGE = join(ROOT, 'docs/fidelity.md');

/** A Markdown table; a `|` in a cell is escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Compares `markdown` with what stands between the markers of the section `name`. */
export function expectSection(name: string, markdown: string): void {
  const [begin, end] = [`<!-- generated: ${name} -->\n`, `\n<!-- end of ${name} -->`];
  const page = readFileSync(PAGE, 'utf8');
  const from = page.indexOf(begin) + begin.length;
  const to = page.indexOf(end, from - 1);
  if (from < begin.length || to < 0) throw new Error(`docs/fidelity.md has no section ${name}`);
  if (process.env['UPDATE_GOLDEN'] !== undefined) {
    writeFileSync(PAGE, `${page.slice(0, from)}${markdown}${page.slice(to)}`);
    return;
  }
  expect(page.slice(from, to)).toBe(markdown);
}
