/**
 * Programs that come through a descriptor the caller has opened: standard input (`-`) and `fd:N`. A regular file is
 * used as it stands, from where its offset is; everything else is read to its end, into memory.
 */
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, type Stats } from 'node:fs';
import { isatty } from 'node:tty';
import { type ErrorCode, ForeignError } from '../errors.ts';
import { socketFrom } from '../launcher/protocol.ts';
import { readText } from '../native/proc.ts';
import { fileSource } from '../source/file.ts';
import { memorySource, sourceFrom } from '../source/memory.ts';
import type { OnProgress, Source } from '../source/source.ts';

const CHUNK_BYTES = 1 << 20;
const RETRY_MILLISECONDS = 5;

export interface DescriptorProgram {
  readonly source: Source & { close(): void };
  /** The file's own path if it has one, else the name under which Linux knows the descriptor. */
  readonly path: Uint8Array;
  /** The descriptor's number in the process that becomes the program. */
  readonly descriptor: number;
}

/** The number in `-` or `fd:N`; any other name is no descriptor. A file of such a name is `./-`. */
export function descriptorIn(name: Uint8Array): number | undefined {
  const text = Buffer.from(name).toString('latin1');
  if (text === '-') return 0;
  const digits = /^fd:(\d{1,7})$/.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Reads at most `maxSize` bytes. Throws PROGRAM_NOT_FOUND, NOT_EXECUTABLE or TOO_BIG. */
export function openDescriptor(
  descriptor: number,
  name: string,
  maxSize: number,
  progress: OnProgress,
): DescriptorProgram {
  const info = infoOf(descriptor);
  if (info === undefined) {
    throw new ForeignError('PROGRAM_NOT_FOUND', `descriptor ${descriptor} is not open`, { subject: name });
  }
  const stat = statOfInput(descriptor, name);
  const known = Buffer.from(`/dev/fd/${descriptor}`);
  if (!stat.isFile()) {
    const source = memorySource(readAll(descriptor, name, maxSize, progress), name);
    return { source: { ...source, close: () => {} }, path: known, descriptor };
  }
  // Opened anew, so that the number may be given to another file while this one is still needed.
  const own = openSync(`/proc/self/fd/${descriptor}`, constants.O_RDONLY);
  const path = stat.nlink > 0 ? readlinkSync(`/proc/self/fd/${descriptor}`, 'buffer') : known;
  const file = fileSource(own, path, name, stat.size);
  if (info.offset > stat.size) {
    closeSync(own);
    throw new ForeignError('NOT_EXECUTABLE', 'stands behind the end of its file', { subject: name });
  }
  const source = info.offset === 0 ? file : sourceFrom(file, info.offset);
  return { source: { ...source, close: file.close }, path, descriptor };
}

/** What a program can be read from. Throws NOT_EXECUTABLE for a directory and a terminal. */
export function statOfInput(descriptor: number, name: string): Stats {
  const stat = fstatSync(descriptor);
  if (stat.isDirectory()) throw new ForeignError('NOT_EXECUTABLE', 'is a directory', { subject: name });
  if (!isatty(descriptor)) return stat;
  throw new ForeignError('NOT_EXECUTABLE', 'is a terminal, and no program comes from there', {
    subject: name,
    hint: 'pipe the program in, or redirect it from a file',
  });
}

/**
 * What /proc says of a descriptor of the caller's; undefined for one that is closed, or that Node has opened: under
 * the launcher its process tells, where everything but the caller's is close-on-exec.
 */
export function infoOf(descriptor: number): { readonly offset: number } | undefined {
  const launched = socketFrom(process.argv0) !== undefined;
  const owner = launched ? process.ppid : process.pid;
  const text = readText(`/proc/${owner}/fdinfo/${descriptor}`);
  const offset = /^pos:\s*(\d+)$/m.exec(text ?? '')?.[1];
  const flags = /^flags:\s*([0-7]+)$/m.exec(text ?? '')?.[1];
  if (offset === undefined || flags === undefined) return undefined;
  if (launched && (Number.parseInt(flags, 8) & O_CLOEXEC) !== 0) return undefined;
  return { offset: Number(offset) };
}

/** include/uapi/asm-generic/fcntl.h */
const O_CLOEXEC = 0o2000000;

function readAll(descriptor: number, name: string, maxSize: number, progress: OnProgress): Uint8Array {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const count = readSome(descriptor, chunk, name);
    if (count === 0) return Buffer.concat(chunks, size);
    size += count;
    if (size > maxSize)
      throw new ForeignError('TOO_BIG', `is larger than ${maxSize} bytes`, {
        subject: name,
        hint: 'see --max-size',
      });
    chunks.push(chunk.subarray(0, count));
    progress('reading', size);
  }
}

/** What comes next, 0 at the end; waits where the caller has made the descriptor non-blocking. */
export function readSome(
  descriptor: number,
  chunk: Uint8Array,
  name: string,
  errorCode: ErrorCode = 'NOT_EXECUTABLE',
): number {
  for (;;) {
    try {
      return readSync(descriptor, chunk);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN')
        throw new ForeignError(errorCode, `cannot be read: ${code}`, { subject: name, cause });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MILLISECONDS);
    }
  }
}
