/** What the progress line says: `tally: fetching  [#####------]  12.3 of 100 MB, 45 MB/s`. */
import { printable } from '../errors.ts';

export interface Report {
  /** The program. */
  readonly name: string;
  readonly what: string;
  /** Bytes. */
  readonly done: number;
  readonly total: number | undefined;
  /** Since `what` began. */
  readonly milliseconds: number;
}

export interface LineStyle {
  /** Columns. */
  readonly width: number;
  readonly unicode: boolean;
  readonly color: boolean;
}

const WIDEST_BAR = 30;
const NARROWEST_BAR = 8;

/** One line of at most `width` columns. */
export function progressText(report: Report, style: LineStyle): string {
  const { done, total } = report;
  const head = printable(`${report.name}: ${report.what}`);
  const tail = done === 0 && total === undefined ? '' : amountText(report);
  const room = style.width - head.length - tail.length - 4;
  if (total === undefined || room < NARROWEST_BAR)
    return [head, tail].join('  ').trimEnd().slice(0, style.width);
  return `${head}  ${bar(done / total, Math.min(room, WIDEST_BAR), style)}  ${tail}`;
}

/** `width` columns, its ends included. */
function bar(share: number, width: number, { unicode, color }: LineStyle): string {
  const [start, full, empty, end] = unicode ? ['', '━', '─', ''] : ['[', '#', '-', ']'];
  const inner = width - start.length - end.length;
  const filled = Math.max(0, Math.min(inner, Math.floor(share * inner)));
  const [left, right] = [full.repeat(filled), empty.repeat(inner - filled)];
  // Green, and faint (console_codes(4)).
  return color ? `${start}\x1b[32m${left}\x1b[0;2m${right}\x1b[0m${end}` : `${start}${left}${right}${end}`;
}

const UNITS = ['B', 'kB', 'MB', 'GB'] as const;

function amountText({ done, total, milliseconds }: Report): string {
  const unit = unitFor(total ?? done);
  const amount = total === undefined ? inUnit(done, unit) : `${inUnit(done, unit)} of ${inUnit(total, unit)}`;
  const rate = (done / Math.max(1, milliseconds)) * 1000;
  const rateUnit = unitFor(rate);
  return `${amount} ${UNITS[unit]}, ${inUnit(rate, rateUnit)} ${UNITS[rateUnit]}/s`;
}

function unitFor(bytes: number): number {
  return Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
}

/** With a decimal place where fewer than three digits stand before it. */
function inUnit(bytes: number, unit: number): string {
  const value = bytes / 1000 ** unit;
  return value >= 99.95 || unit === 0 ? value.toFixed(0) : value.toFixed(1);
}
