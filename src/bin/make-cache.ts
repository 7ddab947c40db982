/**
 * Stands in for run-foreign.ts when the package is built: starts a program as the command does, and when all that is left
 * to do is to tell the launcher, writes what V8 has compiled until then, and ends. So the functions a plain start
 * needs are in the cache, and no others.
 */
import fs from 'node:fs';
import { MESSAGE } from '../launcher/protocol.ts';
import { CACHE_FILE, commandScript, runCommand } from './script.ts';

const directory = import.meta.dirname;
const script = commandScript(directory);
const { writeSync } = fs;

/** The command calls node:fs through its exports, so it meets this one. */
function writeOrEnd(fd: number, bytes: Uint8Array, ...rest: number[]): number {
  if (bytes.length !== MESSAGE.start) return writeSync(fd, bytes, ...rest);
  fs.writeFileSync(`${directory}/${CACHE_FILE}`, script.createCachedData());
  process.exit(0);
}

Object.assign(fs, { writeSync: writeOrEnd });
runCommand(script, require, directory);
