/**
 * The stack area of strings that have moved: setup_arg_pages in fs/exec.c makes it as large as they ask for. What the
 * kernel made for the stub differs by whole pages, if at all.
 */
import { PAGE_SIZE } from '../process/address-space.ts';
import { STACK_EXPAND } from '../process/stack-image.ts';
import { ADOPTED, DATA } from './data-page.ts';
import type { Emitter } from './emitter.ts';
import { REG } from './x86.ts';

/** include/uapi/asm-generic/resource.h */
const RLIMIT_STACK = 3n;

/** Where the area begins for strings from here on, without a limit. */
function emitWanted({ code }: Emitter): void {
  code.andImmediate(REG.ax, -Number(PAGE_SIZE));
  code.addImmediate(REG.ax, -Number(STACK_EXPAND));
}

/** The stack pointer is still the stub's. */
export function emitStackArea(emitter: Emitter): void {
  const { code } = emitter;
  const [grow, done] = [code.label(), code.label()];
  code.load(REG.ax, emitter.data(ADOPTED.newArgStart));
  code.load(REG.cx, emitter.data(ADOPTED.delta));
  code.subtract(REG.ax, REG.cx);
  emitWanted(emitter);
  code.store(emitter.data(DATA.scratch), REG.ax);
  code.load(REG.ax, emitter.data(ADOPTED.newArgStart));
  emitWanted(emitter);
  code.store(emitter.data(DATA.scratch2), REG.ax);
  code.load(REG.cx, emitter.data(DATA.scratch));
  code.compare(REG.ax, REG.cx);
  code.jumpIf('equal', done);
  code.jumpIf('below', grow);

  // Nothing is there if a limit has kept the area smaller; where it has grown since, it stays as it is.
  code.compare(REG.sp, REG.ax);
  code.jumpIf('below', done);
  code.subtract(REG.ax, REG.cx);
  code.store(emitter.data(DATA.scratch2), REG.ax);
  emitter.systemCall('munmap', { data: DATA.scratch }, { data: DATA.scratch2 });
  code.jump(done);

  code.place(grow);
  emitGrow(emitter);
  code.place(done);
}

/** By touching its first page, which the limit must allow: beyond that is no stack but SIGSEGV. */
function emitGrow(emitter: Emitter): void {
  const { code, machine, wordSize } = emitter;
  const [touch, end] = [code.label(), code.label()];
  emitter.systemCall('prlimit64', 0n, RLIMIT_STACK, 0n, emitter.dataPlace(ADOPTED.stackLimit));
  emitter.jumpOnError(end);
  code.load(REG.ax, emitter.data(DATA.scratch2));
  if (machine.bits === 32) {
    code.load(REG.cx, emitter.data(ADOPTED.stackLimit + wordSize));
    code.test(REG.cx);
    code.jumpIf('notEqual', touch);
  }
  code.load(REG.cx, emitter.data(ADOPTED.stackLimit));
  code.andImmediate(REG.cx, -Number(PAGE_SIZE));
  code.load(REG.dx, emitter.data(DATA.stack));
  code.compare(REG.cx, REG.dx);
  code.jumpIf('aboveOrEqual', touch);
  code.subtract(REG.dx, REG.cx);
  code.compare(REG.ax, REG.dx);
  code.jumpIf('aboveOrEqual', touch);
  code.move(REG.ax, REG.dx);
  code.place(touch);
  // Old kernels grow the area only near the stack pointer.
  code.move(REG.bx, REG.sp);
  code.move(REG.sp, REG.ax);
  code.loadByte(REG.ax, { base: REG.sp, displacement: 0 });
  code.move(REG.sp, REG.bx);
  code.place(end);
}
