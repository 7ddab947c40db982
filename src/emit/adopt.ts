/**
 * The first stack that the kernel has made for the stub becomes the program's: the file's name may become another, so all
 * below it moves, and auxv entries get the program's values. process/adopted-stack.ts says what differs; a.out programs
 * get the words that create_aout_tables made, from the same strings.
 */
import type { AdoptedStack } from '../process/adopted-stack.ts';
import { AT, AUXV_TABLE_SIZE } from '../process/auxv.ts';
import { ADOPTED, DATA } from './data-page.ts';
import type { Emitter } from './emitter.ts';
import { emitRearrange } from './rearrange.ts';
import type { StepContext } from './step-context.ts';
import { REG, type Register } from './x86.ts';

/** Notes where things are in the first stack; leaves si at the auxv. */
export function emitFindStack(emitter: Emitter): void {
  const { code, wordSize } = emitter;
  code.move(REG.si, REG.sp);
  code.store(emitter.data(ADOPTED.sp), REG.sp);
  code.addImmediate(REG.si, wordSize);
  code.store(emitter.data(ADOPTED.argv), REG.si);
  emitPassArray(emitter, REG.si);
  code.store(emitter.data(ADOPTED.envp), REG.si);
  emitPassArray(emitter, REG.si);
  code.store(emitter.data(ADOPTED.auxv), REG.si);
}

/** When the auxv is in its table and si behind its last entry's type: where the strings are. */
export function emitFindStrings(emitter: Emitter): void {
  const { code, wordSize } = emitter;
  code.addImmediate(REG.si, 2 * wordSize);
  code.store(emitter.data(ADOPTED.auxvEnd), REG.si);
  code.load(REG.ax, emitter.auxv(AT.EXECFN));
  code.store(emitter.data(ADOPTED.env_end), REG.ax);
  for (const [array, start] of [
    ['envp', 'env_start'],
    ['argv', 'arg_start'],
  ] as const) {
    const none = code.label();
    code.load(REG.cx, emitter.data(ADOPTED[array]));
    code.load(REG.cx, { base: REG.cx, displacement: 0 });
    code.test(REG.cx);
    code.jumpIf('equal', none);
    code.move(REG.ax, REG.cx);
    code.place(none);
    code.store(emitter.data(ADOPTED[start]), REG.ax);
  }
}

/** Leaves `register` behind the zero that ends an array of pointers; changes ax. */
function emitPassArray({ code, wordSize }: Emitter, register: Register): void {
  const next = code.label();
  code.place(next);
  code.load(REG.ax, { base: register, displacement: 0 });
  code.addImmediate(register, wordSize);
  code.test(REG.ax);
  code.jumpIf('notEqual', next);
}

/** The step `stack` of a reusable plan. */
export function emitAdopt(stack: AdoptedStack, context: StepContext): void {
  const { emitter } = context;
  const { code } = emitter;
  if (stack.execfn !== undefined || stack.layout === 'aout') emitRearrange(stack, context);
  for (const { type, value } of stack.auxv) {
    emitter.load(REG.ax, value);
    code.store(emitter.auxv(type), REG.ax);
  }
  if (stack.layout === 'sysv') emitWriteAuxv(emitter);
  code.load(REG.sp, emitter.data(ADOPTED.sp));
}

/** From the table back to the stack. */
function emitWriteAuxv(emitter: Emitter): void {
  const { code, wordSize } = emitter;
  code.load(REG.si, emitter.data(ADOPTED.auxv));
  emitForEachAuxv(emitter, () => {
    code.shiftLeft(REG.ax, Math.log2(wordSize));
    code.moveImmediate(REG.cx, emitter.dataPlace(DATA.auxv));
    code.add(REG.ax, REG.cx);
    code.load(REG.dx, { base: REG.ax, displacement: 0 });
    code.store({ base: REG.si, displacement: wordSize }, REG.dx);
  });
}

/** Fills the table from the entries from si on; leaves si at AT_NULL. */
export function emitReadAuxv(emitter: Emitter): void {
  const { code, wordSize } = emitter;
  emitForEachAuxv(emitter, () => {
    code.load(REG.dx, { base: REG.si, displacement: wordSize });
    code.storeIndexed(emitter.data(DATA.auxv), REG.ax, REG.dx);
  });
}

/**
 * For each entry from si on that has a place in the table, with its type in ax, which `body` may change but not si. Leaves
 * si at AT_NULL.
 */
function emitForEachAuxv({ code, wordSize }: Emitter, body: () => void): void {
  const [next, skip, done] = [code.label(), code.label(), code.label()];
  code.place(next);
  code.load(REG.ax, { base: REG.si, displacement: 0 });
  code.test(REG.ax);
  code.jumpIf('equal', done);
  code.compareImmediate(REG.ax, AUXV_TABLE_SIZE);
  code.jumpIf('aboveOrEqual', skip);
  body();
  code.place(skip);
  code.addImmediate(REG.si, 2 * wordSize);
  code.jump(next);
  code.place(done);
}
