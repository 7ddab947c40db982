/** The command as V8 compiles it, and where it and its compiled code lie. */
import { readFileSync } from 'node:fs';
import { Script } from 'node:vm';

/** Beside this file: the command, in ASCII, as one function of what modules have. */
export const COMMAND_FILE = 'command.cjs';
/** Beside it: what V8 made of that when the package was built. */
export const CACHE_FILE = 'command.cache';

/** A `cache` that another version of V8 has made, or this one with other flags, V8 sets aside. */
export function commandScript(directory: string, cache?: Buffer): Script {
  // latin1 needs no decoding.
  return new Script(readFileSync(`${directory}/${COMMAND_FILE}`, 'latin1'), {
    // Without the directory, because code from a cache keeps the name that it was compiled with.
    filename: COMMAND_FILE,
    ...(cache !== undefined && { cachedData: cache }),
  });
}

/** Runs it; `require` is the caller's own. */
export function runCommand(script: Script, require: NodeJS.Require, directory: string): void {
  const command = script.runInThisContext() as (...scope: [NodeJS.Require, string, string]) => void;
  command(require, directory, `${directory}/${COMMAND_FILE}`);
}
