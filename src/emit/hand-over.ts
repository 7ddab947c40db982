/**
 * The stub's last piece of code. It runs in an anonymous page, because PR_SET_MM_MAP takes a new exe
 * file only when nothing of the old one is mapped (EBUSY). It tells the kernel what the process is,
 * closes the files and enters the program with every register as execve leaves it.
 *
 * The page it runs in must go as well, and code cannot unmap itself and go on. So the last few
 * instructions are put where a program has executable memory anyway: into the unused bytes behind the
 * vDSO's image in its last page. Where there is no vDSO, no room, or it is sealed, this page stays.
 */

import type { Step } from '../plan/plan.ts';
import { PAGE_SIZE } from '../process/address-space.ts';
import { EXIT_SIZE, emitBorrowVdso } from './borrow-vdso.ts';
import { ADOPTED, DATA, SETTINGS } from './data-page.ts';
import { Emitter } from './emitter.ts';
import type { Machine } from './machine.ts';
import { emitMm } from './mm-step.ts';
import { descriptor, type FileAtStart } from './step-context.ts';
import { emitStoppingJump } from './stop.ts';
import { REG, X86 } from './x86.ts';

/** include/uapi/linux/prctl.h */
const PR_SET_NAME = 15n;
const O_WRONLY = 1n;
const SLASH = 0x2f;
/** TASK_COMM_LEN without the NUL. */
const MAX_COMM = 15n;
/** X86_EFLAGS_FIXED and X86_EFLAGS_IF: what start_thread sets. */
const ENTRY_FLAGS = 0x202n;

const OPERATIONS = ['mm', 'name', 'stdin', 'close', 'drop', 'stream', 'stop', 'jump'] as const;

export type HandOverStep = Extract<Step, { op: (typeof OPERATIONS)[number] }>;

type NameStep = Extract<HandOverStep, { op: 'name' }>;
type JumpStep = Extract<Step, { op: 'jump' }>;

/** Whether a step is carried out after the stub has left its file. */
export const isHandOverStep = (step: Step): step is HandOverStep =>
  (OPERATIONS as readonly string[]).includes(step.op);

export interface HandOverInput {
  readonly machine: Machine;
  readonly dataAddress: bigint;
  /** This code's own page, right after the data page. */
  readonly address: bigint;
  readonly fileAddress: bigint;
  readonly steps: readonly HandOverStep[];
  readonly files: readonly FileAtStart[];
  /** Stores bytes in the data page and returns their address. */
  readonly store: (bytes: Uint8Array) => bigint;
  /** For messages. */
  readonly program: string;
}

/** The page's bytes. */
export function emitHandOver(input: HandOverInput): Uint8Array {
  const emitter = new Emitter(input.machine, input.address, input.dataAddress);
  const stops = input.steps.some(({ op }) => op === 'stop');
  emitter.systemCall('munmap', input.fileAddress, { data: DATA.settings + SETTINGS.fileSize });
  let jumps = false;
  for (const step of input.steps) {
    if (step.op === 'mm') emitMm(step, emitter, input);
    else if (step.op === 'jump') {
      (stops ? emitStoppingJump : emitJump)(step, emitter, input.store);
      jumps = true;
    } else emitFileStep(step, { emitter, files: input.files }, input.store);
  }
  const bytes = emitter.code.finish();
  if (!jumps || BigInt(bytes.length) > PAGE_SIZE)
    throw new Error('the hand-over code has no jump or fills its page');
  return bytes;
}

/** The steps that are the same wherever they are carried out; of the others, nothing. */
export function emitFileStep(
  step: HandOverStep,
  { emitter, files }: { readonly emitter: Emitter; readonly files: readonly FileAtStart[] },
  store: HandOverInput['store'],
): void {
  switch (step.op) {
    case 'name':
      emitName(step, emitter, store);
      break;
    case 'stdin':
      emitter.systemCall('dup2', descriptor(step.file, { files }), 0n);
      break;
    case 'close':
      emitter.systemCall('close', descriptor(step.file, { files }));
      break;
    case 'drop':
      emitter.systemCall('close', BigInt(step.descriptor));
      break;
    case 'stream':
      emitter.systemCall('dup2', BigInt(step.descriptor), BigInt(step.to));
      break;
  }
}

/** The address of what follows the last slash of the first argument, in scratch2. */
function emitLastPart(emitter: Emitter): void {
  const { code } = emitter;
  const [part, next] = [code.label(), code.label()];
  code.load(REG.si, emitter.data(ADOPTED.arg_start));
  code.place(part);
  code.store(emitter.data(DATA.scratch2), REG.si);
  code.place(next);
  code.loadByte(REG.ax, { base: REG.si, displacement: 0 });
  code.addImmediate(REG.si, 1);
  code.compareImmediate(REG.ax, SLASH);
  code.jumpIf('equal', part);
  code.test(REG.ax);
  code.jumpIf('notEqual', next);
}

/** Sets the short name; a filter that denies prctl does not know that /proc does the same. */
function emitName({ from }: NameStep, emitter: Emitter, store: HandOverInput['store']): void {
  const { code } = emitter;
  const done = code.label();
  if (from !== undefined) emitLastPart(emitter);
  const comm =
    from === undefined ? emitter.dataPlace(DATA.settings + SETTINGS.comm) : { data: DATA.scratch2 };
  emitter.systemCall('prctl', PR_SET_NAME, comm, 0n, 0n, 0n);
  emitter.jumpUnlessError(done);
  emitter.systemCall('open', store(Buffer.from('/proc/self/comm\0')), O_WRONLY, 0n);
  emitter.jumpOnError(done);
  code.store(emitter.data(DATA.scratch), REG.ax);
  emitter.systemCall('write', { data: DATA.scratch }, comm, MAX_COMM);
  emitter.systemCall('close', { data: DATA.scratch });
  code.place(done);
}

/** Unmaps the stub's pages, clears what that changed, and pops flags and entry point: position-independent. */
export function exitSequence(machine: Machine): Uint8Array {
  const code = new X86(machine.bits, 0n);
  code.systemCall();
  emitEnter(code, machine);
  const bytes = code.finish();
  if (bytes.length > EXIT_SIZE) throw new Error('the exit sequence has outgrown its room');
  return bytes;
}

function emitEnter(code: X86, machine: Machine): void {
  for (const register of machine.dirtyAfterUnmap) code.moveImmediate(register, 0n);
  code.popFlags();
  code.return();
}

/** Puts what the last two instructions pop below the program's stack pointer. */
export function emitEntryWords(step: JumpStep, emitter: Emitter): void {
  const { code, wordSize } = emitter;
  emitter.load(REG.sp, { ...step.sp, offset: step.sp.offset - BigInt(2 * wordSize) });
  code.moveImmediate(REG.ax, ENTRY_FLAGS);
  code.store({ base: REG.sp, displacement: 0 }, REG.ax);
  emitter.load(REG.ax, typeof step.entry === 'string' ? { data: DATA.interpEntry } : step.entry);
  code.store({ base: REG.sp, displacement: wordSize }, REG.ax);
}

function emitJump(step: JumpStep, emitter: Emitter, store: HandOverInput['store']): void {
  const { code, machine } = emitter;
  const exit = exitSequence(machine);
  const stay = code.label();
  emitEntryWords(step, emitter);
  const afterExit = code.label();
  code.jump(afterExit);
  const exitAt = code.here;
  code.raw(exit);
  code.place(afterExit);
  emitBorrowVdso(emitter, { from: exitAt, size: exit.length }, store, stay);

  setRegisters(step, emitter);
  const [first, second] = machine.parameters;
  code.moveImmediate(first, emitter.dataAddress);
  code.moveImmediate(second, 2n * PAGE_SIZE);
  code.moveImmediate(REG.ax, BigInt(machine.systemCalls.munmap));
  code.jumpThrough(emitter.dataAddress + BigInt(DATA.exit));

  code.place(stay);
  setRegisters(step, emitter);
  emitter.systemCall('munmap', emitter.dataAddress, PAGE_SIZE);
  code.moveImmediate(REG.ax, 0n);
  emitEnter(code, machine);
}

/** To what the program is to find in them; the bases of places are in the data page, so that comes first. */
function setRegisters({ rdx }: JumpStep, emitter: Emitter): void {
  const { code, machine } = emitter;
  if (rdx !== undefined) emitter.load(REG.dx, rdx);
  for (const register of machine.zeroAtEntry) {
    if (register !== REG.dx || rdx === undefined) code.moveImmediate(register, 0n);
  }
}
