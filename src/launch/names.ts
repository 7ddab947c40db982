/**
 * From what the user typed to a program: a URL, a descriptor (`-`, `fd:N`), a path as it is, or a look-up in PATH as
 * execvp(3) does it.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { ForeignError } from '../errors.ts';
import { isHttpUrl, parseHttpUrl, shownUrl } from '../source/http-url.ts';
import { type BackingFile, DEFAULT_MAX_SIZE, type OnProgress, type Source } from '../source/source.ts';
import { descriptorIn, openDescriptor } from './descriptor.ts';
import { openExecutable, placeOf } from './open.ts';

const SLASH = 0x2f;
/** What execvp(3) searches when PATH is not set. */
const DEFAULT_PATH = '/bin:/usr/bin';

export interface FoundProgram {
  readonly source: Source & { close(): void };
  /** The path that was opened, or the last part of a URL's. */
  readonly path: Uint8Array;
  /** argv[0] when nobody wishes another. */
  readonly argv0: Uint8Array;
  /** The caller's descriptor that the program came through. */
  readonly descriptor?: number;
  /** The file the bytes were read from, where the source is not that file as it stands. */
  readonly exe?: BackingFile | undefined;
}

/** What makes a program acceptable: one from the network needs it, one on this machine may. */
export interface NetworkOptions {
  /** Hex digits. */
  readonly sha256?: string | undefined;
  /** A public key of minisign, or the file that holds it. */
  readonly verifyKey?: string | undefined;
  /** Whether one of them was given for this very program, so that it must not be ignored. */
  readonly demanded?: boolean | undefined;
  /** A file of certificates to trust, too. */
  readonly extraCa?: string | undefined;
}

/** What names count from, and what they may mean. */
export interface NameOptions {
  /** The directory that relative paths, and those in PATH, count from; the current one unless given. */
  readonly cwd?: Uint8Array | undefined;
  /** Whether `-` and `fd:N` mean the caller's descriptors; true unless given. */
  readonly descriptors?: boolean | undefined;
}

/** How a program's name is shown: of a URL only what holds no secrets. */
export function shownName(name: Uint8Array): string {
  const text = Buffer.from(name).toString();
  return isHttpUrl(text) ? shownUrl(text) : text;
}

/**
 * Throws PROGRAM_NOT_FOUND or NOT_EXECUTABLE, and what openHttp does; `searchPath` is the PATH of the
 * environment.
 */
export async function findProgram(
  name: Uint8Array,
  searchPath: Uint8Array | undefined,
  network: NetworkOptions = {},
  maxSize = DEFAULT_MAX_SIZE,
  progress: OnProgress = () => {},
  names: NameOptions = {},
): Promise<FoundProgram> {
  const text = Buffer.from(name).toString();
  if (isHttpUrl(text)) {
    const { openHttp } = await import('../source/http.ts');
    const file = Buffer.from(parseHttpUrl(text).file);
    const source = await openHttp(text, { ...network, progress, limits: { maxSize } });
    return { source, path: file, argv0: file };
  }
  const descriptor = names.descriptors === false ? undefined : descriptorIn(name);
  const found: FoundProgram =
    descriptor === undefined
      ? { argv0: name, ...findLocal(name, searchPath, names.cwd) }
      : throughDescriptor(descriptor, text, maxSize, progress);
  if (network.demanded !== true) return found;
  try {
    return await vouchedFor(found, network, maxSize, progress, names.cwd);
  } catch (cause) {
    found.source.close();
    throw cause;
  }
}

function throughDescriptor(
  descriptor: number,
  text: string,
  maxSize: number,
  progress: OnProgress,
): FoundProgram {
  const found = openDescriptor(descriptor, text, maxSize, progress);
  return { argv0: found.path, ...found };
}

async function vouchedFor(
  found: FoundProgram,
  { sha256, verifyKey }: NetworkOptions,
  maxSize: number,
  progress: OnProgress,
  cwd: Uint8Array | undefined,
): Promise<FoundProgram> {
  const { pinnedSource } = await import('../source/pinned.ts');
  const { source, path, descriptor } = found;
  const signed = descriptor === undefined ? placeOf(path, cwd) : undefined;
  const bytes = await pinnedSource(source, { sha256, verifyKey, signed, maxSize, progress });
  return { ...found, source: { ...bytes, close: source.close }, exe: source.file };
}

function findLocal(
  name: Uint8Array,
  searchPath: Uint8Array | undefined,
  cwd: Uint8Array | undefined,
): Pick<FoundProgram, 'source' | 'path'> {
  if (name.length === 0)
    throw new ForeignError('PROGRAM_NOT_FOUND', 'an empty name is no program', { subject: "''" });
  if (name.includes(SLASH)) return { source: openExecutable(name, cwd), path: name };
  let refused: unknown;
  for (const directory of splitPath(searchPath ?? Buffer.from(DEFAULT_PATH))) {
    const path = inDirectory(directory, name);
    try {
      return { source: openExecutable(path, cwd), path };
    } catch (error) {
      // As execvp does: a file that may not be executed does not end the search.
      const permission = error instanceof ForeignError && error.code === 'NOT_EXECUTABLE';
      if (permission) refused ??= error;
    }
  }
  if (refused !== undefined) throw refused;
  const subject = Buffer.from(name).toString();
  throw new ForeignError('PROGRAM_NOT_FOUND', 'not found in PATH', {
    subject,
    hint: `a file here is ./${subject}`,
  });
}

/** The first file that may be executed under this name in PATH, or at this path. Opens nothing. */
export function findCommand(
  name: Uint8Array,
  searchPath: Uint8Array | undefined,
  cwd?: Uint8Array,
): Uint8Array | undefined {
  const isHere = (path: Uint8Array) => isExecutable(placeOf(path, cwd));
  if (name.length === 0) return undefined;
  if (name.includes(SLASH)) return isHere(name) ? name : undefined;
  return splitPath(searchPath ?? Buffer.from(DEFAULT_PATH))
    .map((directory) => inDirectory(directory, name))
    .find(isHere);
}

function isExecutable(path: Uint8Array): boolean {
  try {
    const name = Buffer.from(path);
    // Most directories of PATH do not have it, and an error is dear.
    if (statSync(name, { throwIfNoEntry: false })?.isFile() !== true) return false;
    accessSync(name, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** An empty directory in PATH is the current one. */
function inDirectory(directory: Uint8Array, name: Uint8Array): Uint8Array {
  return directory.length === 0 ? name : Buffer.concat([directory, Buffer.of(SLASH), name]);
}

function splitPath(path: Uint8Array): Uint8Array[] {
  const directories: Uint8Array[] = [];
  const bytes = Buffer.from(path);
  for (let from = 0; from <= bytes.length; ) {
    const found = bytes.indexOf(0x3a, from);
    const end = found < 0 ? bytes.length : found;
    directories.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return directories;
}
