/** Somebody who does what a page says, line by line, in one shell, in a directory that was empty before. */
import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { NODE_PATH } from '../support/run.ts';
import type { Block } from './blocks.ts';
import { compare } from './compare.ts';

const TIME_LIMIT = 120_000;
/** npm would look for newer versions of itself. */
const QUIET_NPM = { npm_config_update_notifier: 'false', npm_config_offline: 'true' };

/** Takes commands from descriptor 3, each behind a NUL, and says how each ended and where it left the shell. */
const DRIVER = `exec 2>&1
for open in /proc/self/fd/*; do [ "\${open##*/}" -gt 3 ] && eval "exec \${open##*/}>&-"; done
while IFS= read -r -d '' command <&3; do
  eval "$command" 3<&- < /dev/null
  printf '\\0%s\\0%s\\0' "$?" "$PWD"
done`;

export interface Reader {
  /** Throws an Error that names the line where the page is wrong. */
  follow(block: Block): Promise<void>;
  /** Ends the shell, and what it has left in the background. */
  readonly close: () => void;
}

export interface ReaderOptions {
  /** What is done in the place of some commands, for those that need a network. */
  readonly instead?: Readonly<Record<string, (directory: string) => void>>;
  /** Directories where commands are found first. */
  readonly path?: readonly string[];
}

export function reader(home: string, { instead = {}, path = [] }: ReaderOptions = {}): Reader {
  const shell = startShell(home, [...path, NODE_PATH].join(':'));
  let directory = home;
  /** What was seen in the place of what the page says, where that varies. */
  const seen = new Map<string, string>();
  return {
    async follow(block) {
      if (block.kind === 'command') {
        const other = instead[block.command];
        if (other !== undefined) return other(directory);
        const { output, status, where } = await shell.obey(withSeen(block.command, seen));
        directory = where;
        // A page that leaves lines out, or shows none at all, does not show an error among them.
        const ended = status === 0 || (block.output !== undefined && !/^\.\.\.$/m.test(block.output));
        if (!ended || !compare(output, block, seen))
          throw new Error(
            `line ${block.line}: $ ${block.command}\nsays\n${output}(status ${status}) and not\n${block.output ?? ''}`,
          );
        return;
      }
      const file = join(directory, block.path);
      mkdirSync(dirname(file), { recursive: true });
      (block.kind === 'file' ? writeFileSync : appendFileSync)(file, block.text);
    },
    close: shell.close,
  };
}

const withSeen = (command: string, seen: ReadonlyMap<string, string>): string =>
  command.replace(/[0-9A-Za-z]+/g, (word) => seen.get(word) ?? word);

/** A shell with somebody before it names no line, and tells of the end of what ran in the background later. */
function asToPeople(output: string): string {
  return output
    .replace(/^bash: line \d+: +\d+ (Killed|Terminated) .*\n/gm, '')
    .replace(/^bash: line \d+: /gm, 'bash: ');
}

interface Obeyed {
  readonly output: string;
  readonly status: number;
  readonly where: string;
}

function startShell(home: string, PATH: string) {
  const env = { PATH, HOME: home, LANG: 'C.UTF-8', NO_COLOR: '1', ...QUIET_NPM };
  // A process group of its own, so that what runs in the background can be ended with it.
  const shell = spawn('bash', ['--norc', '--noprofile', '-c', DRIVER], {
    cwd: home,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
  });
  const [, output, , commands] = shell.stdio;
  if (!(output && commands && 'write' in commands)) throw new Error('the shell lacks a descriptor');
  let said = '';
  let arrived = () => {};
  output.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    arrived();
  });
  return {
    obey(command: string): Promise<Obeyed> {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`does not end: ${command}\n${said}`)), TIME_LIMIT);
        arrived = () => {
          const [output = '', status, where, rest] = said.split('\0');
          if (status === undefined || where === undefined || rest === undefined) return;
          clearTimeout(timer);
          said = rest;
          resolve({ output: asToPeople(output), status: Number(status), where });
        };
        commands.write(`${command}\0`);
      });
    },
    close() {
      try {
        process.kill(-(shell.pid ?? 0), 'SIGKILL');
      } catch {
        // All of it has ended.
      }
    },
  };
}
