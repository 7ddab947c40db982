/**
 * Programs that were started by name lately. One is started again without being loaded again when every file that was
 * read on the way is still the same: device, inode, size, and both times. Bounded in number and in time, because what is
 * open keeps file systems from being unmounted.
 */
import { type BigIntStats, statSync } from 'node:fs';
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
/** Which stands last, if it is known. */
let lastKey: string | undefined;
let sweep: NodeJS.Timeout | undefined;

/** The program of that key, held for the caller, if it is known and nothing has changed. */
export function findCached(key: string): Program | undefined {
  const entry = entries.get(key);
  if (entry === undefined) return undefined;
  if (!entry.program.files.every(isSame)) {
    entries.delete(key);
    entry.program.release();
    return undefined;
  }
  entry.lastUse = Date.now();
  // Those used last stand last.
  if (key !== lastKey) {
    entries.delete(key);
    entries.set(key, entry);
    lastKey = key;
  }
  return entry.program.hold();
}

/** Keeps a program for those who come later, if its files are settled. The caller goes on holding it. */
export function cache(key: string, program: Program): void {
  const now = Date.now();
  if (!program.files.every(({ seen }) => now - Number(seen.ctimeMs) > SETTLING_TIME)) return;
  entries.get(key)?.program.release();
  entries.delete(key);
  entries.set(key, { program: program.hold(), lastUse: now });
  lastKey = key;
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

/**
 * Whether its path still leads to the file that was loaded, as it was then: also who may execute it, which ctime tells. On a
 * file system that is mounted noexec by now the stub is refused what it maps.
 */
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

/** An error that nobody sees is dear. */
const QUIETLY = { bigint: true, throwIfNoEntry: false } as const;

function statOf(path: Buffer): BigIntStats | undefined {
  try {
    return statSync(path, QUIETLY);
  } catch {
    return undefined;
  }
}
