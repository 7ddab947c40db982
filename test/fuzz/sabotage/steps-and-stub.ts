/** Broken orders of steps, indices of what is not there, and stubs in bad places or of bad bytes. */
import {
  again,
  type Sabotage,
  STATIC,
  step,
  stubByte,
  without,
  withPayloads,
  withPlan,
  withSteps,
} from './change.ts';

export const STEPS_AND_STUB: readonly Sabotage[] = [
  { rule: 'step-order', how: 'no stack', of: STATIC, change: without('stack') },
  { rule: 'step-order', how: 'a file stays open', of: STATIC, change: without('close') },
  { rule: 'step-order', how: 'two jumps', of: STATIC, change: again('jump') },
  {
    rule: 'step-count',
    how: 'a page is protected over and over',
    of: STATIC,
    change: (good) => {
      const [first, ...rest] = good.plan.steps;
      return withSteps(
        good,
        first === undefined ? [] : [...Array.from({ length: 100 }, () => first), ...rest],
      );
    },
  },
  {
    rule: 'known-file',
    how: 'a file that is not there',
    of: STATIC,
    change: step('mmap', () => ({ file: { index: 7, offset: 0n } })),
  },
  { rule: 'known-file', how: 'an exe that is not there', of: STATIC, change: step('mm', () => ({ exe: 7 })) },
  {
    rule: 'known-file',
    how: 'a vault behind other files',
    of: `${STATIC}, memory`,
    change: (good) =>
      withPlan(good, { files: [{ fd: 3, path: Buffer.from('other'), offset: 0 }, ...good.plan.files] }),
  },
  {
    rule: 'stub-place',
    how: 'inside a page',
    of: STATIC,
    change: (good) => withPlan(good, { stub: good.plan.stub + 8n }),
  },
  {
    rule: 'stub-place',
    how: 'at the end of user space',
    of: STATIC,
    change: (good) => withPlan(good, { stub: 0x7fff_ffff_d000n }),
  },
  {
    rule: 'stub-quiet',
    how: 'where the stack is',
    of: STATIC,
    change: (good) => withPlan(good, { stub: 0x7fff_ffd0_0000n }),
  },
  {
    rule: 'stub-quiet',
    how: 'where mmap begins under an unlimited stack',
    of: STATIC,
    change: (good) => ({
      ...withPlan(good, { stub: 0x1500_0000_0000n }),
      host: { ...good.host, stackLimit: (1n << 64n) - 1n, randomizeVaSpace: 2 },
    }),
  },
  {
    rule: 'stub-size',
    how: 'one that is larger than its room',
    of: 'elf32-static',
    change: (good) => ({ ...good, stub: Buffer.concat([good.stub, Buffer.alloc(0x1000_0000)]) }),
  },
  { rule: 'stub-elf', how: 'another magic', of: STATIC, change: stubByte(0, 0) },
  { rule: 'stub-elf', how: 'an entry point elsewhere', of: STATIC, change: stubByte(24 + 7, 0x7f) },
  { rule: 'stub-elf', how: 'a table past the end', of: STATIC, change: stubByte(32 + 6, 1) },
  { rule: 'stub-elf', how: 'an executable stack', of: STATIC, change: stubByte(64 + 2 * 56 + 4, 7) },
  {
    rule: 'stub-elf',
    how: 'bytes that no segment has',
    of: STATIC,
    change: (good) => ({ ...good, stub: Buffer.concat([good.stub, Buffer.of(0)]) }),
  },
  { rule: 'stub-protection', how: 'writable code', of: STATIC, change: stubByte(64 + 4, 7) },
  {
    rule: 'carried-once',
    how: 'every payload again and again',
    of: `${STATIC}, memory`,
    change: (good) => withPayloads(good, (payloads) => Array.from({ length: 20 }, () => payloads).flat()),
  },
  {
    rule: 'secrecy',
    how: 'in a process that is open',
    of: `${STATIC}, secret`,
    change: without('seclude'),
  },
  {
    rule: 'secrecy',
    how: 'closed too late',
    of: `${STATIC}, secret`,
    change: (good) => {
      const [first, second, ...rest] = good.plan.steps;
      return withSteps(good, first && second ? [second, first, ...rest] : []);
    },
  },
  { rule: 'secrecy', how: 'pages that a core has', of: `${STATIC}, secret`, change: without('hide') },
  {
    rule: 'secrecy',
    how: 'half of the pages',
    of: `${STATIC}, secret`,
    change: step('hide', ({ at }) => ({ at: { ...at, offset: at.offset + 0x1000n } })),
  },
  {
    rule: 'secrecy',
    how: 'a page that is mapped from the vault',
    of: `${STATIC}, secret`,
    change: step('mmap', () => ({ file: { index: 0, offset: 0n } })),
  },
  {
    rule: 'secrecy',
    how: 'a process closed for nothing',
    of: STATIC,
    change: (good) => withSteps(good, [{ op: 'seclude' }, ...good.plan.steps]),
  },
  {
    rule: 'discard',
    how: 'before it was read',
    of: `${STATIC}, secret`,
    change: (good) =>
      withSteps(good, [...good.plan.steps.filter(({ op }) => op === 'discard'), ...good.plan.steps]),
  },
  {
    rule: 'discard',
    how: 'more than was read',
    of: `${STATIC}, secret`,
    change: step('discard', ({ size }) => ({ size: size + 0x1000n })),
  },
  {
    rule: 'discard',
    how: 'from a vault that is sealed',
    of: `${STATIC}, memory`,
    change: (good) =>
      withSteps(good, [...good.plan.steps, { op: 'discard', file: 0, offset: 0n, size: 0x1000n }]),
  },
];
