/**
 * Makes room for another file's name in a first stack that the kernel has made: all below it moves as far as execve would
 * have put it elsewhere (create_elf_tables in fs/binfmt_elf.c), or becomes what create_aout_tables made.
 */
import type { AdoptedStack } from '../process/adopted-stack.ts';
import { AT } from '../process/auxv.ts';
import { TOP_ZERO_BYTES } from '../process/stack-image.ts';
import { ADOPTED } from './data-page.ts';
import type { Emitter } from './emitter.ts';
import { emitStackArea } from './stack-area.ts';
import type { StepContext } from './step-context.ts';
import { REG } from './x86.ts';

/** arch_align_stack ends in this, and all below the strings keeps its distance from a multiple of it. */
const STACK_ALIGN = 16;

/** Moves strings and words, and makes the pointers among them point to where they are then. */
export function emitRearrange(stack: AdoptedStack, context: StepContext): void {
  const { emitter } = context;
  const { code } = emitter;
  emitShifts(stack, emitter);
  const [down, moved] = [code.label(), code.label()];
  const words = stack.layout === 'sysv' ? emitMoveWords : emitMoveArrays;
  code.load(REG.ax, emitter.data(ADOPTED.delta));
  code.shiftRight(REG.ax, emitter.machine.bits - 1);
  code.test(REG.ax);
  code.jumpIf('notEqual', down);
  emitMoveStrings(emitter);
  emitClearLeftAbove(emitter);
  words(emitter);
  code.jump(moved);
  code.place(down);
  words(emitter);
  if (stack.layout === 'sysv') emitClearLeftBelow(emitter);
  emitMoveStrings(emitter);
  code.place(moved);
  if (stack.execfn === 'argv[0]') emitCopyName(emitter);
  else if (stack.execfn !== undefined) {
    const name = Buffer.concat([stack.execfn, Buffer.of(0)]);
    const at = { base: 'stack', offset: -TOP_ZERO_BYTES - BigInt(name.length) } as const;
    emitter.copyBytes(context.store(name), at, BigInt(name.length));
  }
  emitFixPointers(emitter);
  emitStackArea(emitter);
}

/** How far the strings move, and what keeps its distance from them only in steps of STACK_ALIGN. */
function emitShifts({ execfn }: AdoptedStack, emitter: Emitter): void {
  const { code } = emitter;
  if (execfn === undefined) {
    code.load(REG.ax, emitter.data(ADOPTED.arg_start));
    code.store(emitter.data(ADOPTED.newArgStart), REG.ax);
    return;
  }
  if (execfn === 'argv[0]') emitNameFromArgument(emitter);
  else emitter.load(REG.ax, { base: 'stack', offset: -TOP_ZERO_BYTES - BigInt(execfn.length + 1) });
  code.load(REG.cx, emitter.data(ADOPTED.env_end));
  code.subtract(REG.ax, REG.cx);
  code.store(emitter.data(ADOPTED.delta), REG.ax);
  code.load(REG.cx, emitter.data(ADOPTED.arg_start));
  code.add(REG.ax, REG.cx);
  code.store(emitter.data(ADOPTED.newArgStart), REG.ax);
  code.andImmediate(REG.ax, -STACK_ALIGN);
  code.andImmediate(REG.cx, -STACK_ALIGN);
  code.subtract(REG.ax, REG.cx);
  code.store(emitter.data(ADOPTED.shift), REG.ax);
}

/** The place of a file's name that is the first argument, in ax: the next string shows where that ends. */
function emitNameFromArgument(emitter: Emitter): void {
  const { code, wordSize } = emitter;
  const known = code.label();
  code.load(REG.cx, emitter.data(ADOPTED.argv));
  code.load(REG.cx, { base: REG.cx, displacement: wordSize });
  code.test(REG.cx);
  code.jumpIf('notEqual', known);
  code.load(REG.cx, emitter.data(ADOPTED.env_start));
  code.place(known);
  code.load(REG.dx, emitter.data(ADOPTED.arg_start));
  code.subtract(REG.cx, REG.dx);
  code.store(emitter.data(ADOPTED.nameSize), REG.cx);
  emitter.load(REG.ax, { base: 'stack', offset: -TOP_ZERO_BYTES });
  code.subtract(REG.ax, REG.cx);
}

function emitCopyName(emitter: Emitter): void {
  const { code } = emitter;
  code.load(REG.si, emitter.data(ADOPTED.arg_start));
  code.load(REG.di, emitter.data(ADOPTED.env_end));
  code.load(REG.cx, emitter.data(ADOPTED.nameSize));
  code.repeatMoveBytes();
}

/** Arguments and environment, up to the file's name. */
function emitMoveStrings(emitter: Emitter): void {
  const { code } = emitter;
  code.load(REG.si, emitter.data(ADOPTED.arg_start));
  code.load(REG.cx, emitter.data(ADOPTED.env_end));
  code.subtract(REG.cx, REG.si);
  code.load(REG.di, emitter.data(ADOPTED.delta));
  code.add(REG.di, REG.si);
  emitMove(emitter);
  for (const name of ['arg_start', 'env_start', 'env_end'] as const) emitAddTo(emitter, name, 'delta');
  code.load(REG.ax, emitter.data(ADOPTED.env_end));
  code.store(emitter.auxv(AT.EXECFN), REG.ax);
}

/** All words, and the strings that go with them (AT_RANDOM, AT_PLATFORM), which end at a multiple of STACK_ALIGN. */
function emitMoveWords(emitter: Emitter): void {
  const { code } = emitter;
  code.load(REG.si, emitter.data(ADOPTED.sp));
  code.load(REG.cx, emitter.auxv(AT.PLATFORM));
  code.addImmediate(REG.cx, STACK_ALIGN - 1);
  code.andImmediate(REG.cx, -STACK_ALIGN);
  code.subtract(REG.cx, REG.si);
  code.load(REG.di, emitter.data(ADOPTED.shift));
  code.add(REG.di, REG.si);
  emitMove(emitter);
  for (const name of ['sp', 'argv', 'envp', 'auxv', 'auxvEnd'] as const) emitAddTo(emitter, name, 'shift');
  code.load(REG.ax, emitter.data(ADOPTED.shift));
  for (const type of [AT.RANDOM, AT.PLATFORM]) code.addTo(emitter.auxv(type), REG.ax);
}

/** Between words and strings there is nothing but zeros: what the strings have left that have moved up. */
function emitClearLeftAbove(emitter: Emitter): void {
  const { code } = emitter;
  code.load(REG.cx, emitter.data(ADOPTED.delta));
  code.load(REG.di, emitter.data(ADOPTED.arg_start));
  code.subtract(REG.di, REG.cx);
  emitClear(emitter);
}

/** What the words have left that have moved down; the strings follow them. */
function emitClearLeftBelow(emitter: Emitter): void {
  const { code } = emitter;
  code.load(REG.di, emitter.auxv(AT.PLATFORM));
  code.addImmediate(REG.di, STACK_ALIGN - 1);
  code.andImmediate(REG.di, -STACK_ALIGN);
  code.load(REG.ax, emitter.data(ADOPTED.shift));
  code.moveImmediate(REG.cx, 0n);
  code.subtract(REG.cx, REG.ax);
  emitClear(emitter);
}

/** cx bytes from di on. */
function emitClear({ code }: Emitter): void {
  code.moveImmediate(REG.ax, 0n);
  code.repeatStoreBytes();
}

/** argc, the addresses of argv and envp, and both arrays, right below the strings. */
function emitMoveArrays(emitter: Emitter): void {
  const { code, wordSize } = emitter;
  code.load(REG.bx, emitter.data(ADOPTED.sp));
  code.load(REG.bx, { base: REG.bx, displacement: 0 });
  code.load(REG.si, emitter.data(ADOPTED.argv));
  code.load(REG.cx, emitter.data(ADOPTED.auxv));
  code.subtract(REG.cx, REG.si);
  code.load(REG.di, emitter.data(ADOPTED.newArgStart));
  code.andImmediate(REG.di, -wordSize);
  code.subtract(REG.di, REG.cx);
  code.move(REG.ax, REG.di);
  code.subtract(REG.ax, REG.si);
  code.store(emitter.data(ADOPTED.shift), REG.ax);
  emitMove(emitter);
  code.load(REG.cx, emitter.data(ADOPTED.newArgStart));
  code.move(REG.di, REG.cx);
  code.andImmediate(REG.di, -wordSize);
  code.subtract(REG.cx, REG.di);
  emitClear(emitter);
  for (const name of ['argv', 'envp'] as const) emitAddTo(emitter, name, 'shift');
  code.load(REG.di, emitter.data(ADOPTED.argv));
  code.load(REG.ax, emitter.data(ADOPTED.envp));
  code.store({ base: REG.di, displacement: -wordSize }, REG.ax);
  code.store({ base: REG.di, displacement: -2 * wordSize }, REG.di);
  code.store({ base: REG.di, displacement: -3 * wordSize }, REG.bx);
  code.addImmediate(REG.di, -3 * wordSize);
  code.store(emitter.data(ADOPTED.sp), REG.di);
}

/** cx bytes from si to di, which may overlap. */
function emitMove({ code }: Emitter): void {
  const [forward, done] = [code.label(), code.label()];
  code.compare(REG.di, REG.si);
  code.jumpIf('belowOrEqual', forward);
  for (const register of [REG.si, REG.di]) {
    code.add(register, REG.cx);
    code.addImmediate(register, -1);
  }
  code.stringsDown();
  code.repeatMoveBytes();
  code.stringsUp();
  code.jump(done);
  code.place(forward);
  code.repeatMoveBytes();
  code.place(done);
}

/** Pointers to strings, in both arrays. */
function emitFixPointers(emitter: Emitter): void {
  const { code, wordSize } = emitter;
  code.load(REG.dx, emitter.data(ADOPTED.delta));
  for (const array of ['argv', 'envp'] as const) {
    const [next, end] = [code.label(), code.label()];
    code.load(REG.di, emitter.data(ADOPTED[array]));
    code.place(next);
    code.load(REG.ax, { base: REG.di, displacement: 0 });
    code.test(REG.ax);
    code.jumpIf('equal', end);
    code.addTo({ base: REG.di, displacement: 0 }, REG.dx);
    code.addImmediate(REG.di, wordSize);
    code.jump(next);
    code.place(end);
  }
}

function emitAddTo(emitter: Emitter, name: keyof typeof ADOPTED, what: 'delta' | 'shift'): void {
  emitter.code.load(REG.ax, emitter.data(ADOPTED[what]));
  emitter.code.addTo(emitter.data(ADOPTED[name]), REG.ax);
}
