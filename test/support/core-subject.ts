/** A program of three threads of which checkpoints and cores are made while they run (test/programs/cores/sums.c). */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ALONE } from './restored.ts';
import { ROOT } from './run.ts';

/** What it prints in the end. */
export const SUMS = '240 6\n';

export function compileSums(directory: string): string {
  const file = join(directory, 'sums');
  const source = join(ROOT, 'test/programs/cores/sums.c');
  execFileSync('gcc', ['-O1', '-g', '-Wall', '-Werror', '-pthread', '-o', file, source]);
  return file;
}

/** Starts it with nothing open but what it needs, and returns when its threads are there. */
export async function startSums(file: string, directory: string): Promise<ChildProcess & { pid: number }> {
  const child = spawn('bash', ['-c', `ulimit -c unlimited; ${ALONE}`, 'bash', file], {
    cwd: directory,
    env: { PATH: '/usr/bin:/bin', WORD: 'in its environment' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  if (child.pid === undefined) throw new Error('did not start');
  return child as ChildProcess & { pid: number };
}
