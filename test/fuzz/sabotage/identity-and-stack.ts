/** Broken bases, heaps, mm fields and first stacks. */
import { absolute } from '../../../src/process/place.ts';
import { DYNAMIC, field, type Sabotage, STATIC, stackByte, step, withPlan, withSteps } from './change.ts';

export const IDENTITY_AND_STACK: readonly Sabotage[] = [
  {
    rule: 'pie-base',
    how: 'below where PIEs go',
    of: DYNAMIC,
    change: (good) =>
      withSteps(
        good,
        good.plan.steps.map((each) =>
          'at' in each && each.at.base === 'absolute'
            ? { ...each, at: absolute(each.at.offset - 0x1000n) }
            : each,
        ),
      ),
  },
  {
    rule: 'pie-base',
    how: 'not as it is aligned',
    of: DYNAMIC,
    change: (good) => ({
      ...good,
      image: { ...good.image, placement: { kind: 'pie', align: 0x20_0000n } },
      plan: {
        ...good.plan,
        steps: good.plan.steps.map((each) =>
          'at' in each && each.at.base === 'absolute'
            ? { ...each, at: absolute(each.at.offset + 0x1000n) }
            : each,
        ),
      },
    }),
  },
  { rule: 'heap', how: 'inside the image', of: STATIC, change: field('start_brk', () => 0x401000n) },
  { rule: 'heap', how: 'behind user space', of: STATIC, change: field('brk', () => 1n << 47n) },
  {
    rule: 'heap',
    how: 'farther away than randomised',
    of: STATIC,
    change: field('start_brk', (now) => now + 0x1000n),
  },
  ...(['end_code', 'end_data', 'brk', 'arg_end', 'env_end'] as const).map(
    (name): Sabotage => ({
      rule: 'mm-order',
      how: `a low ${name}`,
      of: STATIC,
      change: field(name, (now) => now - 0x10_0000n),
    }),
  ),
  {
    rule: 'mm-order',
    how: 'code of no bytes',
    of: STATIC,
    change: (good) => field('end_code', () => good.image.code.start)(good),
  },
  { rule: 'mm-range', how: 'below the minimum', of: STATIC, change: field('start_code', () => 0xffffn) },
  {
    rule: 'mm-range',
    how: 'at TASK_SIZE',
    of: STATIC,
    change: field('end_code', () => (1n << 47n) - 0x1000n),
  },
  { rule: 'mm-range', how: 'above the stack', of: STATIC, change: field('env_end', () => 8n) },
  {
    rule: 'stack-size',
    how: 'a small limit',
    of: STATIC,
    change: (good) => ({
      ...good,
      host: { ...good.host, stackLimit: 0n },
      plan: { ...good.plan, stack: { ...good.plan.stack, sp: -0x1000n } },
    }),
  },
  {
    rule: 'stack-pointer',
    how: 'another than the stack’s',
    of: STATIC,
    change: step('jump', ({ sp }) => ({ sp: { ...sp, offset: sp.offset + 16n } })),
  },
  {
    rule: 'stack-pointer',
    how: 'not aligned',
    of: STATIC,
    change: (good) => withPlan(good, { stack: { ...good.plan.stack, sp: good.plan.stack.sp - 8n } }),
  },
  { rule: 'stack-words', how: 'another argc', of: STATIC, change: stackByte(() => 0) },
  {
    rule: 'stack-words',
    how: 'another argument',
    of: STATIC,
    change: stackByte(({ plan }) => Number(plan.stack.arg.start - plan.stack.sp)),
  },
  {
    rule: 'stack-words',
    how: 'an argument without its NUL',
    of: STATIC,
    change: stackByte(({ plan }) => Number(plan.stack.arg.end - plan.stack.sp) - 1),
  },
  {
    rule: 'stack-words',
    how: 'another type in the auxv',
    of: STATIC,
    change: stackByte(({ plan }) => Number(plan.stack.auxv.start - plan.stack.sp)),
  },
  {
    rule: 'stack-words',
    how: 'another argc of an a.out program',
    of: 'aout-qmagic',
    change: stackByte(() => 0),
  },
  {
    rule: 'stack-pointers',
    how: 'past the end',
    of: STATIC,
    change: (good) =>
      withPlan(good, {
        stack: { ...good.plan.stack, pointers: [{ offset: 0, count: 10_000, base: 'stack' }] },
      }),
  },
  {
    rule: 'stack-pointers',
    how: 'inside a word',
    of: STATIC,
    change: (good) =>
      withPlan(good, { stack: { ...good.plan.stack, kernelAuxv: [{ offset: 4, type: 33 }] } }),
  },
];
