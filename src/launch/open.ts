/** Opening a file to execute it: what can be seen from here is checked first, then the kernel is asked. */
import { errnoName } from '../errno.ts';
import { execveRefusal } from '../native/libc.ts';
import { type FileSource, openError, openProgram } from '../source/file.ts';
import { launched } from './launched.ts';

const SLASH = 0x2f;

/** Where `path` lies for a process whose current directory is `cwd`; ours unless given. */
export function placeOf(path: Uint8Array, cwd: Uint8Array | undefined): Uint8Array {
  return cwd === undefined || path[0] === SLASH ? path : Buffer.concat([cwd, Buffer.of(SLASH), path]);
}

/**
 * As openProgram, and refuses what execve refuses and nobody else can see: a file that somebody has open
 * for writing (ETXTBSY). Throws PROGRAM_NOT_FOUND or NOT_EXECUTABLE.
 */
export function openExecutable(path: Uint8Array, cwd?: Uint8Array): FileSource {
  const source = openProgram(path, placeOf(path, cwd));
  const errno = refusal(source.file.fd);
  if (errno === undefined) return source;
  source.close();
  const hint = errno === 'EACCES' ? 'it, or the file system it lies on, may not be executed' : undefined;
  throw openError(errno, source.name, undefined, hint);
}

/** The launcher is asked where there is one, because we would need koffi. */
function refusal(fd: number): string | undefined {
  const errno = launched()?.execveRefusal(fd);
  if (errno === undefined) return execveRefusal(fd);
  return errno === 0 ? undefined : errnoName(errno);
}
