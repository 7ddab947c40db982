/** Room for a part whose place the kernel chooses: the program without an interpreter, or the interpreter. */
import type { Step } from '../plan/plan.ts';
import { PAGE_SIZE } from '../process/address-space.ts';
import { AT } from '../process/auxv.ts';
import { BASE_OFFSET } from './data-page.ts';
import { descriptor, failOnError, fileOffset, MAP, NO_FILE, type StepContext } from './step-context.ts';
import { vdsoSize, vdsoThatMaySwap } from './swap.ts';
import { emitMoveVdso, emitVdso, TARGET } from './vdso.ts';
import { REG } from './x86.ts';

type ReserveStep = Extract<Step, { op: 'reserve' }>;
type VdsoStep = Extract<Step, { op: 'vdso' }>;

/** Where the room found begins: where the vDSO moves to, if it makes way. */
const ROOM = TARGET;

export function emitReserve(step: ReserveStep, context: StepContext): void {
  const { emitter, plan } = context;
  const { code } = emitter;
  emitAsk(step, context);
  const vdso = vdsoThatMaySwap(plan);
  if (vdso !== undefined) emitSwap(step, vdso, context);
  code.load(REG.ax, emitter.data(ROOM));
  if (step.align > PAGE_SIZE) {
    code.moveImmediate(REG.cx, -step.align);
    code.and(REG.ax, REG.cx);
  }
  code.moveImmediate(REG.cx, step.start);
  code.subtract(REG.ax, REG.cx);
  code.store(emitter.data(BASE_OFFSET[step.base]), REG.ax);
}

/**
 * Finds room by asking for it as execve does, with the file, whose file system may have its own wishes (huge
 * pages), then gives it back: nothing else maps anything in between.
 */
function emitAsk({ file, size, what }: ReserveStep, context: StepContext): void {
  const { emitter } = context;
  const flags = BigInt(MAP.PRIVATE | MAP.NORESERVE | (file === undefined ? MAP.ANONYMOUS : 0));
  const fd = file === undefined ? NO_FILE : descriptor(file.index, context);
  const offset =
    file === undefined ? 0n : fileOffset(file.index, file.offset, context) / emitter.machine.mmapOffsetUnit;
  emitter.systemCall('mmap', 0n, size, 0n, flags, fd, offset);
  failOnError(context, `cannot find ${what} (${size} bytes)`);
  emitter.code.store(emitter.data(ROOM), REG.ax);
  emitter.systemCall('munmap', { data: ROOM }, size);
  failOnError(context, `cannot give back ${what}`);
}

/** If the room ends where the vDSO begins, both change places; else the vDSO steps aside and we ask again. */
function emitSwap(step: ReserveStep, vdso: VdsoStep, context: StepContext): void {
  const { emitter } = context;
  const { code } = emitter;
  const { pieces } = vdso;
  const [elsewhere, done] = [code.label(), code.label()];
  code.load(REG.ax, emitter.auxv(AT.SYSINFO_EHDR));
  emitter.load(REG.cx, { data: ROOM, plus: step.size - (pieces[0]?.offset ?? 0n) });
  code.compare(REG.ax, REG.cx);
  code.jumpIf('notEqual', elsewhere);
  emitMoveVdso(pieces, context, done);
  code.moveImmediate(REG.ax, vdsoSize(pieces));
  code.addTo(emitter.data(ROOM), REG.ax);
  code.jump(done);
  code.place(elsewhere);
  emitVdso(vdso, context);
  emitAsk(step, context);
  code.place(done);
}
