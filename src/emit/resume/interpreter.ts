/**
 * The code that walks the table. Several threads run it at the same time, and none has a stack: where a thread is stands in
 * rbx, and all it needs beside that in registers that system calls keep. r13 is the stub's data page.
 */

import { ERRNO } from '../../errno.ts';
import { EXIT } from '../../errors.ts';
import { DATA } from '../data-page.ts';
import type { Emitter } from '../emitter.ts';
import { errnoNameTable } from '../failure.ts';
import { type Label, type Memory, REG, type Register } from '../x86.ts';
import { ARGUMENTS, ENTRY, type FailureHandler, type Handler } from './entry.ts';

/** Where the thread is in the table. */
const AT = REG.bx;
/** Kept over system calls, and used between two of them only. */
const KEPT = REG.r14;

const STDERR = 2n;
/** arch/x86/entry/syscalls/syscall_64.tbl */
const NR = { write: 1n, timer_create: 222n, timer_delete: 226n, exit_group: 231n } as const;

const field = (offset: number): Memory => ({ base: AT, displacement: offset });
const argumentNumber = (index: number): Memory => field(ENTRY.argument + index * 16);
const argumentSlot = (index: number): Memory => field(ENTRY.argument + index * 16 + 8);

/** Loads an argument: its number, and what its slot holds. rax is destroyed. */
export function emitArgument(emitter: Emitter, index: number, register: Register): void {
  const { code } = emitter;
  code.load(REG.ax, argumentSlot(index));
  code.load(register, argumentNumber(index));
  code.addFrom(register, { base: REG.ax, displacement: 0 });
}

/** Goes on with the next entry. */
export function emitNext(emitter: Emitter, field_: 'onSuccess' | 'onError' = 'onSuccess'): void {
  emitter.code.load(AT, field(ENTRY[field_]));
  emitter.code.jumpMemory(field(ENTRY.handler));
}

/** A system call with numbers and registers: the code's own, not the table's. */
export function emitOwnCall(emitter: Emitter, number: bigint, ...args: (bigint | Register)[]): void {
  const { code, machine } = emitter;
  args.forEach((argument, index) => {
    const register = machine.parameters[index];
    if (register === undefined) throw new Error('too many arguments');
    if (typeof argument === 'bigint') code.moveImmediate(register, argument);
    else if (argument !== register) code.move(register, argument);
  });
  code.moveImmediate(REG.ax, number);
  code.systemCall();
}

/** The handlers that need nothing but the table, and what follows an error. `names` is the table of errno names. */
export class Interpreter {
  readonly handlers = new Map<Handler, bigint>();
  readonly failures = new Map<FailureHandler, bigint>();
  /** Goes to the failure of the entry; the error is in rax. */
  readonly failed: Label;
  readonly #emitter: Emitter;

  constructor(emitter: Emitter) {
    this.#emitter = emitter;
    this.failed = emitter.code.label();
  }

  handler(name: Handler, emit: () => void): void {
    this.handlers.set(name, this.#emitter.code.here);
    emit();
  }

  emit(names: bigint, reports: boolean): void {
    const emitter = this.#emitter;
    const { code } = emitter;
    this.handler('call', () => this.#call(() => {}));
    this.handler('expect', () => this.#call(() => this.#expect()));
    this.handler('pread', () => this.#repeat([1, 3], 2));
    this.handler('sendfile', () => this.#repeat([], 3));
    for (const size of [4, 8] as const) {
      this.handler(`store${size}`, () => this.#store(size));
      this.handler(`replace${size}`, () => this.#replace(size));
    }
    this.handler('load4', () => {
      emitArgument(emitter, 0, REG.dx);
      code.load32(REG.ax, { base: REG.dx, displacement: 0 });
      this.#keep();
      emitNext(emitter);
    });
    this.handler('timer', () => this.#timer());
    code.place(this.failed);
    code.jumpMemory(field(ENTRY.failure));
    this.#emitFailures(names, reports);
  }

  #call(check: () => void): void {
    const emitter = this.#emitter;
    for (let index = 0; index < ARGUMENTS; index++) {
      const register = emitter.machine.parameters[index];
      if (register !== undefined) emitArgument(emitter, index, register);
    }
    emitter.code.load(REG.ax, field(ENTRY.number));
    emitter.code.systemCall();
    emitter.jumpOnError(this.failed);
    check();
    this.#keep();
    emitNext(emitter);
  }

  #keep(): void {
    const { code } = this.#emitter;
    code.load(REG.cx, field(ENTRY.keep));
    code.store({ base: REG.cx, displacement: 0 }, REG.ax);
  }

  /** Another result is an error like any other; EIO, since the kernel has said none. */
  #expect(): void {
    const { code } = this.#emitter;
    const good = code.label();
    code.load(REG.cx, field(ENTRY.expect + 8));
    code.load(REG.dx, field(ENTRY.expect));
    code.addFrom(REG.dx, { base: REG.cx, displacement: 0 });
    code.compare(REG.ax, REG.dx);
    code.jumpIf('equal', good);
    code.moveImmediate(REG.ax, BigInt(-ERRNO.EIO));
    code.jump(this.failed);
    code.place(good);
  }

  /** Again and again, until all is done. The entry itself says how far that is: it is this thread's alone. */
  #repeat(forward: readonly number[], count: number): void {
    const emitter = this.#emitter;
    const { code } = emitter;
    const [again, some] = [code.label(), code.label()];
    code.place(again);
    for (let index = 0; index < ARGUMENTS; index++) {
      const register = emitter.machine.parameters[index];
      if (register !== undefined) emitArgument(emitter, index, register);
    }
    code.load(REG.ax, field(ENTRY.number));
    code.systemCall();
    emitter.jumpOnError(this.failed);
    code.test(REG.ax);
    code.jumpIf('notEqual', some);
    code.moveImmediate(REG.ax, BigInt(-ERRNO.EIO));
    code.jump(this.failed);
    code.place(some);
    for (const index of forward) code.addTo(argumentNumber(index), REG.ax);
    code.negate(REG.ax);
    code.addTo(argumentNumber(count), REG.ax);
    code.load(REG.ax, argumentNumber(count));
    code.test(REG.ax);
    code.jumpIf('notEqual', again);
    emitNext(emitter);
  }

  #store(size: 4 | 8): void {
    const emitter = this.#emitter;
    emitArgument(emitter, 0, REG.dx);
    emitArgument(emitter, 1, REG.cx);
    this.#put(size);
    emitNext(emitter);
  }

  /** rdx to where rcx points. */
  #put(size: 4 | 8): void {
    const { code } = this.#emitter;
    if (size === 8) code.store({ base: REG.cx, displacement: 0 }, REG.dx);
    else code.storeLow32({ base: REG.cx, displacement: 0 }, REG.dx);
  }

  #replace(size: 4 | 8): void {
    const emitter = this.#emitter;
    const { code } = emitter;
    const other = code.label();
    emitArgument(emitter, 2, REG.si);
    emitArgument(emitter, 0, REG.dx);
    emitArgument(emitter, 1, REG.cx);
    if (size === 8) code.load(REG.ax, { base: REG.cx, displacement: 0 });
    else code.load32(REG.ax, { base: REG.cx, displacement: 0 });
    code.compare(REG.ax, REG.si);
    code.jumpIf('notEqual', other);
    this.#put(size);
    code.place(other);
    emitNext(emitter);
  }

  /**
   * The kernel counts timers up, unless it was asked to take what stands where the number goes (PR_TIMER_CREATE_RESTORE_IDS);
   * so they are made until it is the right one. Arguments: clock, event, where the number goes, the number.
   */
  #timer(): void {
    const emitter = this.#emitter;
    const { code } = emitter;
    const [again, over, done] = [code.label(), code.label(), code.label()];
    code.place(again);
    emitArgument(emitter, 2, REG.dx);
    emitArgument(emitter, 3, REG.cx);
    code.storeLow32({ base: REG.dx, displacement: 0 }, REG.cx);
    emitArgument(emitter, 0, REG.di);
    emitArgument(emitter, 1, REG.si);
    code.moveImmediate(REG.ax, NR.timer_create);
    code.systemCall();
    emitter.jumpOnError(this.failed);
    emitArgument(emitter, 2, REG.dx);
    code.load32(REG.di, { base: REG.dx, displacement: 0 });
    emitArgument(emitter, 3, REG.cx);
    code.compare(REG.di, REG.cx);
    code.jumpIf('equal', done);
    code.jumpIf('above', over);
    code.moveImmediate(REG.ax, NR.timer_delete);
    code.systemCall();
    code.jump(again);
    code.place(over);
    code.moveImmediate(REG.ax, BigInt(-ERRNO.EBUSY));
    code.jump(this.failed);
    code.place(done);
    emitNext(emitter);
  }

  #emitFailures(names: bigint, reports: boolean): void {
    const emitter = this.#emitter;
    this.failures.set('ignore', emitter.code.here);
    emitNext(emitter, 'onError');
    this.failures.set('say', emitter.code.here);
    if (reports) this.#say(names);
    emitNext(emitter, 'onError');
    this.failures.set('stop', emitter.code.here);
    this.#say(names);
    emitOwnCall(emitter, NR.exit_group, BigInt(EXIT.cannotRun));
  }

  /** The entry's message and the name of the error in rax. */
  #say(names: bigint): void {
    const emitter = this.#emitter;
    const { code } = emitter;
    const { highest, entryShift } = ERRNO_TABLE;
    code.negate(REG.ax);
    code.move(KEPT, REG.ax);
    code.load(REG.si, field(ENTRY.message));
    code.load(REG.dx, field(ENTRY.messageSize));
    emitOwnCall(emitter, NR.write, STDERR);
    const known = code.label();
    code.compareImmediate(KEPT, highest + 1);
    code.jumpIf('below', known);
    code.moveImmediate(KEPT, 0n);
    code.place(known);
    code.shiftLeft(KEPT, entryShift);
    code.moveImmediate(REG.si, names);
    code.add(REG.si, KEPT);
    code.loadByte(REG.dx, { base: REG.si, displacement: 0 });
    code.addImmediate(REG.si, 1);
    emitOwnCall(emitter, NR.write, STDERR);
  }
}

const ERRNO_TABLE = { highest: errnoNameTable().highest, entryShift: 4 };

/** Where the address of the last instructions is kept. */
export const EXIT_AT = DATA.exit;
