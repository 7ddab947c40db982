/** A grid as text: the ratios first, then what they are ratios of, then the budgets. */
import { digitsOf, markdownTable, spread } from './markdown.ts';
import type { Column, Unit } from './row.ts';
import type { CellResult, GridResult, LineResult, Verdict } from './runner.ts';

/** More columns get a table for their ratios. */
const WIDE = 2;

export function gridText(grid: GridResult): string {
  const { name, unit, columns, lines, left } = grid;
  const filled = columns.filter((column) => lines.some((line) => cellOf(line, column) !== undefined));
  const compared = filled.filter(({ against }) => against !== undefined);
  const ratios = [
    [`${name}, ratio`, ...compared.map(heading)],
    ...lines.map((line) => [
      line.name,
      ...compared.map((column) => ratioText(cellOf(line, column), column, unit)),
    ]),
  ];
  const values = [
    [`${name}, ${unit}`, ...filled.map((column) => column.name)],
    ...lines.map((line) => [line.name, ...filled.map((column) => valueText(cellOf(line, column)))]),
  ];
  // What is narrow enough stands in one table.
  const together = values.map((row, index) => [
    row[0] ?? '',
    ...(ratios[index]?.slice(1) ?? []),
    ...row.slice(1),
  ]);
  const tables = filled.length <= WIDE ? [together] : [ratios, values];
  const verdicts = lines.flatMap((line) =>
    line.verdicts.map((verdict) => verdictText(line, verdict, columns, unit)),
  );
  return [
    ...tables.map(markdownTable),
    ...(verdicts.length === 0 ? [] : [verdicts.join('\n')]),
    ...left.map((why) => `Left out: ${name}: ${why}`),
  ].join('\n\n');
}

function cellOf({ cells }: LineResult, { name }: Column): CellResult | undefined {
  return cells.find((cell) => cell.name === name);
}

function heading({ name, against, difference }: Column): string {
  return `${name} : ${against}${difference === true ? ', difference' : ''}`;
}

function ratioText(cell: CellResult | undefined, column: Column, unit: Unit): string {
  if (cell?.ratio === undefined || cell.difference === undefined) return '';
  const ratio = `×${spread(cell.ratio, 2)}`;
  return column.difference === true ? `${ratio}, ${differenceText(cell.difference.median, unit)}` : ratio;
}

function differenceText(value: number, unit: Unit): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digitsOf(value))} ${unit}`;
}

function valueText(cell: CellResult | undefined): string {
  return cell === undefined ? '' : spread(cell, digitsOf(cell.median));
}

function verdictText(line: LineResult, verdict: Verdict, columns: readonly Column[], unit: Unit): string {
  const against = columns.find(({ name }) => name === verdict.column)?.against;
  const [median, limit] =
    'ratio' in verdict
      ? [`×${verdict.median.toFixed(2)}`, `×${verdict.ratio}`]
      : [differenceText(verdict.median, unit), differenceText(verdict.difference, unit)];
  const met = verdict.met ? 'met' : 'not met';
  return `- ${line.name}, ${verdict.column}: ${median} of ${against}, at most ${limit}: ${met}`;
}
