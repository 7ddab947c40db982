/**
 * What a page of documentation tells its reader to do, from its fenced blocks: files to write (```ts src/index.ts), files
 * to go on with (```ts src/index.ts, continued), and sessions (```console), whose lines after `$ ` are commands and the
 * others what they print; a line `...` stands for any lines. Other blocks are there to be read.
 */
export type Block =
  | { readonly kind: 'file'; readonly line: number; readonly path: string; readonly text: string }
  | { readonly kind: 'more'; readonly line: number; readonly path: string; readonly text: string }
  | { readonly kind: 'command'; readonly line: number; readonly command: string; readonly output: string };

const FENCE = /^(`{3,})([^`\n]*)\n(.*?)^\1$/gms;

export function blocksIn(markdown: string): Block[] {
  return [...markdown.matchAll(FENCE)].flatMap((match) => {
    const [, , info = '', text = ''] = match;
    const line = markdown.slice(0, match.index).split('\n').length;
    const [language, path = ''] = info.split(/ (.*)/);
    if (language === 'console') return commandsIn(text, line);
    if (path === '') return [];
    const [, continued] = /^(.*), continued$/.exec(path) ?? [];
    if (continued !== undefined) return [{ kind: 'more', line, path: continued, text }];
    return [{ kind: 'file', line, path, text }];
  });
}

function commandsIn(text: string, line: number): Block[] {
  const commands: { kind: 'command'; line: number; command: string; output: string }[] = [];
  for (const [index, each] of text.split('\n').slice(0, -1).entries()) {
    const last = commands.at(-1);
    if (each.startsWith('$ '))
      commands.push({ kind: 'command', line: line + 1 + index, command: each.slice(2), output: '' });
    else if (last === undefined) throw new Error(`line ${line}: output before any command`);
    else last.output += `${each}\n`;
  }
  return commands;
}

/** Whether a command printed what the page says. */
export function matches(output: string, expected: string): boolean {
  const pattern = expected
    .split(/^\.\.\.\n/m)
    .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('(.*\\n)*?');
  return new RegExp(`^${pattern}$`).test(output);
}
