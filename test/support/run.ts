/**
 * Runs commands as a user would, above all the built dist/run-foreign, and says how they ended.
 * Output is kept as latin1 text: one character a byte, so nothing a program writes is lost or mended.
 */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The command under test. */
export const COMMAND = join(ROOT, 'dist/run-foreign');
/** Its half in Node, which can be started without the launcher. */
export const NODE_HALF = `${COMMAND}.cjs`;
export const SAMPLES = join(ROOT, 'samples');
/** A PATH in which the command finds the Node that runs the tests. */
export const NODE_PATH = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`;

const TIME_LIMIT = 20_000;

export interface RunOptions {
  /** The whole environment; only a PATH unless given. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What it can read from standard input, as latin1 text. */
  readonly input?: string;
  readonly argv0?: string;
  /** Milliseconds; who takes longer is killed, which shows as a signal. */
  readonly timeout?: number;
}

export interface Outcome {
  /** The exit status, or the name of the signal. */
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `file`; a file that cannot be started at all rejects with the errno's name in `code`. */
export function run(file: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Outcome> {
  const { env = { PATH: NODE_PATH }, cwd = SAMPLES, input = '', argv0, timeout = TIME_LIMIT } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      env: { ...env },
      cwd,
      timeout,
      killSignal: 'SIGKILL',
      ...(argv0 !== undefined && { argv0 }),
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('latin1').on('data', (text: string) => {
        output[name] += text;
      });
    }
    // Who does not read its input is nobody's error.
    child.stdin.on('error', () => {});
    child.stdin.end(Buffer.from(input, 'latin1'));
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status: status ?? signal ?? 'unknown', ...output }));
  });
}

/** `run-foreign args…`. */
export function runForeign(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return run(COMMAND, args, options);
}

/** A shell script with positional parameters. */
export function sh(script: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Outcome> {
  return run('/bin/sh', ['-c', script, 'sh', ...args], options);
}

/** A word for shell scripts: the command, quoted. */
export const SHELL_COMMAND = quote(COMMAND);

export function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

export interface Temporary {
  readonly path: string;
  /** Writes a file below it, with its directories, that can be executed; returns its path. */
  readonly file: (name: string, content: Uint8Array | string, mode?: number) => string;
  readonly remove: () => void;
}

/** A temporary directory that `remove` takes away. */
export function temporary(): Temporary {
  const path = mkdtempSync(join(tmpdir(), 'run-foreign-test-'));
  return {
    path,
    file(name, content, mode = 0o755) {
      const at = join(path, name);
      mkdirSync(dirname(at), { recursive: true });
      writeFileSync(at, content);
      // Whatever the umask is.
      chmodSync(at, mode);
      return at;
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** A program behind a `#!` line that names the command. */
export const behindLine = (bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`#!${COMMAND}\n`), bytes]);

/** Runs `action` on every item, a few at a time, and keeps the order of the results. */
export async function inParallel<T, R>(
  items: readonly T[],
  action: (item: T) => Promise<R>,
  width = 4,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await action(items[index] as T);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}
