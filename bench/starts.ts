/**
 * How long one start takes, from posix_spawn to the return of waitpid, as native/starts.c measures it: many starts in a
 * row, of which the median counts, because a start takes less than what a machine is sometimes away for.
 */
import { spawnSync } from 'node:child_process';
import { NODE_PATH } from '../test/support/run.ts';
import { compiled } from './compiler.ts';
import type { Contender } from './row.ts';
import { summary } from './statistics.ts';
import type { Stub } from './stub.ts';

/** The environment that everything is started with. */
export const ENVIRONMENT: Readonly<Record<string, string>> = { PATH: NODE_PATH };

/** A measurement ends after so many starts, or milliseconds. */
const MOST = ['200', '100'];

/** Where parent and child run: commands with threads of their own need all there is. */
type Processors = 'one-cpu' | 'any-cpu';

export interface Starts {
  /** Milliseconds a start of a command; the file is a path. */
  command(name: string, command: readonly string[], options?: StartOptions): Contender;
  /** The same for a stub alone. */
  stub(name: string, stub: Stub): Contender;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly processors?: Processors;
}

/** Throws Missing. */
export function startsIn(directory: string): Starts {
  const helper = compiled(directory, 'starts', 'native/starts.c');
  return {
    command: (name, [file = '', ...args], { env = ENVIRONMENT, processors = 'one-cpu' } = {}) => ({
      name,
      measure: () => medianStart(helper, [processors, ...MOST, file, file, ...args], env),
    }),
    // As the launcher does it: what the program is to get stands in the stub.
    stub: (name, { path, comm, descriptors }) => ({
      name,
      measure: () => medianStart(helper, ['one-cpu', ...MOST, path, comm], {}, descriptors),
    }),
  };
}

function medianStart(
  helper: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  descriptors: readonly number[] = [],
): number {
  const { status, error, stdout, stderr } = spawnSync(helper, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe', ...descriptors],
    encoding: 'utf8',
  });
  if (error !== undefined || status !== 0) throw error ?? new Error(`cannot be started: ${stderr}`);
  return summary(stdout.trim().split('\n').map(Number)).median / 1e6;
}
