/** Room for a part whose place the kernel chooses: the program without an interpreter, or the interpreter. */
import type { Step } from '../plan/plan.ts';
import { PAGE_SIZE } from '../process/address-space.ts';
import { BASE_OFFSET, DATA } from './data-page.ts';
import { descriptor, failOnError, MAP, NO_FILE, type StepContext } from './step-context.ts';
import { REG } from './x86.ts';

type ReserveStep = Extract<Step, { op: 'reserve' }>;

/** Where the room found begins. */
const ROOM = DATA.scratch;

/**
 * Finds room by asking for it as execve does, with the file, whose file system may have its own wishes (huge
 * pages), then gives it back: nothing else maps anything in between.
 */
export function emitReserve(step: ReserveStep, context: StepContext): void {
  const { emitter } = context;
  const { code, machine } = emitter;
  const { file, size } = step;
  const flags = BigInt(MAP.PRIVATE | MAP.NORESERVE | (file === undefined ? MAP.ANONYMOUS : 0));
  const fd = file === undefined ? NO_FILE : BigInt(descriptor(file.index, context));
  const offset = (file?.offset ?? 0n) / machine.mmapOffsetUnit;
  emitter.systemCall('mmap', 0n, size, 0n, flags, fd, offset);
  failOnError(context, `cannot find ${step.what} (${size} bytes)`);
  code.store(emitter.data(ROOM), REG.ax);
  emitter.systemCall('munmap', { data: ROOM }, size);
  failOnError(context, `cannot give back ${step.what}`);
  code.load(REG.ax, emitter.data(ROOM));
  if (step.align > PAGE_SIZE) {
    code.moveImmediate(REG.cx, -step.align);
    code.and(REG.ax, REG.cx);
  }
  code.moveImmediate(REG.cx, step.start);
  code.subtract(REG.ax, REG.cx);
  code.store(emitter.data(BASE_OFFSET[step.base]), REG.ax);
}
