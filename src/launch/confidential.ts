/** Before the first confidential byte leaves this process: nobody else may look into any process that will have it. */
import { ForeignError } from '../errors.ts';
import { mayExecuteWritten, seclude } from '../native/seclude.ts';
import type { Launched } from './launched.ts';

/** Closes this process and, if it was started by one, the launcher. Throws MACHINE_REFUSED. */
export function closeProcesses(launcher: Launched | undefined): void {
  if (!mayExecuteWritten()) {
    // Confidential code is written to anonymous memory.
    const message = 'is confidential, and memory that was written may not be executed here (PR_SET_MDWE)';
    throw new ForeignError('MACHINE_REFUSED', message, {
      hint: 'start it elsewhere, or with --not-confidential',
    });
  }
  seclude();
  if (launcher !== undefined) secludeLauncher(launcher);
}

/** It will hold the vault, and any process of the same user could open that through /proc. */
function secludeLauncher(launcher: Launched): void {
  if (launcher.seclude()) return;
  const message = 'cannot be kept confidential: the launcher may not (PR_SET_DUMPABLE)';
  throw new ForeignError('MACHINE_REFUSED', message);
}
