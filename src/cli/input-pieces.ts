/** Reading a file, a device or a pipe from beginning to end, in memory that does not grow. */
import { closeSync, constants, openSync, read } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ForeignError } from '../errors.ts';
import { infoOf, statOfInput } from '../launch/descriptor.ts';
import { openError } from '../source/file.ts';
import type { OnProgress } from '../source/source.ts';

const PIECE_SIZE = 2 ** 20;
const RETRY_MILLISECONDS = 5;
const readFd = promisify(read);

export interface Input {
  /** For messages. */
  readonly name: string;
  readonly fd: number;
  /** Bytes; unknown of what is no regular file. */
  readonly size?: number;
}

/** Opens `path`, or takes standard input where it is `-`. Throws PROGRAM_NOT_FOUND or NOT_EXECUTABLE. */
export function openInput(path: Uint8Array): Input {
  const name = Buffer.from(path).toString();
  const fd = name === '-' ? standardInput() : open(path, name);
  const stat = statOfInput(fd, name);
  return { name, fd, ...(stat.isFile() && { size: stat.size }) };
}

function standardInput(): number {
  if (infoOf(0) !== undefined) return 0;
  throw new ForeignError('PROGRAM_NOT_FOUND', 'standard input is not open', { subject: '-' });
}

function open(path: Uint8Array, name: string): number {
  try {
    return openSync(Buffer.from(path), constants.O_RDONLY | constants.O_NOCTTY);
  } catch (cause) {
    throw openError((cause as NodeJS.ErrnoException).code ?? 'unknown error', name, cause);
  }
}

/**
 * All of it, from where the descriptor stands. Each piece but the last is full, and there is at least one; all lie in
 * the same memory, which is overwritten in the end. Closes the input.
 */
export async function* inputPieces(
  { name, fd, size }: Input,
  what: string,
  progress: OnProgress,
): AsyncGenerator<Uint8Array, void, undefined> {
  const piece = Buffer.alloc(PIECE_SIZE);
  let done = 0;
  try {
    for (let filled = PIECE_SIZE; filled === PIECE_SIZE; ) {
      filled = 0;
      for (let count = 1; count > 0 && filled < PIECE_SIZE; filled += count) {
        count = await readSome(fd, piece.subarray(filled), name);
      }
      done += filled;
      progress(what, done, size);
      yield piece.subarray(0, filled);
    }
  } finally {
    piece.fill(0);
    closeSync(fd);
  }
}

/** Waits where whoever opened the pipe has made it non-blocking. */
async function readSome(fd: number, target: Uint8Array, name: string): Promise<number> {
  for (;;) {
    try {
      return (await readFd(fd, target, 0, target.length, null)).bytesRead;
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code !== 'EAGAIN') {
        throw new ForeignError('NOT_EXECUTABLE', `cannot be read: ${code}`, { subject: name, cause });
      }
      await setTimeout(RETRY_MILLISECONDS);
    }
  }
}
