/**
 * Processes that are checkpointed, killed and restored, as a user would. A program under test says `ready`, waits for SIGUSR1, and
 * then says what it finds; its output goes to a file.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMMAND, NODE_PATH, ROOT, run } from './run.ts';

/** What runs the tests may have left descriptors open, and a checkpoint would hold them, or refuse to. */
export const ALONE =
  'for fd in /proc/self/fd/*; do fd=$(basename $fd); (( fd > 2 )) && eval "exec $fd>&-"; done; exec "$@"';
const PATIENCE = 15_000;
const PAUSE = 10;

/** Compiles a program of test/programs/restored; `directory` is where it goes. */
export function compileRestored(name: string, directory: string, flags: readonly string[] = []): string {
  const file = join(directory, name);
  const source = join(ROOT, 'test/programs/restored', `${name}.c`);
  execFileSync('gcc', ['-O1', '-Wall', '-Werror', '-o', file, source, '-pthread', '-lrt', ...flags]);
  return file;
}

/** A directory that is gone when the tests are over. */
export function scratchDirectory(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'restored-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export class Subject {
  readonly directory: string;
  /** Where its output goes. */
  readonly output: string;
  readonly #errors: string;
  #child: ChildProcess;
  #exited: Promise<number | string>;
  #pid: number;
  /** Where its first stack was tells it from the command that restores it. */
  #stack = '';

  private constructor(child: ChildProcess, directory: string) {
    this.directory = directory;
    this.output = join(directory, 'output');
    this.#errors = join(directory, 'errors');
    this.#child = child;
    this.#pid = child.pid ?? 0;
    this.#exited = exitOf(child);
  }

  /** Starts a program in a directory of its own, and waits until it is ready. */
  static async start(
    file: string,
    directory: string,
    args: readonly string[] = [],
    ready = 'ready',
  ): Promise<Subject> {
    const output = openSync(join(directory, 'output'), 'w');
    const child = spawn('bash', ['-c', ALONE, 'bash', file, ...args], {
      cwd: directory,
      env: { PATH: NODE_PATH },
      stdio: ['ignore', output, output],
      detached: true,
    });
    closeSync(output);
    const subject = new Subject(child, directory);
    await until(
      () => subject.text().includes(ready),
      () => `${file} is not ready: ${subject.text()}`,
    );
    return subject;
  }

  get pid(): number {
    return this.#pid;
  }

  text(): string {
    return readFileSync(this.output, 'latin1');
  }

  /** What was said on standard error when it was restored. */
  errors(): string {
    return existsSync(this.#errors) ? readFileSync(this.#errors, 'latin1') : '';
  }

  /** Makes a checkpoint, which ends the process; returns its path. */
  async checkpoint(options: readonly string[] = []): Promise<string> {
    const path = join(this.directory, 'checkpoint');
    this.#stack = stackOf(this.pid);
    const args = ['checkpoint', String(this.pid), '-o', path, '--force', '--kill', ...options];
    const { status, stderr } = await run(COMMAND, args);
    if (status !== 0) throw new Error(`checkpoint: ${status} ${stderr}`);
    await this.#exited;
    return path;
  }

  /** Goes on from a checkpoint. */
  async restore(path: string, options: readonly string[] = [], by: readonly string[] = []): Promise<void> {
    const errors = openSync(this.#errors, 'w');
    const [file = COMMAND, ...args] = [...by, COMMAND, ...options, path];
    this.#child = spawn(file, args, {
      cwd: '/',
      env: { PATH: NODE_PATH, RUN_FOREIGN_NO_CACHE: '1' },
      stdio: ['ignore', 'ignore', errors],
    });
    closeSync(errors);
    this.#exited = exitOf(this.#child);
    let ended: number | string | undefined;
    this.#exited.then((status) => {
      ended = status;
    });
    const old = this.#pid;
    await until(
      () => ended !== undefined || this.#find(old),
      () => `not restored: ${this.errors()}`,
    );
  }

  /** Whether the process is there: with its old number, which the command's process then waits for, or as that itself. */
  #find(old: number): boolean {
    const own = this.#child.pid ?? 0;
    for (const pid of [...childrenOf(own), own]) {
      if (!isRestored(pid, this.#stack)) continue;
      this.#pid = pid;
      return true;
    }
    return isRestored(old, this.#stack);
  }

  /** Waits until it has written so many bytes. */
  async written(size: number): Promise<void> {
    await until(
      () => this.text().length >= size,
      () => `it has stopped writing: ${this.text().slice(-200)}`,
    );
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  /** Lets it find out and end; how it ended. */
  async finish(): Promise<number | string> {
    this.signal('SIGUSR1');
    return this.exit();
  }

  async exit(): Promise<number | string> {
    const late = new Promise<string>((resolve) => {
      setTimeout(() => resolve('still running'), PATIENCE).unref();
    });
    return Promise.race([this.#exited, late]);
  }

  /** Ends whatever is left of it. */
  kill(): void {
    for (const pid of [this.#pid, this.#child.pid ?? 0]) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
  }
}

function exitOf(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve) => {
    child.on('exit', (status, signal) => resolve(status ?? signal ?? 'unknown'));
  });
}

/** Runs the command on a checkpoint, and tells the process, called `comm`, to find out; what it says, and how it ends. */
export async function finishRestored(
  comm: string,
  args: readonly string[],
): Promise<{ output: string; status: number | string }> {
  const child = spawn(COMMAND, args, { env: { PATH: NODE_PATH }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      output += data;
    });
  }
  const own = child.pid ?? 0;
  const closed = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  const found = () => [own, ...childrenOf(own)].find((pid) => commOf(pid) === comm);
  await until(
    () => found() !== undefined || child.exitCode !== null,
    () => `not restored: ${output}`,
  );
  const pid = found();
  // It is called so before it goes on, and signals wait until then.
  if (pid !== undefined) process.kill(pid, 'SIGUSR1');
  return { status: await closed, output };
}

function commOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1').trim();
  } catch {
    return undefined;
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Neither the command nor the stub any more, which stands where nothing else does (src/process/address-space.ts). */
function isRestored(pid: number, stack: string): boolean {
  try {
    const maps = readFileSync(`/proc/${pid}/maps`, 'latin1');
    return stackOf(pid) === stack && maps.includes('[stack]') && !maps.split('\n').some(isStub);
  } catch {
    return false;
  }
}

/** start_stack: field 28 of proc_pid_stat(5). */
function stackOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[28 - 3] ?? '';
}

function isStub(line: string): boolean {
  const [start = '', , protection] = /^(\w+)-(\w+) (....)/.exec(line)?.slice(1) ?? [];
  const address = BigInt(`0x${start || '0'}`);
  const isThere = address >= 0x0100_0000_0000n && address < 0x0500_0000_0000n;
  return isThere && protection?.[2] === 'x' && !line.endsWith('[vdso]');
}

export async function until(
  condition: () => boolean,
  problem: () => string,
  patience = PATIENCE,
): Promise<void> {
  const end = Date.now() + patience;
  while (!condition()) {
    if (Date.now() > end) throw new Error(problem());
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
