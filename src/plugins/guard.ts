/**
 * What belongs to the whole process is not a loader's to change: one that ended it would make its own status look like the
 * program's, and one that went elsewhere would change which file a relative name means. As in a worker thread, such calls
 * throw. This is against mistakes: a loader is code that runs as the user.
 */
import { Console } from 'node:console';

let guarded = false;

/** From now on, for all code in this process. */
export function guardProcess(): void {
  if (guarded) return;
  guarded = true;
  process.exit = denied('end the process');
  process.abort = denied('end the process');
  process.chdir = denied('change the current directory');
  const { umask } = process;
  const denyUmask = denied('change the umask');
  process.umask = ((mask?: number | string) =>
    mask === undefined ? umask() : denyUmask()) as typeof process.umask;
  // Standard output is the program's, or what plan and inspect print.
  globalThis.console = new Console(process.stderr, process.stderr);
}

/** Throws an error whose stack begins with who has called it. */
function denied(what: string): () => never {
  return function deny(): never {
    const error = new Error(`a loader may not ${what}`);
    Error.captureStackTrace(error, deny);
    throw error;
  };
}
