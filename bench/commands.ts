/** Commands as contenders: how long one takes, from the moment it is started until it has ended. */
import { execFileSync, spawnSync } from 'node:child_process';
import { NODE_PATH } from '../test/support/run.ts';
import { type Contender, Missing } from './row.ts';

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Milliseconds. What the command writes goes to /dev/null. */
export function command(
  name: string,
  [file = '', ...args]: readonly string[],
  { env = {}, cwd }: CommandOptions = {},
): Contender {
  return {
    name,
    measure() {
      const began = performance.now();
      const { status, error, stderr } = spawnSync(file, args, {
        cwd,
        env: { PATH: NODE_PATH, ...env },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const took = performance.now() - began;
      if (error !== undefined || status !== 0) throw error ?? new Error(`${name}: ${stderr}`);
      return took;
    },
  };
}

/** The same for a pipeline; the shell that runs it takes a millisecond. */
export function pipeline(name: string, script: string, options?: CommandOptions): Contender {
  return command(name, ['/bin/sh', '-c', script], options);
}

/** What a command says. Throws Missing, with the name of its Debian package, where there is no such command. */
export function output(file: string, args: readonly string[], debianPackage: string, cwd?: string): string {
  try {
    return execFileSync(file, args, { encoding: 'utf8', cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new Missing(`there is no ${file}; apt-get install ${debianPackage}`);
  }
}
