/**
 * A local file. It is opened once, checked as execve would check it, and read only where a loader
 * looks: the segments are mapped from the same descriptor later, so they cannot be another file's.
 */
import { accessSync, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type ErrorCode, ForeignError } from '../errors.ts';
import { checkRange, type Source } from './source.ts';

export interface FileSource extends Source {
  readonly file: NonNullable<Source['file']>;
  close(): void;
}

/** execve(2)'s own words for its errors, and the class of error each is. */
const OPEN_ERRORS: Record<string, [ErrorCode, string, string?]> = {
  ENOENT: ['PROGRAM_NOT_FOUND', 'no such file'],
  ENOTDIR: ['PROGRAM_NOT_FOUND', 'a part of the path is not a directory'],
  EACCES: ['NOT_EXECUTABLE', 'permission denied', 'run-foreign must be able to read it; see ls -l'],
  ELOOP: ['NOT_EXECUTABLE', 'too many symbolic links'],
  ENAMETOOLONG: ['NOT_EXECUTABLE', 'the name is too long'],
  ETXTBSY: ['NOT_EXECUTABLE', 'the file is open for writing'],
  // What open(2) says of sockets, and of devices that nothing serves.
  ENXIO: ['NOT_EXECUTABLE', 'is not a regular file'],
  ENODEV: ['NOT_EXECUTABLE', 'is not a regular file'],
};

/**
 * Opens `path` as a program: a regular file that this process may execute and read. `at` is where it lies, if `path` counts
 * from another directory than this process's.
 * Throws `PROGRAM_NOT_FOUND` or `NOT_EXECUTABLE`. Never blocks on a FIFO or a device.
 */
export function openProgram(path: Uint8Array, at: Uint8Array = path): FileSource {
  const name = Buffer.from(path).toString();
  const place = Buffer.from(at);
  const fd = attempt(name, () =>
    openSync(place, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY),
  );
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) {
      const what = stat.isDirectory() ? 'is a directory' : 'is not a regular file';
      throw new ForeignError('NOT_EXECUTABLE', what, { subject: name });
    }
    attempt(name, () => accessSync(place, constants.X_OK), 'make it executable: chmod +x');
    return fileSource(fd, path, name, stat.size);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function attempt<T>(name: string, action: () => T, accessHint?: string): T {
  try {
    return action();
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw openError(errno, name, cause, errno === 'EACCES' ? accessHint : undefined);
  }
}

/** Why `name` cannot be opened as a program, by execve's errno. */
export function openError(errno: string, name: string, cause?: unknown, otherHint?: string): ForeignError {
  const [code, message, hint] = OPEN_ERRORS[errno] ?? ['NOT_EXECUTABLE', `cannot be opened: ${errno}`];
  const advice = otherHint ?? hint;
  return new ForeignError(code, message, {
    subject: name,
    cause,
    ...(advice !== undefined && { hint: advice }),
  });
}

/** A file that is open already, as `fd`; `name` is for messages. */
export function fileSource(fd: number, path: Uint8Array, name: string, size: number): FileSource {
  return {
    name,
    size,
    confidential: false,
    file: { fd, path, offset: 0 },
    close: () => closeSync(fd),
    read(offset, length) {
      checkRange(name, size, offset, length);
      const bytes = Buffer.allocUnsafe(length);
      readFully(fd, offset, bytes, name);
      return bytes;
    },
    readInto(offset, target) {
      checkRange(name, size, offset, target.length);
      readFully(fd, offset, target, name);
    },
  };
}

function readFully(fd: number, offset: number, target: Uint8Array, name: string): void {
  for (let done = 0; done < target.length; ) {
    const count = readSync(fd, target, done, target.length - done, offset + done);
    if (count === 0)
      throw new ForeignError('BAD_FORMAT', 'became shorter while it was read', { subject: name });
    done += count;
  }
}

/** The first bytes of a file that is not to be run, at most `size` of them. Never waits. Throws what node:fs does. */
export function readSmall(path: string | Uint8Array, size: number): Buffer {
  const name = typeof path === 'string' ? path : Buffer.from(path);
  const fd = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const bytes = Buffer.alloc(size);
    return bytes.subarray(0, readSync(fd, bytes));
  } finally {
    closeSync(fd);
  }
}
