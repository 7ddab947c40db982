/** gdb as people use it: commands on its standard input, answers on its output. */
import { spawn } from 'node:child_process';
import { COMMAND, NODE_PATH, type Outcome, run, SAMPLES } from './run.ts';

/** No file of the user's, no network, English. */
export const GDB_ENV = { PATH: NODE_PATH, HOME: '/nonexistent', LC_ALL: 'C.UTF-8' };

/** What gdb is typed: in a width of its own it would break its lines where the paths of the checkout let it. */
export function typed(commands: readonly string[]): string {
  return `${['set width 0', ...commands].join('\n')}\n`;
}

/** `run-foreign --gdb args…`, and what is typed into gdb. */
export function debugForeign(
  args: readonly string[],
  commands: readonly string[],
  cwd = SAMPLES,
): Promise<Outcome> {
  return run(COMMAND, ['--gdb', ...args], { env: GDB_ENV, input: typed(commands), cwd });
}

/** gdb itself; `args` are its own. */
export function gdb(args: readonly string[], cwd = SAMPLES): Promise<Outcome> {
  return run('gdb', ['-nx', '-batch', ...args], { env: GDB_ENV, cwd });
}

export interface Waiting {
  /** What it has printed so far. */
  readonly said: string;
  /** The file that it says gdb is to read. */
  readonly script: string;
  /** How it ends: what has been printed until then. */
  readonly ended: Promise<{ status: number | null; output: string }>;
  readonly kill: () => void;
}

/** `run-foreign --gdb=PORT args…`, with `before` before it, when it waits for a gdb. */
export async function debugServer(
  port: number,
  args: readonly string[],
  cwd = SAMPLES,
  before: readonly string[] = [],
): Promise<Waiting> {
  const [file = COMMAND, ...words] = [...before, COMMAND, `--gdb=${port}`, ...args];
  const child = spawn(file, words, {
    env: GDB_ENV,
    cwd,
    timeout: 40_000,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const ended = new Promise<{ status: number | null; output: string }>((resolve) => {
    child.on('close', (status) => resolve({ status, output }));
  });
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (output.includes('target remote')) resolve();
      });
    child.on('close', () => reject(new Error(`it does not wait: ${output}`)));
  });
  const script = /gdb -x (\S+)/.exec(output)?.[1] ?? '';
  return { said: output, script, ended, kill: () => child.kill('SIGKILL') };
}

/** A port that nobody has at the moment. */
export async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** What `info …` has said of a process, without what differs from one to the next. */
export function withoutNumbers(text: string): string {
  return text
    .replace(/^\(gdb\) /gm, '')
    .replace(/process \d+/g, 'process N')
    .replace(/^Starting program: .*$/m, 'Starting');
}
