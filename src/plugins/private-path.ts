/** Who could have written a file: code is taken from nowhere but where nobody else could have put it. */
import { lstatSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';

const WRITABLE_BY_OTHERS = 0o022;
const FOR_OTHERS = 0o077;
const STICKY = 0o1000;

/** As many symbolic links as the kernel follows in one path (MAXSYMLINKS). */
const MAX_LINKS = 40;

/**
 * Why somebody else than the user and the superuser could change what is found under an absolute path: the file, a
 * directory above it, or a symbolic link on the way; undefined where nobody could. Throws what lstat(2) does.
 */
export function whoElseWrites(path: string): string | undefined {
  let links = 0;
  let directory = '/';
  let parts = partsOf(path);
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const doubt = doubtAbout(directory, lstatSync(directory), true);
    if (doubt !== undefined) return doubt;
    const next = resolve(directory, part);
    const stat = lstatSync(next);
    if (!stat.isSymbolicLink()) {
      directory = next;
      continue;
    }
    const owner = ownerDoubt(next, stat);
    if (owner !== undefined) return owner;
    if (++links > MAX_LINKS) return `${path} has too many symbolic links`;
    const target = readlinkSync(next);
    if (isAbsolute(target)) directory = '/';
    parts = [...partsOf(target), ...parts];
  }
  return doubtAbout(directory, lstatSync(directory), false);
}

const partsOf = (path: string): string[] => path.split('/').filter((part) => part !== '');

/** As whoElseWrites, for a directory that others may not even look into. */
export function whoElseReads(directory: string): string | undefined {
  const stat = statSync(directory);
  if (!stat.isDirectory()) return `${directory} is no directory`;
  if ((stat.mode & FOR_OTHERS) !== 0) return `${directory} is open to others (mode ${modeText(stat)})`;
  return whoElseWrites(directory);
}

/** In a directory with the sticky bit others can add files, and not replace ours. */
function doubtAbout(path: string, stat: Stats, isAbove: boolean): string | undefined {
  const owner = ownerDoubt(path, stat);
  if (owner !== undefined) return owner;
  const writable = (stat.mode & WRITABLE_BY_OTHERS) !== 0 && !(isAbove && (stat.mode & STICKY) !== 0);
  return writable ? `${path} may be written by others (mode ${modeText(stat)})` : undefined;
}

function ownerDoubt(path: string, { uid }: Stats): string | undefined {
  return uid === 0 || uid === process.geteuid?.() ? undefined : `${path} belongs to the user ${uid}`;
}

const modeText = ({ mode }: Stats): string => (mode & 0o7777).toString(8);
