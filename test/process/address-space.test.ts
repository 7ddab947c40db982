/** Alignment, and what is said about the two address spaces. */
import { describe, expect, test } from 'vitest';
import {
  ADDRESS_SPACES,
  alignDown,
  alignUp,
  PAGE_SIZE,
  pageEnd,
  pageStart,
} from '../../src/process/address-space.ts';
import { placeText } from '../../src/process/place.ts';
import { Random } from '../support/random.ts';

describe('alignment', () => {
  test('alignDown and alignUp enclose the value, at multiples, at most one alignment apart', () => {
    const random = new Random(1);
    for (let round = 0; round < 2000; round++) {
      const align = 1n << random.bigBelow(40n);
      const value = random.bigBelow(1n << 48n) - (1n << 47n);
      const [down, up] = [alignDown(value, align), alignUp(value, align)];
      expect(down % align === 0n && up % align === 0n).toBe(true);
      expect(down <= value && value <= up).toBe(true);
      expect(up - down).toBe(down === value ? 0n : align);
    }
  });

  test.each([
    [0n, 0n, 0n],
    [1n, 0n, 4096n],
    [4095n, 0n, 4096n],
    [4096n, 4096n, 4096n],
    [-1n, -4096n, 0n],
    [-4096n, -4096n, -4096n],
  ])('the page of %s begins at %s, and the one that ends there at %s', (value, start, end) => {
    expect(pageStart(value)).toBe(start);
    expect(pageEnd(value)).toBe(end);
  });
});

describe.each(['x86_64', 'i386'] as const)('the address space of %s', (arch) => {
  const space = ADDRESS_SPACES[arch];

  test('the quiet range is whole pages below where PIEs go', () => {
    expect(space.quiet.start % PAGE_SIZE).toBe(0n);
    expect(space.quiet.end % PAGE_SIZE).toBe(0n);
    expect(space.quiet.start).toBeLessThan(space.quiet.end);
    expect(space.quiet.end).toBeLessThanOrEqual(space.etDynBase);
  });

  test('mmap under `ulimit -s unlimited` stays out of the quiet range', () => {
    // mmap_base with the largest gap: five sixths of the space for the stack, then the randomness.
    const bits = arch === 'x86_64' ? 32n : 16n;
    const lowestTopDown = space.taskSize / 6n - (PAGE_SIZE << bits);
    expect(lowestTopDown > space.quiet.end || space.quiet.start > space.taskSize / 6n).toBe(true);
    expect(space.quiet.end).toBeLessThanOrEqual(pageEnd(space.taskSize / 3n));
  });
});

test('TASK_SIZE is the kernel’s', () => {
  expect(ADDRESS_SPACES.x86_64.taskSize).toBe((1n << 47n) - PAGE_SIZE);
  expect(ADDRESS_SPACES.i386.taskSize).toBe(0xffff_e000n);
});

test.each([
  [{ base: 'absolute', offset: 0x401000n }, '0x401000'],
  [{ base: 'interp', offset: 0x1000n }, 'interp+0x1000'],
  [{ base: 'stack', offset: -0x38n }, 'stack-0x38'],
  [{ base: 'image', offset: 0n }, 'image+0x0'],
] as const)('a place reads as people write it: %o', (place, text) => {
  expect(placeText(place)).toBe(text);
});
