/** The command's scripts as V8 compiles them, and where they and their compiled code lie. */
import { readFileSync } from 'node:fs';
import { Script } from 'node:vm';

/**
 * Beside this file, in ASCII, each as one function (src/build/command-scripts.ts): `command` is what a plain start needs, `further`
 * everything else, which the first asks for.
 */
export type ScriptName = 'command' | 'further';
export const SCRIPT_NAMES: readonly ScriptName[] = ['command', 'further'];

export const scriptFile = (name: ScriptName): string => `${name}.cjs`;
/** Beside it: what V8 made of that when the package was built. */
export const cacheFile = (name: ScriptName): string => `${name}.cache`;

/** A `cache` that another version of V8 has made, or this one with other flags, V8 sets aside. */
export function compile(directory: string, name: ScriptName, cache?: Buffer): Script {
  // latin1 needs no decoding.
  return new Script(readFileSync(`${directory}/${scriptFile(name)}`, 'latin1'), {
    // Without the directory, because code from a cache keeps the name that it was compiled with.
    filename: scriptFile(name),
    ...(cache !== undefined && { cachedData: cache }),
  });
}

/** What the modules of one script are for those of the other, by their paths in the sources. */
type Modules = Readonly<Record<string, unknown>>;
type Wrapper<Last, Result> = (require: NodeJS.Require, directory: string, file: string, last: Last) => Result;

/** Runs the command; `require` is the caller's own, and `compiled` gives the scripts. */
export function runCommand(
  compiled: (name: ScriptName) => Script,
  require: NodeJS.Require,
  directory: string,
): void {
  const run = <Last, Result>(name: ScriptName, last: Last): Result => {
    const wrapper = compiled(name).runInThisContext() as Wrapper<Last, Result>;
    return wrapper(require, directory, `${directory}/${scriptFile(name)}`, last);
  };
  run('command', (shared: Modules) => run<Modules, Modules>('further', shared));
}
