/**
 * What registers entries when the machine starts: binfmt.d(5), which systemd-binfmt reads, and after it the database of
 * Debian's update-binfmts(8), whose service is ordered behind systemd's. Whoever comes later is asked first.
 */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { NAME_PREFIX } from './entry.ts';
import { patternOf } from './pattern.ts';
import type { BinfmtEntry } from './register-line.ts';
import {
  escaped,
  type FoundEntry,
  fromBytes,
  maskText,
  parseRegisterLine,
  registerLine,
  unescaped,
} from './register-line.ts';

/** Who reads the files. */
export type Style = 'systemd' | 'debian';

/** The first of two files of a name counts. Where /lib is another name of /usr/lib, that is one directory. */
const SYSTEMD_DIRECTORIES = ['etc', 'run', 'usr/local/lib', 'usr/lib', 'lib'].map(
  (each) => `/${each}/binfmt.d`,
);
const DEBIAN_DATABASE = '/var/lib/binfmts';
const DEBIAN_FILES = '/usr/share/binfmts';
/** In the first line of every file of ours. */
const MARK = 'run-foreign binfmt register';
/** No file of entries is larger. */
const MAX_SIZE = 1024 * 1024;

export interface BootEntry extends FoundEntry {
  readonly file: string;
  /** Who reads that. */
  readonly style: Style;
}

/** A file of ours: where it goes, and what is in it. */
export interface BootFile {
  readonly path: string;
  readonly text: string;
}

/** Whether there is what reads them, below the directory `root`. */
export function readsBootFiles(style: Style, root: string): boolean {
  const programs =
    style === 'systemd'
      ? ['/usr/lib/systemd/systemd-binfmt', '/lib/systemd/systemd-binfmt']
      : ['/usr/sbin/update-binfmts'];
  return programs.some((path) => existsSync(join(root, path)));
}

/** The files that hold these entries of one format: all in one, or one each. */
export function bootFiles(
  style: Style,
  root: string,
  format: string,
  entries: readonly BinfmtEntry[],
): BootFile[] {
  if (style === 'systemd') return [{ path: systemdPath(root, format), text: systemdText(entries) }];
  return entries.map((entry) => ({ path: join(root, DEBIAN_FILES, entry.name), text: debianText(entry) }));
}

const systemdPath = (root: string, format: string): string =>
  join(root, '/etc/binfmt.d', `${NAME_PREFIX}${format}.conf`);

/** As binfmt.d(5) has it. */
export function systemdText(entries: readonly BinfmtEntry[]): string {
  return `# ${MARK}, for systemd-binfmt(8)\n${entries.map((entry) => `${registerLine(entry)}\n`).join('')}`;
}

/** A format file, as in update-binfmts(8). */
export function debianText({ name, pattern, interpreter, flags }: BinfmtEntry): string {
  const mask = maskText(pattern.mask);
  const lines = [
    `# ${MARK}, for update-binfmts(8) --import ${name}`,
    'package run-foreign',
    `interpreter ${interpreter}`,
    `magic ${escaped(pattern.bytes)}`,
    `offset ${pattern.offset}`,
    ...(mask === '' ? [] : [`mask ${mask}`]),
    ...(flags.includes('P') ? ['preserve yes'] : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** Files of ours that are there, of all formats. */
export function ownBootFiles(root: string): string[] {
  return ['/etc/binfmt.d', DEBIAN_FILES]
    .flatMap((directory) => namesIn(join(root, directory)).map((name) => join(root, directory, name)))
    .filter((path) => path.includes(`/${NAME_PREFIX}`) && isOwn(path));
}

export const isOwn = (path: string): boolean =>
  (textOf(path) ?? '').split('\n', 1)[0]?.startsWith(`# ${MARK},`) === true;

/** All entries that the machine would start with, the first one first. */
export function bootEntries(root: string): BootEntry[] {
  const files = new Map<string, string>();
  const seen = new Set<string>();
  for (const directory of SYSTEMD_DIRECTORIES.map((each) => join(root, each))) {
    const real = existsSync(directory) ? realpathSync(directory) : directory;
    if (seen.has(real)) continue;
    seen.add(real);
    for (const name of namesIn(directory))
      if (name.endsWith('.conf') && !files.has(name)) files.set(name, join(directory, name));
  }
  const inOrder = [...files].sort(([one], [other]) => (one < other ? -1 : 1));
  const ofSystemd = inOrder.flatMap(([, file]) =>
    linesOf(file).flatMap((line) => found(parseRegisterLine(line), file, 'systemd')),
  );
  const database = join(root, DEBIAN_DATABASE);
  const ofDebian = namesIn(database).flatMap((name) =>
    found(parseDatabase(name, textOf(join(database, name)) ?? ''), join(database, name), 'debian'),
  );
  return [...ofSystemd, ...ofDebian];
}

const found = (entry: FoundEntry | undefined, file: string, style: Style): BootEntry[] =>
  entry === undefined ? [] : [{ ...entry, file, style }];

function linesOf(file: string): string[] {
  const lines = (textOf(file) ?? '').split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !/^[#;]/.test(line));
}

/** What update-binfmts keeps of one: a value a line, package first. */
export function parseDatabase(name: string, text: string): FoundEntry | undefined {
  const [, kind, offset = '', magic = '', mask = '', interpreter = '', , , preserve] = text.split('\n');
  const known = { name, interpreter: fromBytes(interpreter), flags: preserve === 'yes' ? 'P' : '' };
  if (kind === 'extension') return { ...known, pattern: undefined, extension: fromBytes(magic) };
  const pattern = patternOf({
    offset: Number(offset),
    bytes: unescaped(magic),
    mask: mask === '' ? undefined : unescaped(mask),
  });
  return kind === 'magic' && pattern !== undefined ? { ...known, pattern } : undefined;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

/** A byte string; undefined for what is no file that can be read. */
function textOf(path: string): string | undefined {
  try {
    const stat = statSync(path);
    return stat.isFile() && stat.size <= MAX_SIZE ? readFileSync(path, 'latin1') : undefined;
  } catch {
    return undefined;
  }
}
