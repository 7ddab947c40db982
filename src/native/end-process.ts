/** Ending the process from any of its threads, at once: process.exit() ends no thread but its own. exit_group(2) */
import { declare } from './koffi.ts';

export function endProcess(status: number): never {
  declare('void _exit(int status)')(status);
  throw new Error('_exit returned');
}
