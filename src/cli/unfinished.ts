/** What is not finished stands beside its place, in the same file system, so that renaming it is all that is left. */
import { randomBytes } from 'node:crypto';

const SLASH = 0x2f;

/** A name that nothing has in the directory that `path` lies in. */
export const unfinishedBeside = (path: Uint8Array): Buffer =>
  Buffer.concat([directoryOf(path), Buffer.from(`.run-foreign-${randomBytes(8).toString('hex')}`)]);

/** With the slash at its end; empty for a name without one. */
export const directoryOf = (path: Uint8Array): Buffer =>
  Buffer.from(path).subarray(0, path.lastIndexOf(SLASH) + 1);
