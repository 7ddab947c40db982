/**
 * A way into the program that stops for whoever debugs it: with every register as at the entry, before the first
 * instruction. The stub sends itself a SIGTRAP while that is blocked, and leaves by rt_sigreturn, which gives it the
 * program's registers and lets the signal through. So the debugger is told when nothing of the stub is left, and has
 * nothing to step over or to take back. Without a debugger the signal ends the process.
 */
import type { Step } from '../plan/plan.ts';
import { PAGE_SIZE } from '../process/address-space.ts';
import { ENTRY_FRAME_ROOM, entryFrame } from '../process/entry-frame.ts';
import { plus } from '../process/place.ts';
import { emitBorrowVdso } from './borrow-vdso.ts';
import { DATA } from './data-page.ts';
import type { Emitter } from './emitter.ts';
import type { Machine } from './machine.ts';
import { REG, X86 } from './x86.ts';

type JumpStep = Extract<Step, { op: 'jump' }>;
type Store = (bytes: Uint8Array) => bigint;

/** include/uapi/asm-generic/signal.h */
const SIGTRAP = 5;
const SIGTRAP_BIT = 1 << (SIGTRAP - 1);
const SIG_BLOCK = 0n;
const SIGSET_SIZE = 8n;

export function emitStoppingJump(step: JumpStep, emitter: Emitter, store: Store): void {
  const { code, machine } = emitter;
  const stay = code.label();
  emitFrame(step, emitter, store);
  emitOwnTrap(emitter, store);
  const last = lastInstructions(machine);
  emitBorrowVdso(emitter, { from: store(last), size: last.length }, store, stay);

  const [first, second] = machine.parameters;
  code.load(REG.sp, emitter.data(DATA.scratch2));
  code.addImmediate(REG.sp, emitter.wordSize);
  code.moveImmediate(first, emitter.dataAddress);
  code.moveImmediate(second, 2n * PAGE_SIZE);
  code.moveImmediate(REG.ax, BigInt(machine.systemCalls.munmap));
  code.jumpThrough(emitter.dataAddress + BigInt(DATA.exit));

  code.place(stay);
  code.load(REG.sp, emitter.data(DATA.scratch2));
  code.addImmediate(REG.sp, emitter.wordSize);
  emitter.systemCall('munmap', emitter.dataAddress, PAGE_SIZE);
  emitSignalReturn(code, machine);
}

/** Unmaps the stub's pages and leaves: position-independent. */
function lastInstructions(machine: Machine): Uint8Array {
  const code = new X86(machine.bits, 0n);
  code.systemCall();
  emitSignalReturn(code, machine);
  return code.finish();
}

function emitSignalReturn(code: X86, machine: Machine): void {
  code.moveImmediate(REG.ax, BigInt(machine.systemCalls.rt_sigreturn));
  code.systemCall();
}

/** Puts the frame below the program's stack pointer, and its address into scratch2. */
function emitFrame(step: JumpStep, emitter: Emitter, store: Store): void {
  const { code, machine } = emitter;
  const frame = entryFrame(machine.bits === 64 ? 'x86_64' : 'i386');
  const at = plus(step.sp, BigInt(-ENTRY_FRAME_ROOM));
  emitter.copyBytes(store(frame.bytes), at, BigInt(frame.bytes.length));
  emitter.load(REG.bx, at);
  code.store(emitter.data(DATA.scratch2), REG.bx);
  emitter.load(REG.ax, step.sp);
  code.store({ base: REG.bx, displacement: frame.sp }, REG.ax);
  emitter.load(REG.ax, typeof step.entry === 'string' ? { data: DATA.interpEntry } : step.entry);
  code.store({ base: REG.bx, displacement: frame.ip }, REG.ax);
  if (step.rdx === undefined) return;
  emitter.load(REG.ax, step.rdx);
  code.store({ base: REG.bx, displacement: frame.dx }, REG.ax);
}

/** Blocks SIGTRAP, notes in the frame what was blocked before but for that, and sends one. */
function emitOwnTrap(emitter: Emitter, store: Store): void {
  const { code, machine } = emitter;
  const { mask } = entryFrame(machine.bits === 64 ? 'x86_64' : 'i386');
  const set = new Uint8Array(Number(SIGSET_SIZE));
  set[0] = SIGTRAP_BIT;
  const before = { data: DATA.scratch2, plus: BigInt(mask) };
  emitter.systemCall('rt_sigprocmask', SIG_BLOCK, store(set), before, SIGSET_SIZE);
  emitter.load(REG.si, before);
  code.load32(REG.ax, { base: REG.si, displacement: 0 });
  code.andImmediate(REG.ax, ~SIGTRAP_BIT);
  code.storeLow32({ base: REG.si, displacement: 0 }, REG.ax);
  emitter.systemCall('getpid');
  code.store(emitter.data(DATA.scratch), REG.ax);
  emitter.systemCall('kill', { data: DATA.scratch }, BigInt(SIGTRAP));
}
