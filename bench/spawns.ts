/** Starts from within Node: child_process.spawn, and what the library has in its place. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../test/support/run.ts';
import type { Contender } from './row.ts';
import { ENVIRONMENT } from './starts.ts';
import { summary } from './statistics.ts';

export type Spawn = (
  file: string,
  args: readonly string[],
  options: { readonly stdio: 'ignore'; readonly env: NodeJS.ProcessEnv },
) => ChildProcess | Promise<ChildProcess>;

export const nodeSpawn: Spawn = (file, args, options) => spawn(file, args, options);

/** spawnForeign of the library as it is built; undefined where it has none. */
export async function foreignSpawn(): Promise<Spawn | undefined> {
  const built = join(ROOT, 'dist/index.js');
  if (!existsSync(built)) return undefined;
  const library: { spawnForeign?: Spawn } = await import(pathToFileURL(built).href);
  return library.spawnForeign;
}

/** Milliseconds from the call until the child has ended: of one after another, the median. */
export function oneByOne(name: string, spawn: Spawn, [file = '', ...args]: readonly string[]): Contender {
  return {
    name,
    async measure() {
      const took: number[] = [];
      for (const end = performance.now() + MOST.milliseconds; took.length < MOST.starts; ) {
        const began = performance.now();
        await ended(spawn, file, args);
        took.push(performance.now() - began);
        if (performance.now() > end) break;
      }
      return summary(took).median;
    },
  };
}

/** A measurement ends after so many starts or milliseconds. */
const MOST = { starts: 100, milliseconds: 100 };

/** Milliseconds until all of `count` that were started at once have ended. */
export function atOnce(
  name: string,
  spawn: Spawn,
  [file = '', ...args]: readonly string[],
  count: number,
): Contender {
  return {
    name,
    async measure() {
      const began = performance.now();
      await Promise.all(Array.from({ length: count }, () => ended(spawn, file, args)));
      return performance.now() - began;
    },
  };
}

async function ended(spawn: Spawn, file: string, args: readonly string[]): Promise<void> {
  const child = await spawn(file, args, { stdio: 'ignore', env: ENVIRONMENT });
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  if (child.exitCode !== 0) throw new Error(`${file} ended with ${child.exitCode ?? child.signalCode}`);
}
