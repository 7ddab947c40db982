/** Keeping what this process holds to itself: for the time in which it has keys and plaintext in memory. */
import { ForeignError } from '../errors.ts';
import { lockMemory, overwriteFreedMemory, prctl } from './libc.ts';
import { softLimit } from './proc.ts';

/** include/uapi/linux/prctl.h */
const PR_SET_DUMPABLE = 4;
const PR_GET_MDWE = 66;
const PR_MDWE_REFUSE_EXEC_GAIN = 1;
const UNLIMITED = (1n << 64n) - 1n;

let done = false;

/**
 * From now on nobody but the superuser can look into this process: no core file, no ptrace, and its files in /proc
 * belong to root, so what must be read there has to be read before. What the C library frees is overwritten, and
 * where memory may be locked without limit none of it is swapped out.
 *
 * Throws MACHINE_REFUSED where the kernel does not allow it. May be called any number of times.
 */
export function seclude(): void {
  if (done) return;
  const result = prctl(PR_SET_DUMPABLE, 0);
  if (typeof result === 'string') {
    throw new ForeignError(
      'MACHINE_REFUSED',
      `cannot be kept confidential: PR_SET_DUMPABLE gives ${result}`,
      {
        hint: 'a filter of system calls (seccomp) forbids it',
      },
    );
  }
  overwriteFreedMemory();
  // Under a limit later allocations would fail: better swapped than not started.
  if (softLimit('locked memory') === UNLIMITED) lockMemory();
  done = true;
}

/** Whether memory that was written may become executable, here and in what starts from here. PR_GET_MDWE(2const) */
export function mayExecuteWritten(): boolean {
  const flags = prctl(PR_GET_MDWE);
  // Kernels before 6.3 do not know it.
  return typeof flags === 'string' || (flags & PR_MDWE_REFUSE_EXEC_GAIN) === 0;
}

/**
 * Frees, and so overwrites, what nobody holds any more: keys inside OpenSSL and buffers of zlib live until they are
 * collected.
 */
export async function forget(): Promise<void> {
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([
    import('node:v8'),
    import('node:vm'),
  ]);
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
}
