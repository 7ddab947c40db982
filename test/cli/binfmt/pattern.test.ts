/** Patterns of binfmt_misc as sets of files, against a search for a file that tells two of them apart. */
import { describe, expect, test } from 'vitest';
import { takesOverNative } from '../../../src/cli/binfmt/native.ts';
import { fixedBits, matches, type Pattern, patternOf, relation } from '../../../src/cli/binfmt/pattern.ts';
import { Random } from '../../support/random.ts';

const pattern = (text: string, offset = 0, mask?: string): Pattern => {
  const made = patternOf({
    offset,
    bytes: Buffer.from(text, 'latin1'),
    mask: mask === undefined ? undefined : Buffer.from(mask, 'latin1'),
  });
  if (made === undefined) throw new Error('it looks at nothing');
  return made;
};

describe('a magic as a pattern', () => {
  test('is without what is not looked at', () => {
    expect(
      patternOf({ offset: 3, bytes: Buffer.from('abcd'), mask: Buffer.from([0, 0x0f, 0xff, 0]) }),
    ).toEqual({
      offset: 4,
      bytes: Uint8Array.of(0x02, 0x63),
      mask: Uint8Array.of(0x0f, 0xff),
    });
  });

  test.each([
    ['nothing', { offset: 0, bytes: Buffer.alloc(0) }],
    ['nothing under the mask', { offset: 0, bytes: Buffer.from('ab'), mask: Buffer.alloc(2) }],
    ['a mask of another size', { offset: 0, bytes: Buffer.from('ab'), mask: Buffer.from([0xff]) }],
    ['before the file', { offset: -1, bytes: Buffer.from('ab') }],
    ['nowhere', { offset: Number.NaN, bytes: Buffer.from('ab') }],
  ])('that looks at %s is none', (_, magic) => {
    expect(patternOf(magic)).toBeUndefined();
  });

  test('counts its bits, and matches zeros behind a short file', () => {
    expect(fixedBits(pattern('ab', 0, '\xff\x81'))).toBe(10);
    expect(matches(pattern('a\0\0'), Buffer.from('a'))).toBe(true);
    expect(matches(pattern('ab'), Buffer.from('a'))).toBe(false);
  });
});

test.each([
  ['MZqF', 'MZ', 'inside'],
  ['MZ', 'MZqF', 'around'],
  ['MZ', 'MZ', 'the same'],
  ['MZ', 'ZM', 'none in common'],
] as const)('%s to %s: %s', (one, other, how) => {
  expect(relation(pattern(one), pattern(other))).toBe(how);
});

test('patterns at different offsets have some in common', () => {
  expect(relation(pattern('ab', 0), pattern('cd', 8))).toBe('some in common');
});

/** Few bits in few places, so that patterns meet. */
function randomPattern(next: (below: number) => number): Pattern | undefined {
  const size = 1 + next(3);
  const bytes = Buffer.from(Array.from({ length: size }, () => next(4)));
  return patternOf({
    offset: next(3),
    bytes,
    mask: Buffer.from(Array.from({ length: size }, () => next(4))),
  });
}

test('random pairs lie as all files of some bytes say', () => {
  const random = new Random(5);
  const next = (below: number) => random.below(below);
  const files = Array.from({ length: 4 ** 5 }, (_, number) =>
    Buffer.from(Array.from({ length: 5 }, (_, at) => (number >> (2 * at)) & 3)),
  );
  const seen = new Set<string>();
  for (let round = 0; round < 400; round++) {
    const [one, other] = [randomPattern(next), randomPattern(next)];
    if (one === undefined || other === undefined) continue;
    const both = files.map((file) => [matches(one, file), matches(other, file)] as const);
    const common = both.some(([a, b]) => a && b);
    const inside = both.every(([a, b]) => !a || b);
    const around = both.every(([a, b]) => a || !b);
    const expected = !common
      ? 'none in common'
      : inside && around
        ? 'the same'
        : inside
          ? 'inside'
          : around
            ? 'around'
            : 'some in common';
    expect(relation(one, other)).toBe(expected);
    seen.add(expected);
  }
  expect(seen.size).toBe(5);
});

/** What load_elf_binary and load_script look at, written down once more. */
function isNative(file: Uint8Array): boolean {
  const bytes = Buffer.from(file);
  if (bytes.toString('latin1', 0, 2) === '#!') return true;
  const [type, machine] = [bytes.readUInt16LE(16), bytes.readUInt16LE(18)];
  return (
    bytes.toString('latin1', 0, 4) === '\x7fELF' &&
    (type === 2 || type === 3) &&
    (machine === 62 || machine === 3)
  );
}

/** Native headers that are as a pattern wants them wherever a native one may be anything. */
function witnesses({ offset, bytes, mask }: Pattern): Uint8Array[] {
  const put = (file: Buffer) => {
    bytes.forEach((byte, at) => {
      if (offset + at < file.length) file[offset + at] = byte;
    });
    expect(mask.length).toBe(bytes.length);
  };
  const elf = [2, 3].flatMap((type) =>
    [62, 3].map((machine) => {
      const file = Buffer.alloc(256);
      put(file);
      file.write('\x7fELF', 'latin1');
      file.writeUInt16LE(type, 16);
      file.writeUInt16LE(machine, 18);
      return file;
    }),
  );
  const script = Buffer.alloc(256);
  put(script);
  script.write('#!', 'latin1');
  return [...elf, script];
}

/** Parts of an ELF header, some of them wrong, some not looked at. */
function randomHeader(next: (below: number) => number): Pattern | undefined {
  const header = Buffer.alloc(24);
  header.write(next(8) === 0 ? '#!/b' : '\x7fELF', 'latin1');
  header[4] = next(3);
  header.writeUInt16LE([2, 3, 4, 1, 0x102][next(5)] ?? 0, 16);
  header.writeUInt16LE([62, 3, 183, 40, 0x3e3e, 62][next(6)] ?? 0, 18);
  const mask = Buffer.from(Array.from({ length: 24 }, () => [0, 0xff, 0xff, 0xff, next(256)][next(5)] ?? 0));
  for (let flips = next(3); flips > 0; flips--) {
    const at = next(24);
    header[at] = (header[at] ?? 0) ^ (1 << next(8));
  }
  const [from, to] = [next(3) === 0 ? next(20) : 0, 24 - (next(3) === 0 ? next(20) : 0)];
  return patternOf({ offset: from, bytes: header.subarray(from, to), mask: mask.subarray(from, to) });
}

test('whether native programs are taken over is as the best of all native headers says', () => {
  const random = new Random(7);
  const next = (below: number) => random.below(below);
  const counts = { yes: 0, no: 0 };
  for (let round = 0; round < 20_000; round++) {
    const tried = randomHeader(next);
    if (tried === undefined) continue;
    const expected = witnesses(tried).some((file) => matches(tried, file) && isNative(file));
    expect(takesOverNative(tried) !== undefined, JSON.stringify(tried)).toBe(expected);
    counts[expected ? 'yes' : 'no']++;
  }
  expect(Math.min(counts.yes, counts.no)).toBeGreaterThan(2000);
});

test.each([
  ['\x7fELF', 0, 'ELF programs for x86-64'],
  ['ELF', 1, 'ELF programs for x86-64'],
  ['\x3e\0', 18, 'ELF programs for x86-64'],
  ['\x03\0', 18, 'ELF programs for i386'],
  ['#!/bin/sh\n', 0, 'scripts that begin with #!'],
  ['anything', 30, 'ELF programs for x86-64'],
])('%j at %i takes %s', (text, offset, what) => {
  expect(takesOverNative(pattern(text, offset))).toBe(what);
});
