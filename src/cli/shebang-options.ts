/**
 * run-foreign as a `#!` interpreter. The kernel passes all that follows the interpreter's name on the
 * line as one argument (fs/binfmt_script.c): `#!/path/run-foreign --format aout --verbose` arrives as
 * "--format aout --verbose", "/path/script". Such an argument is split; one that a user typed is not.
 */
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { openError } from '../source/file.ts';
import { toBytes, toText } from './invocation.ts';

/** BINPRM_BUF_SIZE: the kernel looks at no more of the file. */
const BINPRM_BUF_SIZE = 256;

/** The arguments, with the first one split at blanks if it came from the `#!` line of the second. */
export function splitShebangOptions(args: readonly Uint8Array[]): readonly Uint8Array[] {
  const [first, path, ...rest] = args;
  if (first === undefined || path === undefined) return args;
  const text = toText(first);
  if (!/^-.*[ \t]/s.test(text)) return args;
  const start = beginning(path);
  if (start === undefined || shebangArgument(start) !== text) return args;
  const words = text.split(/[ \t]+/).map(toBytes);
  return [...words, path, ...rest];
}

/**
 * The directory that the loaders of a `#!` line count from, wherever its program is started: that of `program`. Undefined
 * for a program without such a line: then they were typed. Whoever types one for a program whose line has others gets
 * the same, because what env(1) makes of a line is not always seen in it. Throws NOT_EXECUTABLE for a file that cannot
 * be read.
 */
export function lineDirectory(program: Uint8Array): string | undefined {
  const path = Buffer.from(program);
  const start = beginning(path, (cause) => {
    if (cause.code === 'EACCES') throw openError(cause.code, path.toString(), cause);
  });
  const line = start === undefined ? undefined : shebangArgument(start);
  return line?.includes('--loader') ? dirname(realpathSync(path).toString()) : undefined;
}

/** What the kernel makes of a `#!` line after the interpreter's name, as a byte string. */
export function shebangArgument(start: Uint8Array): string | undefined {
  const text = toText(start.subarray(0, BINPRM_BUF_SIZE));
  const line = /^#![ \t]*([^\n\0]*)/.exec(text)?.[1]?.replace(/[ \t]+$/, '');
  return line === undefined ? undefined : /^[^ \t]+[ \t]+(.+)$/s.exec(line)?.[1];
}

/** The first bytes of a regular file, if it can be read; never waits for a FIFO. */
function beginning(
  path: Uint8Array,
  refused: (cause: NodeJS.ErrnoException) => void = () => {},
): Uint8Array | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(Buffer.from(path), constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    if (!fstatSync(fd).isFile()) return undefined;
    const bytes = Buffer.alloc(BINPRM_BUF_SIZE);
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
  } catch (cause) {
    refused(cause as NodeJS.ErrnoException);
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
