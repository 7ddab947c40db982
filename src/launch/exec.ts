/**
 * Executes a stub in this very process, and undoes what Node did to it as far as that can still be known.
 * What cannot: which signals the caller had ignored or blocked, which descriptors from 3 on were its own, its
 * soft limit of descriptors. The launcher's process (src/launcher/) has none of these problems.
 */
import { execDescriptor, resetSignal, setCloseOnExec } from '../native/libc.ts';

/** Node ignores these for itself; a program expects their defaults: SIGPIPE and SIGXFSZ, as in asm-generic/signal.h. */
const SIGNALS_NODE_IGNORES = [13, 25];
const STDIO = [0, 1, 2];

/** `fds` are the files that the stub needs. Returns only by throwing SystemError. */
export function becomeStub(stub: number, comm: Uint8Array, fds: readonly number[]): never {
  try {
    // Node marked every descriptor it found close-on-exec.
    for (const open of [...STDIO.filter(isOpen), ...fds]) setCloseOnExec(open, false);
    SIGNALS_NODE_IGNORES.forEach(resetSignal);
    execDescriptor(stub, comm);
  } catch (cause) {
    for (const open of fds) setCloseOnExec(open, true);
    throw cause;
  }
}

function isOpen(fd: number): boolean {
  try {
    setCloseOnExec(fd, false);
    return true;
  } catch {
    return false;
  }
}
