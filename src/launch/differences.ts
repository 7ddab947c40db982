/**
 * What a program started by us can see that is not as execve makes it, however privileged we are. `--verbose` says
 * it, docs/fidelity.md lists it, and the probe of test/e2e finds exactly this and nothing more.
 */
import type { Arch } from '../image/image.ts';

export interface Difference {
  /** What differs, and how. */
  readonly what: string;
  /** Why it cannot be equal. */
  readonly why: string;
}

export const DIFFERENCES = {
  vdso: {
    what: 'one page of the vDSO is private to the process (smaps: 4 kB of Private_Dirty)',
    why: 'the last instructions before the program stand in the padding of that page: code cannot unmap itself',
  },
  superPriv: {
    what: 'PF_SUPERPRIV is set in the flags of /proc/PID/stat, where /proc/PID/exe could be set',
    why: 'setting the exe file takes a capability, and the kernel remembers that one was used',
  },
  stackResidue: {
    what: 'the two words below the first stack pointer are the flags and the entry point, not zero',
    why: 'the last two instructions pop them',
  },
  readImpliesExec: {
    what: 'a 32-bit program does not inherit READ_IMPLIES_EXEC (setarch -X)',
    why: 'the kernel takes it away when it starts the launcher, which is a 64-bit program',
  },
  longArguments: {
    what: 'argument lists that reach within a hundred bytes of the limit are refused (E2BIG)',
    why: 'the command’s own name is one argument more, and Node gets another',
  },
  smallLimits: {
    what: 'limits too small for Node stop the start: fewer than 22 descriptors (ulimit -n), less than 800 MB of addresses (ulimit -v), files smaller than the stub (ulimit -f)',
    why: 'Node runs before the program, under the limits of the caller',
  },
  counters: {
    what: 'counters do not begin at zero (page faults, context switches, system calls in /proc/PID/io, a little CPU time), nor do peaks of memory (VmPeak, VmHWM)',
    why: 'the launcher and the stub ran in the process before',
  },
} as const satisfies Record<string, Difference>;

/** Those that can concern a program for `arch` that does start. */
export function differencesFor(arch: Arch): Difference[] {
  const { readImpliesExec, longArguments: _, smallLimits: __, ...all } = DIFFERENCES;
  return arch === 'i386' ? [...Object.values(all), readImpliesExec] : Object.values(all);
}
