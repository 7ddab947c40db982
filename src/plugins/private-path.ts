/** Who could have written a file: code is taken from nowhere but where nobody else could have put it. */
import { lstatSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';

const WRITABLE_BY_OTHERS = 0o022;
const FOR_OTHERS = 0o077;
const STICKY = 0o1000;

/** As many symbolic links as the kernel follows in one path (MAXSYMLINKS). */
const MAX_LINKS = 40;

/**
 * Why somebody else than the user and the superuser could change what is found under an absolute path: the file, a
 * directory above it, or a symbolic link on the way; undefined where nobody could. Throws what lstat(2) does.
 *
 * In a user namespace that does not know the superuser (`unshare -Ur`) nobody can tell whose `/` and `/home` are. Whoever owns a
 * directory above `home`, if that is given, could put another ~/.profile there, so of those it is enough that others may not write.
 */
export function whoElseWrites(path: string, home?: string): string | undefined {
  const above = home === undefined || home === '/' ? undefined : `${resolve(home)}/`;
  const isAboveHome = (each: string) =>
    above?.startsWith(each === '/' ? each : `${each}/`) === true && `${each}/` !== above;
  const ownerDoubt = (each: string, stat: Stats) =>
    isAboveHome(each) && isUnknown(stat.uid) ? undefined : doubtAboutOwner(each, stat);
  const doubtAbout = (each: string, stat: Stats, isAbove: boolean) =>
    ownerDoubt(each, stat) ?? doubtAboutMode(each, stat, isAbove);
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
function doubtAboutMode(path: string, stat: Stats, isAbove: boolean): string | undefined {
  const writable = (stat.mode & WRITABLE_BY_OTHERS) !== 0 && !(isAbove && (stat.mode & STICKY) !== 0);
  return writable ? `${path} may be written by others (mode ${modeText(stat)})` : undefined;
}

function doubtAboutOwner(path: string, { uid }: Stats): string | undefined {
  return uid === 0 || uid === process.geteuid?.() ? undefined : `${path} belongs to the user ${uid}`;
}

/** Whether it is the number that stands for all whom this user namespace does not know, and is nobody's in it (user_namespaces(7)). */
function isUnknown(uid: number): boolean {
  try {
    if (uid !== Number(readFileSync('/proc/sys/kernel/overflowuid', 'latin1'))) return false;
    const ranges = readFileSync('/proc/self/uid_map', 'latin1').trim().split('\n');
    return ranges.every((line) => {
      const [inside = 0, , length = 0] = line.trim().split(/ +/).map(Number);
      return uid < inside || uid >= inside + length;
    });
  } catch {
    return false;
  }
}

const modeText = ({ mode }: Stats): string => (mode & 0o7777).toString(8);
