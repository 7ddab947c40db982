/** Who could have written a file: code is taken from nowhere but where nobody else could have put it. */
import { lstatSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';

const WRITABLE_BY_OTHERS = 0o022;
const FOR_OTHERS = 0o077;
const STICKY = 0o1000;

/**
 * Why somebody else than the user and the superuser could change what lies at an absolute path without symbolic links;
 * undefined where nobody could. Throws what lstat(2) does.
 */
export function whoElseWrites(path: string): string | undefined {
  const stat = lstatSync(path);
  const doubt = doubtAbout(path, stat, false);
  if (doubt !== undefined) return doubt;
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    const found = doubtAbout(directory, lstatSync(directory), true);
    if (found !== undefined || directory === '/') return found;
  }
}

/** As whoElseWrites, for a directory that others may not even look into. */
export function whoElseReads(directory: string): string | undefined {
  const stat = lstatSync(directory);
  if (!stat.isDirectory()) return `${directory} is no directory`;
  if ((stat.mode & FOR_OTHERS) !== 0) return `${directory} is open to others (mode ${modeText(stat)})`;
  return whoElseWrites(directory);
}

/** In a directory with the sticky bit others can add files, and not replace ours. */
function doubtAbout(path: string, stat: Stats, isAbove: boolean): string | undefined {
  const own = process.geteuid?.();
  if (stat.isSymbolicLink()) return `${path} is a symbolic link`;
  if (stat.uid !== 0 && stat.uid !== own) return `${path} belongs to the user ${stat.uid}`;
  const writable = (stat.mode & WRITABLE_BY_OTHERS) !== 0 && !(isAbove && (stat.mode & STICKY) !== 0);
  return writable ? `${path} may be written by others (mode ${modeText(stat)})` : undefined;
}

const modeText = ({ mode }: Stats): string => (mode & 0o7777).toString(8);
