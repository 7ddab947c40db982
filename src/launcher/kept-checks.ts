/** Whether what Node has kept is whole, and of this build, this program and this kernel (start-file.ts). */
import { type Label, REG } from '../emit/x86.ts';
import type { LauncherContext } from './context.ts';
import { address, memory } from './data.ts';
import { madeBy, TRAILER, UTS_RELEASE } from './start-file.ts';
import { SYS } from './system-calls.ts';

const WORD = 8;
/** struct stat, arch/x86/include/uapi/asm/stat.h */
export const STAT = {
  st_dev: 0,
  st_ino: 8,
  st_nlink: 16,
  st_mode: 24,
  st_uid: 28,
  st_size: 48,
  st_mtim: 88,
  st_ctim: 104,
};

/** Of the kept start bx bytes are in `start`; what fstat said of the program is in `programStat`. */
export function emitCheckStart(context: LauncherContext, buildId: string, otherwise: Label): void {
  const { emitter, store } = context;
  const { code } = emitter;
  const trailer = REG.r14;
  code.moveImmediate(trailer, address(emitter, 'start') - BigInt(TRAILER.size));
  code.add(trailer, REG.bx);
  emitCompare(context, store(madeBy(buildId)), TRAILER.made, TRAILER.madeSize, otherwise);
  [
    STAT.st_dev,
    STAT.st_ino,
    STAT.st_size,
    STAT.st_mtim,
    STAT.st_mtim + WORD,
    STAT.st_ctim,
    STAT.st_ctim + WORD,
  ].forEach((field, index) => {
    code.load(REG.ax, memory(emitter, 'programStat', field));
    code.load(REG.cx, { base: trailer, displacement: TRAILER.identity + index * WORD });
    code.compare(REG.ax, REG.cx);
    code.jumpIf('notEqual', otherwise);
  });
  emitter.systemCallNumber(SYS.uname, address(emitter, 'kernel'));
  emitter.jumpOnError(otherwise);
  const release = address(emitter, 'kernel', 2 * UTS_RELEASE);
  emitCompare(context, release, TRAILER.kernel, TRAILER.kernelSize, otherwise);
  emitChecksum(context, otherwise);
}

/** The trailer is at r14. */
function emitCompare(
  { emitter }: LauncherContext,
  from: bigint,
  offset: number,
  size: number,
  otherwise: Label,
): void {
  const { code } = emitter;
  code.move(REG.si, REG.r14);
  code.addImmediate(REG.si, offset);
  code.moveImmediate(REG.di, from);
  code.moveImmediate(REG.cx, BigInt(size));
  code.repeatCompareBytes();
  code.jumpIf('notEqual', otherwise);
}

/** What power failures leave of files may have the right size. The start is a whole number of words, or it was never ours. */
function emitChecksum({ emitter }: LauncherContext, otherwise: Label): void {
  const { code } = emitter;
  const [at, end, sum, sums] = [REG.si, REG.di, REG.cx, REG.dx];
  const next = code.label();
  code.move(REG.ax, REG.bx);
  code.andImmediate(REG.ax, WORD - 1);
  code.test(REG.ax);
  code.jumpIf('notEqual', otherwise);
  code.moveImmediate(at, address(emitter, 'start'));
  code.move(end, REG.r14);
  code.addImmediate(end, TRAILER.checksum);
  code.moveImmediate(sum, 0n);
  code.moveImmediate(sums, 0n);
  code.place(next);
  code.addFrom(sum, { base: at, displacement: 0 });
  code.add(sums, sum);
  code.addImmediate(at, WORD);
  code.compare(at, end);
  code.jumpIf('notEqual', next);
  for (const [index, value] of [sum, sums].entries()) {
    code.load(REG.ax, { base: end, displacement: index * WORD });
    code.compare(REG.ax, value);
    code.jumpIf('notEqual', otherwise);
  }
}
