/** First stacks to bytes: any layout, also one that a plugin brings. */
import { describe, expect, test } from 'vitest';
import type { FirstStack } from '../../src/image/image.ts';
import { absolute, type Place } from '../../src/process/place.ts';
import { buildStackImage } from '../../src/process/stack-image.ts';
import { text } from '../support/sources.ts';
import { placeStack } from '../support/stack-reader.ts';

const NONE = { from: 0, to: 0 };

function stackOf(changes: Partial<FirstStack>): FirstStack {
  return { words: [], strings: [], args: NONE, env: NONE, auxv: NONE, gap: 0, align: 16, ...changes };
}

const placer = {
  image: (offset: bigint): Place => ({ base: 'image', offset }),
  interp: (offset: bigint): Place => ({ base: 'interp', offset }),
};
const END = 0x7fff_0000n;

describe.each([
  ['x86_64', 8],
  ['i386', 4],
] as const)('%s', (arch, size) => {
  test('every kind of word gets its value', () => {
    const words = [
      7n,
      { string: 0 },
      { word: 0 },
      { kernelAuxv: 16 },
      { image: 0x10n },
      { interp: 0x20n },
      -1n,
    ];
    const image = buildStackImage(
      stackOf({ words, strings: [{ bytes: text('s\0'), place: 'top' }] }),
      arch,
      placer,
      8n << 20n,
    );
    const stack = placeStack(image, size, { stack: END, image: 0x1000n, interp: 0x2000n });
    const read = words.map((_, index) => stack.word(stack.sp + BigInt(index * size)));
    const minusOne = (1n << BigInt(size * 8)) - 1n;
    expect(read).toEqual([7n, END - 8n - 2n, stack.sp, 0x4b10n, 0x1010n, 0x2020n, minusOne]);
  });

  test('a plain address needs no base', () => {
    const image = buildStackImage(
      stackOf({ words: [{ image: 0x1234n }] }),
      arch,
      {
        image: absolute,
        interp: absolute,
      },
      8n << 20n,
    );
    expect(image.pointers).toEqual([]);
    expect(placeStack(image, size, { stack: END }).word(END + image.sp)).toBe(0x1234n);
  });

  test('neighbouring pointers of one base are one run; others begin another', () => {
    const words = [{ word: 0 }, { word: 0 }, { image: 0n }, { image: 1n }, 0n, { image: 2n }, { interp: 0n }];
    const { pointers } = buildStackImage(stackOf({ words }), arch, placer, 8n << 20n);
    expect(pointers).toEqual([
      { offset: 0, count: 2, base: 'stack' },
      { offset: 2 * size, count: 2, base: 'image' },
      { offset: 5 * size, count: 1, base: 'image' },
      { offset: 6 * size, count: 1, base: 'interp' },
    ]);
  });
});

test('the gap lies between the strings at the top and those with the words', () => {
  const strings = [
    { bytes: text('low'), place: 'words' },
    { bytes: text('high'), place: 'top' },
  ] as const;
  const words = [{ string: 0 }, { string: 1 }];
  const addresses = (gap: number) => {
    const image = buildStackImage(stackOf({ words, strings, gap }), 'x86_64', placer, 8n << 20n);
    const stack = placeStack(image, 8, { stack: END });
    expect(Number(-image.sp)).toBe(image.bytes.length);
    return { low: stack.word(stack.sp), high: stack.word(stack.sp + 8n), sp: stack.sp };
  };
  const [without, with4k] = [addresses(0), addresses(0x1000)];
  expect(with4k.high).toBe(without.high);
  expect(without.low - with4k.low).toBe(0x1000n);
  expect(without.sp - with4k.sp).toBe(0x1000n);
});

test.each([1, 4, 16, 64, 4096])('the stack pointer keeps an alignment of %i', (align) => {
  for (let length = 0; length < 40; length++) {
    const strings = [{ bytes: new Uint8Array(length), place: 'top' as const }];
    const image = buildStackImage(stackOf({ words: [1n, 2n], strings, align }), 'i386', placer, 8n << 20n);
    expect(Number(-image.sp) % align).toBe(0);
    expect(Number(-image.sp)).toBeGreaterThanOrEqual(8 + length + 8);
    expect(Number(-image.sp)).toBeLessThan(8 + length + 8 + 2 * align);
  }
});

test('strings lie in their order, from low to high, without gaps', () => {
  const strings = ['aa\0', 'b\0', 'cccc\0'].map((string) => ({ bytes: text(string), place: 'top' as const }));
  const stack = stackOf({ strings, args: { from: 0, to: 2 }, env: { from: 2, to: 3 } });
  const image = buildStackImage(stack, 'x86_64', placer, 8n << 20n);
  expect(image.arg).toEqual({ start: -8n - 10n, end: -8n - 5n });
  expect(image.env).toEqual({ start: -8n - 5n, end: -8n });
});

test('an empty argument range lies at its string, or below all of them', () => {
  const strings = [{ bytes: text('x\0'), place: 'top' as const }];
  const image = buildStackImage(
    stackOf({ strings, args: { from: 0, to: 0 }, env: { from: 1, to: 1 } }),
    'x86_64',
    placer,
    8n << 20n,
  );
  expect(image.arg).toEqual({ start: -10n, end: -10n });
  expect(image.env.start).toBe(image.env.end);
});

describe('the stack area reaches', () => {
  const extentWith = (bytes: number, limit: bigint) =>
    buildStackImage(
      stackOf({ strings: [{ bytes: new Uint8Array(bytes), place: 'top' }] }),
      'x86_64',
      placer,
      limit,
    ).extent;

  // setup_arg_pages: whole pages of strings, then 128 KiB, but no further than RLIMIT_STACK.
  test.each([
    [1, 8n << 20n, -0x21000n],
    [0x1000 - 8, 8n << 20n, -0x21000n],
    [0x1000 - 7, 8n << 20n, -0x22000n],
    [100_000, 8n << 20n, -0x39000n],
    [1, 100n << 10n, -0x19000n],
    [1, 0x10fffn, -0x10000n],
    [1, (1n << 64n) - 1n, -0x21000n],
  ])('for %i bytes of strings and a limit of %i to %i', (bytes, limit, extent) => {
    expect(extentWith(bytes, limit)).toBe(extent);
  });
});
