/**
 * The short way out. What a process is can mostly be told the kernel from the stub's file; only a new exe file is refused
 * there (EBUSY) where nothing else speaks against it, because the old one is mapped. So all is done there but the very
 * last, unmapping all of the stub and, if need be, setting the fields with the exe file: that stands behind the vDSO's
 * image. It spares the hand-over page. Where anything is otherwise, nothing has happened that the long way (leave.ts,
 * hand-over.ts) does not do again.
 */
import { ERRNO } from '../errno.ts';
import { PAGE_SIZE } from '../process/address-space.ts';
import { plus } from '../process/place.ts';
import { emitBorrowVdso } from './borrow-vdso.ts';
import { DATA, MM_MAP, SETTINGS } from './data-page.ts';
import type { Emitter } from './emitter.ts';
import { emitEntryWords, emitFileStep, exitSequence, type HandOverStep } from './hand-over.ts';
import type { Part } from './leave.ts';
import type { Machine } from './machine.ts';
import { emitBases, PR_SET_MM, PR_SET_MM_EXE_FILE, PR_SET_MM_MAP } from './mm-step.ts';
import { descriptor, type StepContext } from './step-context.ts';
import { type Label, REG, type Register, X86 } from './x86.ts';

type Store = (bytes: Uint8Array) => bigint;
type Of<Op extends HandOverStep['op']> = Extract<HandOverStep, { op: Op }>;

/** What the first unmapping leaves as it is until the last instructions clear it. */
const [MAP, MAP_SIZE, EXE] = [REG.dx, REG.r10, REG.bx];
/** In the data page. */
const MAP_PLACE = DATA.settings + SETTINGS.mmMap;

interface Finish {
  readonly mm: Of<'mm'>;
  readonly jump: Of<'jump'>;
  readonly steps: readonly HandOverStep[];
  readonly context: StepContext;
  readonly store: Store;
  readonly longWay: Label;
}

/** `settings` are to be where the data page has them; `store` puts bytes into the stub's file. */
export function emitFinish(
  steps: readonly HandOverStep[],
  settings: Part,
  context: StepContext,
  store: Store,
): void {
  const { emitter } = context;
  const { code, machine } = emitter;
  const mm = steps.find((step): step is Of<'mm'> => step.op === 'mm');
  const jump = steps.find((step): step is Of<'jump'> => step.op === 'jump');
  const stops = steps.some(({ op }) => op === 'stop');
  // Reports are written, a file's path is handed over, and the program is stopped at its entry, on the long way only.
  if (machine.bits !== 64 || mm === undefined || mm.report || jump === undefined || jump.rdx || stops) return;
  const longWay = code.label();
  const finish = { mm, jump, steps, context, store, longWay };
  emitter.copyBytes(settings.from, settings.to, settings.size);
  emitBases(mm, emitter, context.files);
  if (mm.exe !== undefined) {
    const notBusy = code.label();
    emitSetMap(emitter);
    code.compareImmediate(REG.ax, -ERRNO.EBUSY);
    code.jumpIf('notEqual', notBusy);
    emitWithExe(mm.exe, finish);
    code.place(notBusy);
    code.store32(emitter.data(MAP_PLACE + MM_MAP.exe_fd), -1);
  }
  emitSetMap(emitter);
  emitter.jumpOnError(longWay);
  if (mm.exe !== undefined) {
    emitter.systemCall('prctl', PR_SET_MM, PR_SET_MM_EXE_FILE, descriptor(mm.exe, context), 0n, 0n);
    code.compareImmediate(REG.ax, -ERRNO.EBUSY);
    code.jumpIf('equal', longWay);
  }
  emitWithoutExe(finish);
  code.place(longWay);
}

function emitSetMap(emitter: Emitter): void {
  const size = BigInt(MM_MAP.size);
  emitter.systemCall('prctl', PR_SET_MM, PR_SET_MM_MAP, emitter.dataPlace(MAP_PLACE), size, 0n);
}

/** The fields are set already. */
function emitWithoutExe(finish: Finish): void {
  const { jump, steps, context, store, longWay } = finish;
  const { emitter } = context;
  const last = exitSequence(emitter.machine);
  emitBorrowVdso(emitter, { from: store(last), size: last.length }, store, longWay);
  emitEntryWords(jump, emitter);
  for (const step of steps) emitFileStep(step, context, store);
  emitGo([], emitter);
}

/** The last instructions find the map below what they pop. */
function emitWithExe(exe: number, finish: Finish): void {
  const { jump, steps, context, store, longWay } = finish;
  const { emitter } = context;
  const { code } = emitter;
  const size = BigInt(MM_MAP.size);
  const last = lastInstructions(emitter.machine);
  emitBorrowVdso(emitter, { from: store(last), size: last.length }, store, longWay);
  emitEntryWords(jump, emitter);
  const below = plus(jump.sp, BigInt(-2 * emitter.wordSize) - size);
  emitter.copyBytes(emitter.dataPlace(MAP_PLACE), below, size);
  for (const step of steps) if (step.op !== 'close' || step.file !== exe) emitFileStep(step, context, store);
  emitter.load(MAP, below);
  code.moveImmediate(MAP_SIZE, size);
  emitter.load(EXE, descriptor(exe, context));
  emitGo([MAP, MAP_SIZE, EXE], emitter);
}

/** To the last instructions, with all registers zero but those for them. */
function emitGo(used: readonly Register[], emitter: Emitter): void {
  const { code, machine } = emitter;
  const [address, size] = machine.parameters;
  emitter.load(size, { data: DATA.settings + SETTINGS.fileSize, plus: 2n * PAGE_SIZE });
  code.moveImmediate(address, emitter.dataAddress);
  code.load(REG.r11, emitter.data(DATA.exit));
  for (const register of machine.zeroAtEntry) if (!used.includes(register)) code.moveImmediate(register, 0n);
  code.moveImmediate(REG.ax, BigInt(machine.systemCalls.munmap));
  code.jumpRegister(REG.r11);
}

/**
 * Unmaps the stub, sets the fields with the exe file or, if that is refused even now, without, closes that file,
 * clears the map and the registers, and pops flags and entry point. Position-independent.
 */
export function lastInstructions(machine: Machine): Uint8Array {
  const code = new X86(machine.bits, 0n);
  const call = (name: 'prctl' | 'close') => {
    code.moveImmediate(REG.ax, BigInt(machine.systemCalls[name]));
    code.systemCall();
  };
  const done = code.label();
  code.systemCall();
  code.moveImmediate(REG.di, PR_SET_MM);
  code.moveImmediate(REG.si, PR_SET_MM_MAP);
  call('prctl');
  code.test(REG.ax);
  code.jumpIf('equal', done);
  code.store32({ base: MAP, displacement: MM_MAP.exe_fd }, -1);
  call('prctl');
  code.place(done);
  code.move(REG.di, EXE);
  call('close');
  code.move(REG.di, MAP);
  code.moveImmediate(REG.cx, BigInt(MM_MAP.size));
  code.moveImmediate(REG.ax, 0n);
  code.repeatStoreBytes();
  for (const register of [MAP, MAP_SIZE, EXE, ...machine.dirtyAfterUnmap]) code.moveImmediate(register, 0n);
  code.popFlags();
  code.return();
  return code.finish();
}
