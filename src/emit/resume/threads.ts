/** How all threads come to be, wait for each other, and leave the stub together. */

import { PAGE_SIZE } from '../../process/address-space.ts';
import { AT } from '../../process/auxv.ts';
import { emitBorrowVdso } from '../borrow-vdso.ts';
import { DATA } from '../data-page.ts';
import type { Emitter } from '../emitter.ts';
import { REG } from '../x86.ts';
import { EXIT_AT, emitArgument, emitNext, emitOwnCall, type Interpreter } from './interpreter.ts';
import { CLONE_ARGS_SIZE } from './waiting.ts';

const NR = { munmap: 11n, rt_sigreturn: 15n, futex: 202n, clone3: 435n } as const;
const FUTEX_WAIT = 128n;
const FUTEX_WAKE = 129n;
const EVERYBODY = 0x7fff_ffffn;

/** In the data page, zeros at first: how many have arrived, whether to go, how many are still in the stub. */
const ARRIVED = DATA.scratch;
const GO = DATA.scratch2;
const LEFT = DATA.results;

/** Where the last instructions count, and what they unmap, are in registers; rax is the number of munmap. */
const COUNTER = REG.bx;

/**
 * Behind the vDSO's image: who is the last unmaps the stub, and everybody leaves by rt_sigreturn.
 *   lock dec dword [rbx]; jne +2; syscall; xor eax, eax; mov al, 15; syscall
 */
const LAST_INSTRUCTIONS = Uint8Array.of(
  0xf0,
  0xff,
  0x0b,
  0x75,
  0x02,
  0x0f,
  0x05,
  0x31,
  0xc0,
  0xb0,
  0x0f,
  0x0f,
  0x05,
);

/** The handlers of `thread`, `gather`, `exit code`, `release`, `arrive` and `enter`. */
export function emitThreads(
  emitter: Emitter,
  interpreter: Interpreter,
  stub: { readonly address: bigint; readonly size: bigint; readonly vdso: bigint | undefined },
  store: (bytes: Uint8Array) => bigint,
): void {
  const { code } = emitter;
  interpreter.handler('thread', () => emitClone(emitter, interpreter));
  interpreter.handler('gather', () => {
    const [again, all] = [code.label(), code.label()];
    code.place(again);
    emitArgument(emitter, 0, REG.cx);
    code.load32(REG.dx, emitter.data(ARRIVED));
    code.compare(REG.dx, REG.cx);
    code.jumpIf('equal', all);
    emitOwnCall(emitter, NR.futex, emitter.dataPlace(ARRIVED), FUTEX_WAIT, REG.dx, 0n);
    code.jump(again);
    code.place(all);
    emitNext(emitter);
  });
  interpreter.handler('arrive', () => {
    const [again, go] = [code.label(), code.label()];
    code.lockIncrement32(emitter.data(ARRIVED));
    emitOwnCall(emitter, NR.futex, emitter.dataPlace(ARRIVED), FUTEX_WAKE, EVERYBODY);
    code.place(again);
    code.load32(REG.ax, emitter.data(GO));
    code.test(REG.ax);
    code.jumpIf('notEqual', go);
    emitOwnCall(emitter, NR.futex, emitter.dataPlace(GO), FUTEX_WAIT, 0n, 0n);
    code.jump(again);
    code.place(go);
    emitNext(emitter);
  });
  interpreter.handler('exit code', () => emitExitCode(emitter, stub.vdso, store));
  interpreter.handler('release', () => {
    emitArgument(emitter, 0, REG.cx);
    code.storeLow32(emitter.data(LEFT), REG.cx);
    code.moveImmediate(REG.ax, 1n);
    code.storeLow32(emitter.data(GO), REG.ax);
    emitOwnCall(emitter, NR.futex, emitter.dataPlace(GO), FUTEX_WAKE, EVERYBODY);
    emitNext(emitter);
  });
  interpreter.handler('enter', () => emitEnter(emitter, stub));
}

/** Arguments: struct clone_args with the number it had, one without, and the thread's first entry. */
function emitClone(emitter: Emitter, interpreter: Interpreter): void {
  const { code } = emitter;
  const [made, child] = [code.label(), code.label()];
  for (const args of [0, 1]) {
    emitArgument(emitter, args, REG.di);
    code.moveImmediate(REG.si, BigInt(CLONE_ARGS_SIZE));
    code.moveImmediate(REG.ax, NR.clone3);
    code.systemCall();
    emitter.jumpUnlessError(made);
  }
  code.jump(interpreter.failed);
  code.place(made);
  code.test(REG.ax);
  code.jumpIf('equal', child);
  emitNext(emitter);
  code.place(child);
  emitArgument(emitter, 2, REG.dx);
  code.move(REG.bx, REG.dx);
  code.jumpMemory({ base: REG.bx, displacement: 0 });
}

/** Puts the last instructions behind the vDSO; where that cannot be they stay in the stub, with its first two pages. */
function emitExitCode(
  emitter: Emitter,
  vdso: bigint | undefined,
  store: (bytes: Uint8Array) => bigint,
): void {
  const { code } = emitter;
  const [stay, done] = [code.label(), code.label()];
  const from = store(LAST_INSTRUCTIONS);
  // What follows takes rbx for itself.
  code.move(REG.r12, REG.bx);
  code.moveImmediate(REG.ax, vdso ?? 0n);
  code.store(emitter.auxv(AT.SYSINFO_EHDR), REG.ax);
  emitBorrowVdso(emitter, { from, size: LAST_INSTRUCTIONS.length }, store, stay);
  code.jump(done);
  code.place(stay);
  emitter.copyBytes(from, emitter.dataPlace(Number(PAGE_SIZE)), BigInt(LAST_INSTRUCTIONS.length));
  emitter.systemCall('mprotect', emitter.dataPlace(Number(PAGE_SIZE)), PAGE_SIZE, 5n);
  code.moveImmediate(REG.ax, emitter.dataPlace(Number(PAGE_SIZE)));
  code.store(emitter.data(EXIT_AT), REG.ax);
  code.place(done);
  code.move(REG.bx, REG.r12);
  emitNext(emitter);
}

/** Arguments: the frame's bytes, where they go, how many, and the stack pointer. */
function emitEnter(
  emitter: Emitter,
  { address, size }: { readonly address: bigint; readonly size: bigint },
): void {
  const { code } = emitter;
  const whole = code.label();
  emitArgument(emitter, 3, REG.r14);
  emitArgument(emitter, 2, REG.cx);
  emitArgument(emitter, 1, REG.di);
  emitArgument(emitter, 0, REG.si);
  code.repeatMoveBytes();
  code.move(REG.sp, REG.r14);
  code.moveImmediate(REG.di, address);
  code.moveImmediate(REG.si, size);
  code.load(REG.dx, emitter.data(EXIT_AT));
  code.moveImmediate(REG.cx, emitter.dataPlace(Number(PAGE_SIZE)));
  code.compare(REG.dx, REG.cx);
  code.jumpIf('notEqual', whole);
  // The counter and the last instructions stay: only what is behind them goes.
  code.addImmediate(REG.di, 2 * Number(PAGE_SIZE));
  code.addImmediate(REG.si, -2 * Number(PAGE_SIZE));
  code.place(whole);
  code.moveImmediate(COUNTER, emitter.dataPlace(LEFT));
  code.moveImmediate(REG.ax, NR.munmap);
  code.jumpRegister(REG.dx);
}
