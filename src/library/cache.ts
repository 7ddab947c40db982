/**
 * Programs that were started by name lately. One is started again without being loaded again when every file that was
 * read on the way is still the same: device, inode, size, and both times. Bounded in number and in time, because what is
 * open keeps file systems from being unmounted.
 */
import { accessSync, type BigIntStats, constants, statSync } from 'node:fs';
import type { Program, SeenFile } from './program.ts';

const MOST_PROGRAMS = 16;
/** How long a program may be there without being started, milliseconds. */
const IDLE_TIME = 5000;
/**
 * A file that has just been written to can be written to again without its times showing it, where they are coarse. Until it
 * is older than that, milliseconds, it is loaded for each start.
 */
const SETTLING_TIME = 2000;

interface Entry {
  readonly program: Program;
  lastUse: number;
}

const entries = new Map<string, Entry>();
let sweep: NodeJS.Timeout | undefined;

/** The program of that key, held for the caller, if it is known and nothing has changed. */
export function findCached(key: string): Program | undefined {
  const entry = entries.get(key);
  if (entry === undefined) return undefined;
  entries.delete(key);
  if (!isUnchanged(entry.program)) {
    entry.program.release();
    return undefined;
  }
  entry.lastUse = Date.now();
  // Those used last stand last.
  entries.set(key, entry);
  return entry.program.hold();
}

/** Keeps a program for those who come later, if its files are settled. The caller goes on holding it. */
export function cache(key: string, program: Program): void {
  const now = Date.now();
  if (!program.files.every(({ seen }) => now - Number(seen.ctimeMs) > SETTLING_TIME)) return;
  entries.get(key)?.program.release();
  entries.delete(key);
  entries.set(key, { program: program.hold(), lastUse: now });
  for (const [oldest, entry] of entries) {
    if (entries.size <= MOST_PROGRAMS) break;
    entries.delete(oldest);
    entry.program.release();
  }
  sweep ??= setInterval(closeIdle, IDLE_TIME).unref();
}

function closeIdle(): void {
  const now = Date.now();
  for (const [key, { program, lastUse }] of entries) {
    if (now - lastUse < IDLE_TIME) break;
    entries.delete(key);
    program.release();
  }
  if (entries.size > 0) return;
  clearInterval(sweep);
  sweep = undefined;
}

/** Whether the file that was named may still be executed (its file system may be mounted otherwise now), and all are the same. */
function isUnchanged({ files }: Program): boolean {
  const [named] = files;
  return named !== undefined && isExecutable(named) && files.every(isSame);
}

function isExecutable({ place }: SeenFile): boolean {
  try {
    accessSync(place, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether its path still leads to the file that was loaded, as it was then. */
function isSame({ place, seen }: SeenFile): boolean {
  const now = statOf(place);
  return (
    now !== undefined &&
    now.dev === seen.dev &&
    now.ino === seen.ino &&
    now.size === seen.size &&
    now.mtimeNs === seen.mtimeNs &&
    now.ctimeNs === seen.ctimeNs
  );
}

function statOf(path: Buffer): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}
