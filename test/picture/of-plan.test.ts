/** What a plan's picture is made of, against what the plan's steps say page by page. */
import { describe, expect, test } from 'vitest';
import { permissions } from '../../src/image/permissions.ts';
import { mappedRegions } from '../../src/picture/mapped-regions.ts';
import type { Region } from '../../src/picture/model.ts';
import { planPicture } from '../../src/picture/of-plan.ts';
import type { Plan, Step } from '../../src/plan/plan.ts';
import { HANDMADE } from '../support/handmade.ts';
import { fakeHost } from '../support/host.ts';
import { testImage } from '../support/images.ts';
import { planOf } from '../support/plans.ts';
import { Random } from '../support/random.ts';
import { imageOf } from '../support/resolve.ts';

const PAGE = 0x1000n;
const at = (offset: bigint) => ({ base: 'absolute', offset }) as const;

/** Pages and what each has in the end, by carrying the steps out. */
function pagesOf(steps: readonly Step[]): Map<bigint, string> {
  const pages = new Map<bigint, string>();
  for (const step of steps) {
    if ((step.op !== 'mmap' && step.op !== 'mprotect') || step.at.base !== 'absolute') continue;
    for (let page = step.at.offset; page < step.at.offset + step.size; page += PAGE) {
      const name = step.op === 'mmap' ? step.what : pages.get(page)?.slice(4);
      if (name !== undefined) pages.set(page, `${step.protection} ${name}`);
    }
  }
  return pages;
}

function pagesIn(regions: readonly Region[]): Map<bigint, string> {
  const pages = new Map<bigint, string>();
  for (const { start, end, name, protection } of regions) {
    for (let page = start; page < end; page += PAGE) {
      expect(pages.has(page)).toBe(false);
      pages.set(page, `${protection === undefined ? '' : permissions(protection)} ${name}`);
    }
  }
  return pages;
}

const sorted = (pages: Map<bigint, string>) => [...pages].sort(([one], [other]) => (one < other ? -1 : 1));

describe('what is mapped in the end', () => {
  test.each(HANDMADE.map((program) => [program.name, program] as const))('%s', async (_, program) => {
    const plan = planOf(await imageOf(program), {}, fakeHost({ randomizeVaSpace: 2 }));
    expect(sorted(pagesIn(mappedRegions(plan, 'absolute')))).toEqual(sorted(pagesOf(plan.steps)));
  });

  test('steps at random', () => {
    const random = new Random(11);
    const text = () => random.pick(['r--', 'rw-', 'r-x', 'rwx', '---'] as const);
    for (let round = 0; round < 300; round++) {
      const steps = Array.from({ length: random.below(12) }, (_, index): Step => {
        const place = { at: at(BigInt(random.below(20)) * PAGE), size: BigInt(1 + random.below(6)) * PAGE };
        if (random.chance(1, 3)) return { op: 'mprotect', ...place, protection: text(), what: 'protect' };
        return { op: 'mmap', ...place, protection: text(), replace: true, what: `map ${index}` };
      });
      const plan = { steps } as unknown as Plan;
      expect(sorted(pagesIn(mappedRegions(plan, 'absolute')))).toEqual(sorted(pagesOf(steps)));
    }
  });

  test('a file fills what is not zeroed, reading fills as far as it goes', () => {
    const map = { op: 'mmap', size: 2n * PAGE, protection: 'rw-', replace: false, what: 'data' } as const;
    const file = { index: 0, offset: 0n };
    const steps: Step[] = [
      { ...map, at: at(0n), file },
      { op: 'zero', at: at(0x1800n), size: 0x800n, what: 'tail' },
      { ...map, at: at(0x10000n) },
      { op: 'read', at: at(0x10000n), size: 0x123n, file: 0, offset: 0n, what: 'data' },
      { ...map, at: at(0x20000n) },
    ];
    const regions = mappedRegions({ steps } as unknown as Plan, 'absolute');
    expect(regions.map(({ filled, steps: made }) => [filled, made])).toEqual([
      [0x1800n, [1, 2]],
      [0x123n, [3, 4]],
      [0n, [5]],
    ]);
  });
});

test.each([
  ['nothing', []],
  ['words', [1n, 2n, { string: 0 }]],
] as const)('a stack of a loader’s own with %s in it', (_, words) => {
  const layout = () => ({
    words,
    strings: [{ bytes: Buffer.from('own\0'), place: 'words' as const }],
    args: { from: 0, to: 0 },
    env: { from: 0, to: 0 },
    auxv: { from: words.length, to: words.length },
    gap: 0,
    align: 16,
  });
  const { columns } = planPicture(planOf(testImage({ stack: { layout, execution: 'none' } })), []);
  const parts = columns[1]?.blocks.at(-1)?.regions ?? [];
  expect(parts.at(-1)?.end).toBe(0n);
  expect(parts.map(({ name }) => name)).toContain('free, grows downwards');
  expect(parts.some(({ name }) => name.startsWith('argc'))).toBe(false);
});

test('what only the kernel knows has no address', async () => {
  const program = HANDMADE.find(({ name }) => name === 'elf64-dynamic-pie');
  if (program === undefined) throw new Error('no such program');
  const { columns } = planPicture(planOf(await imageOf(program)), []);
  const blocks = columns[1]?.blocks ?? [];
  expect(blocks.map(({ base }) => base)).toEqual([undefined, 'interp', 'vdso', 'stack']);
  expect(blocks.map(({ somewhere }) => somewhere !== undefined)).toEqual([false, true, true, true]);
  const [known, , , stack] = blocks;
  const names = (block = known) => block?.marks.map(({ name }) => name) ?? [];
  expect(names()).toEqual(expect.arrayContaining(['start_code', 'end_code', 'AT_PHDR', 'AT_ENTRY']));
  expect(names(stack)).toEqual(
    expect.arrayContaining(['stack pointer', 'start_stack', 'arg_start', 'env_end', 'auxv', 'AT_RANDOM']),
  );
  expect(stack?.regions.at(-1)?.end).toBe(0n);
  const parts = stack?.regions ?? [];
  parts.forEach(({ start }, index) => {
    if (index > 0) expect(parts[index - 1]?.end).toBe(start);
  });
});
