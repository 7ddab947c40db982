/**
 * Files that appear whole or not at all. They are written under another name in the same directory, with nobody
 * else allowed to read them, and get their name and mode when the last byte is on the disk. Who is interrupted, or finds
 * the disk full, leaves nothing behind.
 */
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  write,
} from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { promisify } from 'node:util';
import { ForeignError } from '../errors.ts';
import { infoOf } from '../launch/descriptor.ts';
import { directoryOf, unfinishedBeside } from './unfinished.ts';
import { whenKilled } from './when-killed.ts';

export interface OutputFile {
  /** `-` is standard output. */
  readonly path: Uint8Array;
  /** What the umask leaves of it. */
  readonly mode: number;
  /** Whether it may take the place of a file that is there. */
  readonly replace: boolean;
}

const RETRY_MILLISECONDS = 5;
const STANDARD_OUTPUT = 1;
const writeFd = promisify(write);

export const isStandardOutput = (path: Uint8Array): boolean => Buffer.from(path).equals(Buffer.from('-'));

/** Throws where it can be known beforehand that the file will not be written. Changes nothing. */
export function checkOutput({ path, replace }: OutputFile): void {
  const subject = nameOf(path);
  if (isStandardOutput(path)) {
    // Node has opened something in the place of one that was closed.
    if (infoOf(STANDARD_OUTPUT) === undefined) throw new ForeignError('USAGE', 'is not open', { subject });
    if (!isatty(STANDARD_OUTPUT)) return;
    throw new ForeignError('USAGE', 'is a terminal, which is no place for a program', {
      subject,
      hint: 'redirect it, or name a file with --output',
    });
  }
  if (path.length === 0) throw new ForeignError('USAGE', '--output needs a name');
  const bytes = Buffer.from(path);
  attempt(path, () => {
    if (lstatSync(bytes, { throwIfNoEntry: false }) !== undefined) {
      // A symbolic link is replaced and not followed, but /dev/stdout is one, too.
      if (statSync(bytes, { throwIfNoEntry: false })?.isFile() === false) {
        throw new ForeignError('USAGE', 'is there already, and is no regular file', { subject });
      }
      if (!replace) throw isThere(subject);
    }
    const directory = directoryOf(path);
    accessSync(directory.length === 0 ? '.' : directory, constants.W_OK | constants.X_OK);
  });
}

const isThere = (subject: string): ForeignError =>
  new ForeignError('USAGE', 'is there already', { subject, hint: 'to replace it, add --force' });

/** Writes all pieces, or throws and leaves no file. To standard output they go one after the other, as they come. */
export async function writeOutput(file: OutputFile, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const writePieces = async (fd: number) => {
    for await (const piece of pieces) await writeAll(fd, piece, file.path);
  };
  if (isStandardOutput(file.path)) await writePieces(STANDARD_OUTPUT);
  else await fillOutput(file, writePieces);
}

/** Lets `fill` write to a file that gets its name when that is over, and is gone if it throws. Not for standard output. */
export async function fillOutput(file: OutputFile, fill: (fd: number) => Promise<void>): Promise<void> {
  const temporary = unfinishedBeside(file.path);
  const forget = whenKilled(() => unlinkIfThere(temporary));
  try {
    const fd = attempt(file.path, () => openSync(temporary, 'wx+', 0o600));
    try {
      await fill(fd);
      attempt(file.path, () => {
        fchmodSync(fd, file.mode & ~process.umask());
        fsyncSync(fd);
      });
    } finally {
      closeSync(fd);
    }
    attempt(file.path, () => giveName(temporary, file));
  } finally {
    unlinkIfThere(temporary);
    forget();
  }
}

/** Atomic; a file that came meanwhile is not replaced, unless the file system knows no hard links. */
function giveName(temporary: Buffer, { path, replace }: OutputFile): void {
  const name = Buffer.from(path);
  if (!replace) {
    try {
      linkSync(temporary, name);
      return;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw isThere(nameOf(path));
    }
  }
  renameSync(temporary, name);
}

function unlinkIfThere(file: Buffer): void {
  try {
    unlinkSync(file);
  } catch {
    // It has its own name now, or never was.
  }
}

async function writeAll(fd: number, bytes: Uint8Array, path: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += (await writeFd(fd, bytes, done)).bytesWritten;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EAGAIN') throw writeError(path, cause);
      await setTimeout(RETRY_MILLISECONDS);
    }
  }
}

function attempt<T>(path: Uint8Array, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw cause instanceof ForeignError ? cause : writeError(path, cause);
  }
}

/** What an error of the kernel's is to people who wait for a file. */
export function writeError(path: Uint8Array, cause: unknown): ForeignError {
  const { code } = cause as NodeJS.ErrnoException;
  return new ForeignError('INTERNAL', `cannot be written: ${code}`, { subject: nameOf(path), cause });
}

const nameOf = (path: Uint8Array): string =>
  isStandardOutput(path) ? 'standard output' : Buffer.from(path).toString();
