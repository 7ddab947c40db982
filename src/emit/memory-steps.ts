/**
 * The steps that build the program's memory, as machine code. HAZARD: the stub has no stack of its
 * own: the stack area it was given becomes the program's while this runs, so nothing here may push.
 */
import { ERRNO } from '../errno.ts';
import type { ProtectionText } from '../image/permissions.ts';
import type { AnyPlan, Step } from '../plan/plan.ts';
import { PAGE_SIZE } from '../process/address-space.ts';
import { AT } from '../process/auxv.ts';
import { type Place, placeText } from '../process/place.ts';
import type { StackImage } from '../process/stack-image.ts';
import { emitFindStack, emitFindStrings, emitReadAuxv } from './adopt.ts';
import { emitChoose } from './choose.ts';
import { BASE_OFFSET, DATA } from './data-page.ts';
import type { Emitter } from './emitter.ts';
import { emitInterpreter } from './interpreter.ts';
import { emitOpen } from './open.ts';
import { emitReserve } from './reserve.ts';
import { emitStackImage, type StoredStack } from './stack-image.ts';
import {
  descriptor,
  failOnError,
  failureText,
  fileOffset,
  MAP,
  NO_FILE,
  type StepContext,
} from './step-context.ts';
import { vdsoThatMaySwap } from './swap.ts';
import { emitVdso } from './vdso.ts';
import { REG } from './x86.ts';

export type MemoryStep = Extract<
  Step,
  {
    op:
      | 'seclude'
      | 'vdso'
      | 'reserve'
      | 'interpreter'
      | 'open'
      | 'choose'
      | 'mmap'
      | 'hide'
      | 'read'
      | 'discard'
      | 'zero'
      | 'mprotect';
  }
>;

/** include/uapi/linux/prctl.h */
const PR_SET_DUMPABLE = 4n;
/** include/uapi/asm-generic/mman-common.h, include/uapi/linux/mman.h */
const MADV_DONTDUMP = 16n;
const MLOCK_ONFAULT = 1n;
/** include/uapi/linux/falloc.h: FALLOC_FL_KEEP_SIZE and FALLOC_FL_PUNCH_HOLE. */
const PUNCH_HOLE = 3n;

/** PROT_READ, PROT_WRITE and PROT_EXEC. */
export function protectionBits(text: ProtectionText): bigint {
  return (text[0] === 'r' ? 1n : 0n) | (text[1] === 'w' ? 2n : 0n) | (text[2] === 'x' ? 4n : 0n);
}

/**
 * At the very start: remembers the kernel's auxv and where the stack area ends. A stub that serves one start is executed
 * with one argument and no environment, so the auxv's place is known; the file name that AT_EXECFN points to is the last
 * thing in the area but for a zero pointer (fs/exec.c).
 */
export function emitPrologue(emitter: Emitter, plan: AnyPlan): void {
  const { code, machine, wordSize } = emitter;
  const adopts = !('bytes' in plan.stack);
  if (machine.dataRegister !== undefined) code.moveImmediate(machine.dataRegister, emitter.dataAddress);
  // A debugger executes it with whatever arguments and environment it has.
  if (adopts || plan.steps.some(({ op }) => op === 'stop')) emitFindStack(emitter);
  else {
    const wordsBeforeAuxv = 1 + 1 + 1 + 1; // argc, argv[0], its NULL, envp's NULL
    code.move(REG.si, REG.sp);
    code.addImmediate(REG.si, wordsBeforeAuxv * wordSize);
  }
  emitReadAuxv(emitter);
  if (adopts) emitFindStrings(emitter);
  code.load(REG.ax, emitter.auxv(AT.EXECFN));
  code.addImmediate(REG.ax, Number(PAGE_SIZE) - 1);
  code.andImmediate(REG.ax, -Number(PAGE_SIZE));
  code.store(emitter.data(DATA.stack), REG.ax);
}

export function emitMemoryStep(step: MemoryStep, context: StepContext): void {
  const { emitter } = context;
  switch (step.op) {
    case 'seclude':
      emitter.systemCall('prctl', PR_SET_DUMPABLE, 0n, 0n, 0n, 0n);
      failOnError(context, 'cannot be kept confidential');
      break;
    case 'vdso':
      if (step !== vdsoThatMaySwap(context.plan)) emitVdso(step, context);
      break;
    case 'reserve':
      emitReserve(step, context);
      break;
    case 'interpreter':
      emitInterpreter(step, context);
      break;
    case 'open':
      emitOpen(step, context);
      break;
    case 'choose':
      emitChoose(step, emitter);
      break;
    case 'mmap':
      emitMmap(step, context);
      break;
    case 'read':
      emitRead(step, context);
      break;
    case 'hide':
      emitter.systemCall('madvise', step.at, step.size, MADV_DONTDUMP);
      failOnError(context, `cannot keep ${step.what} out of core files`);
      // Refused where RLIMIT_MEMLOCK allows less; old kernels do not have it.
      emitter.systemCall('mlock2', step.at, step.size, MLOCK_ONFAULT);
      break;
    case 'discard':
      emitDiscard(step, context);
      break;
    case 'zero':
      emitter.load(REG.di, step.at);
      emitter.code.moveImmediate(REG.cx, step.size);
      emitter.code.moveImmediate(REG.ax, 0n);
      emitter.code.repeatStoreBytes();
      break;
    case 'mprotect':
      emitter.systemCall('mprotect', step.at, step.size, protectionBits(step.protection));
      failOnError(context, `cannot protect ${step.what} at ${placeText(step.at)}`);
      break;
  }
}

/** Makes the stack area as large as execve does, copies the stack image into place and makes its pointers point. */
export function emitStack(image: StoredStack, stack: StackImage, { emitter }: StepContext): void {
  const { code, wordSize } = emitter;
  const sp: Place = { base: 'stack', offset: stack.sp };
  // The area grows when it is touched; old kernels grow it only near the stack pointer.
  code.move(REG.bx, REG.sp);
  emitter.load(REG.sp, { base: 'stack', offset: stack.extent });
  code.loadByte(REG.ax, { base: REG.sp, displacement: 0 });
  emitter.load(REG.sp, sp);
  emitStackImage(image, stack, REG.bx, emitter);
  for (const { offset, count, base } of stack.pointers) {
    emitter.load(REG.di, { base: 'stack', offset: stack.sp + BigInt(offset) });
    code.moveImmediate(REG.cx, BigInt(count));
    code.load(REG.ax, emitter.data(BASE_OFFSET[base]));
    const again = code.label();
    code.place(again);
    code.addTo({ base: REG.di, displacement: 0 }, REG.ax);
    code.addImmediate(REG.di, wordSize);
    code.addImmediate(REG.cx, -1);
    code.jumpIf('notEqual', again);
  }
  emitter.load(REG.di, sp);
  for (const { offset, type } of stack.kernelAuxv) {
    code.load(REG.ax, emitter.auxv(type));
    code.store({ base: REG.di, displacement: offset }, REG.ax);
  }
}

function emitMmap(step: Extract<Step, { op: 'mmap' }>, context: StepContext): void {
  const { emitter } = context;
  const { code, machine } = emitter;
  const { file } = step;
  const flags =
    MAP.PRIVATE | (step.replace ? MAP.FIXED : MAP.FIXED_NOREPLACE) | (file === undefined ? MAP.ANONYMOUS : 0);
  const fd = file === undefined ? NO_FILE : descriptor(file.index, context);
  const offset =
    file === undefined ? 0n : fileOffset(file.index, file.offset, context) / machine.mmapOffsetUnit;
  emitter.systemCall('mmap', step.at, step.size, protectionBits(step.protection), BigInt(flags), fd, offset);
  const message = `cannot map ${step.what} at ${placeText(step.at)} (${step.size} bytes)`;
  failOnError(context, message);
  // Kernels before 4.17 take MAP_FIXED_NOREPLACE for a hint and may map elsewhere.
  emitter.load(REG.cx, step.at);
  code.compare(REG.ax, REG.cx);
  code.jumpIf('notEqual', context.failures.label(failureText(context, message), ERRNO.EEXIST));
}

function emitRead(step: Extract<Step, { op: 'read' }>, context: StepContext): void {
  const { emitter } = context;
  const fd = descriptor(step.file, context);
  const offset = emitter.machine.offsetArguments(fileOffset(step.file, step.offset, context));
  emitter.systemCall('pread64', fd, step.at, step.size, ...offset);
  const message = `cannot read ${step.what} (${step.size} bytes from file offset ${step.offset})`;
  failOnError(context, message);
  emitter.code.compareImmediate(REG.ax, Number(step.size));
  emitter.code.jumpIf('notEqual', context.failures.label(failureText(context, message), ERRNO.EIO));
}

/** What cannot be given back now is when the vault is closed. */
function emitDiscard(step: Extract<Step, { op: 'discard' }>, context: StepContext): void {
  const { emitter } = context;
  const { offsetArguments } = emitter.machine;
  const fd = descriptor(step.file, context);
  const range = [...offsetArguments(step.offset), ...offsetArguments(step.size)];
  emitter.systemCall('fallocate', fd, PUNCH_HOLE, ...range);
}
