/** Writing to files in memory, and what it means when that fails. */
import { writeSync } from 'node:fs';
import { ForeignError } from '../errors.ts';

/** Throws MACHINE_REFUSED where RLIMIT_FSIZE forbids a file of this size. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  } catch (cause) {
    throw writeRefusal(cause, bytes.length);
  }
}

/** What an error means that writing a file of `size` bytes in memory met: MACHINE_REFUSED, or the error itself. */
export function writeRefusal(cause: unknown, size: number): unknown {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'EFBIG') {
    const message = `cannot be started: the limit on the size of files is below ${size} bytes (EFBIG)`;
    return new ForeignError('MACHINE_REFUSED', message, { hint: 'see ulimit -f', cause });
  }
  if (code !== 'ENOSPC' && code !== 'ENOMEM') return cause;
  return new ForeignError(
    'MACHINE_REFUSED',
    `needs ${size} bytes of memory, and they are not there (${code})`,
    {
      cause,
    },
  );
}
