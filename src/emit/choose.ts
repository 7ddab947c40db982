/** The choices that need randomness, made when the stub runs. */
import type { AnyPlan, Step } from '../plan/plan.ts';
import { ADDRESS_SPACES } from '../process/address-space.ts';
import { AT } from '../process/auxv.ts';
import { ADOPTED, BASE_OFFSET, DATA } from './data-page.ts';
import type { Emitter } from './emitter.ts';
import { REG } from './x86.ts';

type ChooseStep = Extract<Step, { op: 'choose' }>;

/** include/uapi/linux/random.h: early in a boot nobody waits. */
const GRND_NONBLOCK = 1n;
const RANDOM_SIZE = 16n;
const PAGE_SHIFT = 12;

/**
 * Gets random bytes, if the plan chooses anything; zeros where addresses are not to be randomised: then the kernel has put
 * the end of the stack at the end of the address space (randomize_stack_top in fs/binfmt_elf.c).
 */
export function emitRandomness(plan: AnyPlan, emitter: Emitter): void {
  if (!plan.steps.some(({ op }) => op === 'choose')) return;
  const { code } = emitter;
  const done = code.label();
  const random = emitter.dataPlace(ADOPTED.random);
  code.load(REG.ax, emitter.data(DATA.stack));
  code.moveImmediate(REG.cx, ADDRESS_SPACES[plan.arch].taskSize);
  code.compare(REG.ax, REG.cx);
  code.jumpIf('equal', done);
  emitter.systemCall('getrandom', random, RANDOM_SIZE, GRND_NONBLOCK);
  emitter.jumpUnlessError(done);
  // Too early, or forbidden: the bytes that the kernel has for the program's own use.
  emitter.copyBytes({ data: emitter.auxvOffset(AT.RANDOM) }, random, RANDOM_SIZE);
  code.place(done);
}

export function emitChoose({ base, from, pages, align, minus }: ChooseStep, emitter: Emitter): void {
  const { code } = emitter;
  emitter.load(REG.ax, from);
  if (pages > 1n) {
    code.load(REG.cx, emitter.data(ADOPTED.random + (base === 'heap' ? 8 : 0)));
    code.moveImmediate(REG.dx, pages - 1n);
    code.and(REG.cx, REG.dx);
    code.shiftLeft(REG.cx, PAGE_SHIFT);
    code.add(REG.ax, REG.cx);
  }
  code.moveImmediate(REG.cx, -align);
  code.and(REG.ax, REG.cx);
  code.moveImmediate(REG.cx, minus);
  code.subtract(REG.ax, REG.cx);
  code.store(emitter.data(BASE_OFFSET[base]), REG.ax);
}
