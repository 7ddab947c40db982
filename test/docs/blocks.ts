/**
 * What a page of documentation tells its reader to do, from its fenced blocks: files to write (```ts src/index.ts), files
 * to go on with (```ts src/index.ts, continued), scripts (```sh), and sessions (```console), whose lines after `$ ` are
 * commands, those after `> ` the rest of one, and the others what they print; compare.ts says how. Of a session that is
 * ```console varying the numbers are only examples. Other blocks are there to be read.
 */
export interface Command {
  readonly kind: 'command';
  readonly line: number;
  readonly command: string;
  /** What it prints; a script may print anything, and must end well. */
  readonly output: string | undefined;
  readonly varying: boolean;
}

export type Block =
  | Command
  | {
      readonly kind: 'file' | 'more';
      readonly line: number;
      readonly path: string;
      readonly text: string;
    };

const FENCE = /^(`{3,})([^`\n]*)\n(.*?)^\1$/gms;
const SHELLS = ['sh', 'bash', 'shell'];

export function blocksIn(markdown: string): Block[] {
  return [...markdown.matchAll(FENCE)].flatMap((match): Block[] => {
    const [, , info = '', text = ''] = match;
    const line = markdown.slice(0, match.index).split('\n').length;
    const [language = '', path = ''] = info.split(/ (.*)/);
    if (language === 'console') return commandsIn(text, line, path === 'varying');
    if (path === '' && SHELLS.includes(language))
      return [{ kind: 'command', line, command: `(set -e\n${text})`, output: undefined, varying: false }];
    if (path === '') return [];
    const [, continued] = /^(.*), continued$/.exec(path) ?? [];
    if (continued !== undefined) return [{ kind: 'more', line, path: continued, text }];
    return [{ kind: 'file', line, path, text }];
  });
}

function commandsIn(text: string, line: number, varying: boolean): Command[] {
  const commands: { -readonly [K in keyof Command]: Command[K] }[] = [];
  for (const [index, each] of text.split('\n').slice(0, -1).entries()) {
    const last = commands.at(-1);
    if (each.startsWith('$ '))
      commands.push({
        kind: 'command',
        line: line + 1 + index,
        command: each.slice(2),
        output: '',
        varying,
      });
    else if (last === undefined) throw new Error(`line ${line}: output before any command`);
    else if (each.startsWith('> ') && last.output === '') last.command += `\n${each.slice(2)}`;
    else last.output += `${each}\n`;
  }
  return commands;
}
