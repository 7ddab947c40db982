/** From what the user typed to a file: a path as it is, or a look-up in PATH as execvp(3) does it. */
import { ForeignError } from '../errors.ts';
import type { FileSource } from '../source/file.ts';
import { DEFAULT_MAX_SIZE, type Source } from '../source/source.ts';
import { descriptorIn, openDescriptor } from './descriptor.ts';
import { openExecutable } from './open.ts';

const SLASH = 0x2f;
/** What execvp(3) searches when PATH is not set. */
const DEFAULT_PATH = '/bin:/usr/bin';

export interface FoundProgram {
  readonly source: Source;
  /** The path that was opened. */
  readonly path: Uint8Array;
  /** The caller's descriptor that the program came through. */
  readonly descriptor?: number;
}

/** A file by its path or by PATH, or what comes through a descriptor (`-`, `fd:N`). */
export function openNamed(name: Uint8Array, searchPath: Uint8Array | undefined): FoundProgram {
  const descriptor = descriptorIn(name);
  if (descriptor === undefined) return findProgram(name, searchPath);
  return openDescriptor(descriptor, Buffer.from(name).toString(), DEFAULT_MAX_SIZE);
}

export interface FoundFile extends FoundProgram {
  readonly source: FileSource;
}

/** Throws PROGRAM_NOT_FOUND or NOT_EXECUTABLE; `searchPath` is the PATH of the environment. */
export function findProgram(name: Uint8Array, searchPath: Uint8Array | undefined): FoundFile {
  if (name.length === 0)
    throw new ForeignError('PROGRAM_NOT_FOUND', 'an empty name is no program', { subject: "''" });
  if (name.includes(SLASH)) return { source: openExecutable(name), path: name };
  let refused: unknown;
  for (const directory of splitPath(searchPath ?? Buffer.from(DEFAULT_PATH))) {
    const path = directory.length === 0 ? name : Buffer.concat([directory, Buffer.of(SLASH), name]);
    try {
      return { source: openExecutable(path), path };
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
