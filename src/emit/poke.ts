/**
 * Writing to memory that is executable and must not be made writable: through /proc/self/mem, as a debugger sets a
 * breakpoint. Machines that forbid turning written memory into code (PR_SET_MDWE, systemd's
 * MemoryDenyWriteExecute) allow it, and it leaves the protection and the flags of the mapping as they are.
 */

import { DATA } from './data-page.ts';
import type { Argument, Emitter } from './emitter.ts';
import { type Label, REG } from './x86.ts';

export const OWN_MEMORY = '/proc/self/mem\0';
/** include/uapi/asm-generic/fcntl.h */
const O_RDWR = 2n;
const DESCRIPTOR = DATA.scratch3;

export interface Poke {
  readonly from: Argument;
  readonly to: Argument;
  readonly size: bigint;
  /** The address of OWN_MEMORY. */
  readonly path: bigint;
}

/** Jumps to `refused`, with the error in ax, where the file cannot be opened or written to. */
export function emitPoke(emitter: Emitter, { from, to, size, path }: Poke, refused: Label): void {
  const { code, machine } = emitter;
  emitter.systemCall('open', path, O_RDWR, 0n);
  emitter.jumpOnError(refused);
  code.store(emitter.data(DESCRIPTOR), REG.ax);
  // The offset is an address, and in 32-bit mode the upper half has a register of its own.
  const offset = machine.bits === 64 ? [to] : [to, 0n];
  emitter.systemCall('pwrite64', { data: DESCRIPTOR }, from, size, ...offset);
  // A close does not fail, but it would take the place of the error.
  code.store(emitter.data(DATA.scratch), REG.ax);
  emitter.systemCall('close', { data: DESCRIPTOR });
  code.load(REG.ax, emitter.data(DATA.scratch));
  emitter.jumpOnError(refused);
}
