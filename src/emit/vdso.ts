/**
 * The vDSO's place. execve maps a program and its interpreter first and then lets the kernel find room for the
 * vDSO; when the stub runs, the vDSO is there already. So it steps aside while the program is mapped, and then
 * goes where the kernel finds room for something of its size. A kernel that has sealed its mappings refuses, and
 * then it stays where it was. So it does where the kernel put it above the stack, as Linux 6.1 does under
 * randomisation: there it is in nobody's way.
 */
import type { Step } from '../plan/plan.ts';
import { AT } from '../process/auxv.ts';
import type { VdsoPiece } from '../process/host.ts';
import { DATA } from './data-page.ts';
import { failOnError, MAP, NO_FILE, type StepContext } from './step-context.ts';
import { vdsoSize } from './swap.ts';
import { type Label, REG } from './x86.ts';

type VdsoStep = Extract<Step, { op: 'vdso' }>;

/** MREMAP_MAYMOVE and MREMAP_FIXED, include/uapi/linux/mman.h. */
const MREMAP_TO = 3n;
/** Where the pieces go: the address of the lowest. */
export const TARGET = DATA.scratch;

export function emitVdso(step: VdsoStep, context: StepContext): void {
  const { emitter } = context;
  const { code } = emitter;
  const { pieces } = step;
  const ehdr = emitter.auxvOffset(AT.SYSINFO_EHDR);
  const first = pieces[0]?.offset ?? 0n;
  const stay = code.label();
  if (step.go === 'aside') {
    code.load(REG.ax, emitter.data(ehdr));
    code.load(REG.cx, emitter.data(DATA.stack));
    code.compare(REG.ax, REG.cx);
    code.jumpIf('aboveOrEqual', stay);
    code.moveImmediate(REG.ax, step.aside);
    code.store(emitter.data(TARGET), REG.ax);
  } else {
    emitter.load(REG.ax, { data: ehdr });
    code.moveImmediate(REG.cx, step.aside - first);
    code.compare(REG.ax, REG.cx);
    code.jumpIf('notEqual', stay);
    emitFindRoom(pieces, context);
  }
  emitMoveVdso(pieces, context, stay);
  code.place(stay);
}

function emitFindRoom(pieces: readonly VdsoPiece[], context: StepContext): void {
  const { emitter } = context;
  const flags = BigInt(MAP.PRIVATE | MAP.ANONYMOUS | MAP.NORESERVE);
  emitter.systemCall('mmap', 0n, vdsoSize(pieces), 0n, flags, NO_FILE, 0n);
  failOnError(context, 'cannot find room for the vDSO');
  emitter.code.store(emitter.data(TARGET), REG.ax);
}

/**
 * Moves every piece to TARGET; the code of the vDSO goes first. Where it may not move, or has another size than this
 * process's vDSO had, nothing has moved yet, and `stay` is next.
 */
export function emitMoveVdso(pieces: readonly VdsoPiece[], context: StepContext, stay: Label): void {
  const { emitter } = context;
  const { code } = emitter;
  const first = pieces[0]?.offset ?? 0n;
  const ehdr = emitter.auxvOffset(AT.SYSINFO_EHDR);
  const [vdso, ...data] = [...pieces].reverse();
  for (const piece of vdso === undefined ? [] : [vdso, ...data]) {
    const from = { data: ehdr, plus: piece.offset };
    const to = { data: TARGET, plus: piece.offset - first };
    emitter.systemCall('mremap', from, piece.size, piece.size, MREMAP_TO, to);
    if (piece === vdso) {
      emitter.jumpOnError(stay);
    } else {
      failOnError(context, 'cannot move the vDSO');
    }
  }
  emitter.load(REG.cx, { data: TARGET, plus: -first });
  code.load(REG.ax, emitter.data(ehdr));
  code.store(emitter.data(ehdr), REG.cx);
  // AT_SYSINFO of 32-bit processes points into the vDSO as well.
  code.subtract(REG.cx, REG.ax);
  code.addTo(emitter.auxv(AT.SYSINFO), REG.cx);
}
