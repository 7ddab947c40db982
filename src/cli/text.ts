/** Laying text out for people: wrapping, columns, and what a terminal can show. */
import { isatty } from 'node:tty';

/** What help and reports fit into. */
export const COLUMNS = 80;

/** How many columns there are for a picture: those of the terminal, or what the environment says, or as many as we like. */
export function columnsFor(terminal: number | undefined, env: NodeJS.ProcessEnv = process.env): number {
  const said = /^[1-9]\d{0,4}$/.test(env['COLUMNS'] ?? '') ? Number(env['COLUMNS']) : COLUMNS;
  return terminal ?? said;
}

/** Words in lines of at most `width` characters; a longer word stands alone. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** `left` at `indent`, `right` wrapped in its own column, below `left` where that is too long. */
export function columns(left: string, right: string, indent: number, at: number): string[] {
  const lines = wrap(right, COLUMNS - at);
  const head = `${' '.repeat(indent)}${left}`;
  const fits = head.length + 2 <= at;
  const body = lines.map((line, index) => (fits && index === 0 ? head.padEnd(at) : ' '.repeat(at)) + line);
  return fits ? body : [head, ...body];
}

/** Whether the locale's characters are UTF-8; locale(7) says which variable counts. */
export function isUtf8Locale(env: NodeJS.ProcessEnv = process.env): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find(
    (value) => value !== undefined && value !== '',
  );
  return locale !== undefined && /utf-?8/i.test(locale);
}

/** Colours are for terminals whose user did not refuse them (no-color.org). */
export function wantsColor(fd: number, env: NodeJS.ProcessEnv = process.env): boolean {
  const refused = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  return !refused && isatty(fd);
}

/** A document for machines, as all `--json` options write it. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
