/** When the vDSO may wait for the room it makes way for: only where one move ends as two do. */
import { expect, test } from 'vitest';
import { vdsoThatMaySwap } from '../../src/emit/swap.ts';
import type { Step } from '../../src/plan/plan.ts';
import { handmade } from '../support/handmade.ts';
import { planOf } from '../support/plans.ts';
import { imageOf } from '../support/resolve.ts';

const VDSO = [
  { offset: -0x4000n, size: 0x4000n },
  { offset: 0n, size: 0x2000n },
];
const [SIZE, HUGE] = [0x1_0000n, 0x20_0000n];
const START = 0x3000n;

const aside: Step = { op: 'vdso', go: 'aside', aside: 0x100_0000_0000n, pieces: VDSO };
const reserve = (size = SIZE, align = 0x1000n): Step => ({
  op: 'reserve',
  base: 'interp',
  start: START,
  size,
  align,
  what: 'room',
});
const map = (base: 'absolute' | 'interp', offset: bigint, size: bigint): Step => ({
  op: 'mmap',
  at: { base, offset },
  size,
  protection: 'r--',
  replace: false,
  what: 'a segment',
});
const PROGRAM = map('absolute', 0x400000n, 0x1000n);
const whole = (size = SIZE) => [
  map('interp', START, 0x1000n),
  map('interp', START + 0x1000n, size - 0x1000n),
];

const cases: [string, boolean, Step[]][] = [
  ['an interpreter without holes', true, [aside, PROGRAM, reserve(), ...whole()]],
  ['no vDSO', false, [PROGRAM, reserve(), ...whole()]],
  ['two rooms', false, [aside, reserve(), ...whole(), reserve()]],
  ['an alignment of its own', false, [aside, reserve(SIZE, 0x2000n), ...whole()]],
  ['room of a huge page', false, [aside, reserve(HUGE), ...whole(HUGE)]],
  ['room of less than that', true, [aside, reserve(HUGE - 0x1000n), ...whole(HUGE - 0x1000n)]],
  ['room of the size of the vDSO', false, [aside, reserve(0x6000n), ...whole(0x6000n)]],
  ['a hole', false, [aside, reserve(), map('interp', START, 0x1000n), map('interp', 0x8000n, 0xb000n)]],
  ['a hole at the end', false, [aside, reserve(), map('interp', START, 0x1000n)]],
  [
    'a program where the vDSO may be',
    false,
    [aside, map('absolute', 0x7fff_0000_0000n, 0x1000n), reserve(), ...whole()],
  ],
  [
    'a PIE as far up as it may be',
    true,
    [aside, map('absolute', 0x6655_5555_0000n, 0x1000n), reserve(), ...whole()],
  ],
];

test.each(cases)('%s: %s', async (_, may, steps) => {
  const plan = { ...planOf(await imageOf(handmade('elf64-static'))), steps };
  expect(vdsoThatMaySwap(plan)).toBe(may ? aside : undefined);
});
