/**
 * Room for a part whose place the kernel chooses. The kernel maps a program before the vDSO, which then
 * comes to lie below; when the stub runs, the vDSO is there already. So where it lies right above the room
 * found, the two change places, and everything is where execve would have put it.
 */
import type { Step } from '../plan/plan.ts';
import { PAGE_SIZE } from '../process/address-space.ts';
import { AT } from '../process/auxv.ts';
import { BASE_OFFSET, DATA } from './data-page.ts';
import { failOnError, MAP, NO_FILE, type StepContext } from './step-context.ts';
import { type Label, REG } from './x86.ts';

type ReserveStep = Extract<Step, { op: 'reserve' }>;

/** MREMAP_MAYMOVE and MREMAP_FIXED, include/uapi/linux/mman.h. */
const MREMAP_TO = 3n;
/** Where the room found begins. */
const ROOM = DATA.scratch;

/** Finds room by asking for it, then gives it back: nothing else maps anything in between. */
export function emitReserve(step: ReserveStep, context: StepContext): void {
  const { emitter } = context;
  const { code } = emitter;
  const align = step.align > PAGE_SIZE ? step.align : 0n;
  const size = step.size + align;
  const flags = BigInt(MAP.PRIVATE | MAP.ANONYMOUS | MAP.NORESERVE);
  emitter.systemCall('mmap', 0n, size, 0n, flags, NO_FILE, 0n);
  failOnError(context, `cannot find ${step.what} (${step.size} bytes)`);
  code.store(emitter.data(ROOM), REG.ax);
  emitter.systemCall('munmap', { data: ROOM }, size);
  failOnError(context, `cannot give back ${step.what}`);
  if (step.vdso.length > 0) emitChangePlaces(step, context);
  code.load(REG.ax, emitter.data(ROOM));
  if (align > 0n) {
    code.moveImmediate(REG.cx, align - 1n);
    code.add(REG.ax, REG.cx);
    code.moveImmediate(REG.cx, -align);
    code.and(REG.ax, REG.cx);
  }
  code.moveImmediate(REG.cx, step.start);
  code.subtract(REG.ax, REG.cx);
  code.store(emitter.data(BASE_OFFSET[step.base]), REG.ax);
}

/** Moves the vDSO down to where the room began, and the room up by as much as the vDSO takes. */
function emitChangePlaces(step: ReserveStep, context: StepContext): void {
  const { emitter } = context;
  const { code } = emitter;
  const first = step.vdso[0]?.offset ?? 0n;
  const total = step.vdso.reduce((sum, { size }) => sum + size, 0n);
  const ehdr = emitter.auxvOffset(AT.SYSINFO_EHDR);
  const stay = code.label();

  emitter.load(REG.ax, { data: ehdr, plus: first - step.size });
  emitter.load(REG.cx, { data: ROOM });
  code.compare(REG.ax, REG.cx);
  code.jumpIf('notEqual', stay);
  if (step.size >= total) {
    emitMove(step, context, { data: ehdr, plus: 0n }, { data: ROOM, plus: -first }, stay);
  } else {
    // mremap wants old and new apart, so a short way takes two steps.
    const below = { data: ROOM, plus: -first - total };
    emitMove(step, context, { data: ehdr, plus: 0n }, below, stay);
    emitMove(step, context, below, { data: ROOM, plus: -first }, undefined);
  }
  for (const type of [AT.SYSINFO_EHDR, AT.SYSINFO]) {
    emitter.load(REG.ax, { data: emitter.auxvOffset(type), plus: -step.size });
    code.store(emitter.auxv(type), REG.ax);
  }
  emitter.load(REG.ax, { data: ROOM, plus: total });
  code.store(emitter.data(ROOM), REG.ax);
  code.place(stay);
}

interface VdsoStart {
  readonly data: number;
  readonly plus: bigint;
}

/**
 * Moves every piece; `from` and `to` are where [vdso] begins. The vDSO itself goes first: a kernel that
 * has sealed its mappings, or has a vDSO of another size than planned, refuses, and all stays as it is.
 */
function emitMove(
  step: ReserveStep,
  context: StepContext,
  from: VdsoStart,
  to: VdsoStart,
  refused: Label | undefined,
): void {
  const { emitter } = context;
  const [vdso, ...others] = [...step.vdso].reverse();
  for (const piece of vdso === undefined ? [] : [vdso, ...others]) {
    const at = (start: VdsoStart) => ({ data: start.data, plus: start.plus + piece.offset });
    emitter.systemCall('mremap', at(from), piece.size, piece.size, MREMAP_TO, at(to));
    if (piece === vdso && refused !== undefined) {
      emitter.compareWithErrors();
      emitter.code.jumpIf('above', refused);
    } else {
      failOnError(context, 'cannot move the vDSO');
    }
  }
}
