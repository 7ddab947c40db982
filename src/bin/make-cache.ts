/**
 * Stands in for run-foreign.ts when the package is built: starts a program as the command does, and when all that is left
 * to do is to tell the launcher, writes what V8 has compiled until then of the script that was loaded last, and ends. So the functions
 * that such a start needs are in the cache, and no others.
 */
import fs from 'node:fs';
import type { Script } from 'node:vm';
import { MESSAGE } from '../launcher/protocol.ts';
import { cacheFile, compile, runCommand, type ScriptName } from './script.ts';

const directory = import.meta.dirname;
const { writeSync } = fs;
let last: { readonly name: ScriptName; readonly script: Script } | undefined;

/** The command calls node:fs through its exports, so it meets this one. */
function writeOrEnd(fd: number, bytes: Uint8Array, ...rest: number[]): number {
  if (bytes.length !== MESSAGE.start || last === undefined) return writeSync(fd, bytes, ...rest);
  fs.writeFileSync(`${directory}/${cacheFile(last.name)}`, last.script.createCachedData());
  process.exit(0);
}

Object.assign(fs, { writeSync: writeOrEnd });
runCommand(
  (name) => {
    last = { name, script: compile(directory, name) };
    return last.script;
  },
  require,
  directory,
);
