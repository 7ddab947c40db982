/** The host trusts no loader: what an image may not be, and the oddities it may. */
import { describe, expect, test } from 'vitest';
import type { ImagePart, ProgramImage, Segment } from '../../src/image/image.ts';
import { validateImage } from '../../src/image/validate.ts';
import { ADDRESS_SPACES } from '../../src/process/address-space.ts';
import { foreignError } from '../support/errors.ts';
import { PROTECTION, segment, testImage } from '../support/images.ts';
import { fileLike } from '../support/sources.ts';

const LIMIT = ADDRESS_SPACES.x86_64.taskSize;
const source = fileLike(new Uint8Array(0x1000), 3);
const validate = (changes: Partial<ProgramImage>) => validateImage(testImage(changes), LIMIT);
const refused = async (changes: Partial<ProgramImage>) => {
  const error = await foreignError(() => validate(changes));
  expect(error).toMatchObject({ code: 'IMAGE_REFUSED', exitCode: 126 });
  return error.message;
};
const only = (changes: Partial<Segment>) => ({ segments: [segment(0x400000n, 0x1000n, changes)] });

test('a good image passes', () => {
  expect(() => validate({})).not.toThrow();
});

describe('segments', () => {
  test('there must be one, and not more than 4096', async () => {
    expect(await refused({ segments: [] })).toContain('no segments');
    const many = (count: number) => Array.from({ length: count }, () => segment(0x400000n, 0x1000n));
    expect(await refused({ segments: many(4097) })).toContain('4097');
    expect(() => validate({ segments: many(4096) })).not.toThrow();
  });

  test.each([
    ['no size', { size: 0n }],
    ['a negative size', { size: -1n }],
    ['a negative address', { address: -0x1000n }],
    ['an end past the last user address', { address: LIMIT - 0xfffn }],
    ['an end that would wrap around', { address: (1n << 64n) - 0x1000n }],
    ['an address past the last user address', { address: 1n << 63n }],
    ['more bytes than memory', { content: { source, offset: 0, size: 0x1001 }, size: 0x1000n }],
    ['bytes past the end of the file', { content: { source, offset: 0x800, size: 0x801 } }],
    ['bytes before the beginning of the file', { content: { source, offset: -1, size: 0x10 } }],
    ['a negative number of bytes', { content: { source, offset: 0, size: -1 } }],
  ] as const)('with %s are refused', async (_, changes) => {
    expect(await refused(only(changes))).toContain('text');
  });

  test('may end exactly at the limit, and have exactly the file’s bytes', () => {
    const last = segment(LIMIT - 0x1000n, 0x1000n);
    expect(() => validate({ segments: [segment(0x400000n, 0x1000n), last] })).not.toThrow();
    expect(() => validate(only({ content: { source, offset: 0, size: 0x1000 } }))).not.toThrow();
  });

  test('of whole pages may reach past the end of a file, which the kernel maps so', async () => {
    const pastEnd = only({ size: 0x3000n, content: { source, offset: 0, size: 0x3000 } });
    expect(() => validate(pastEnd)).not.toThrow();
    const { file: _, ...bytes } = source;
    const behindLine = fileLike(new Uint8Array(0x1000), 3, 'wrapped', 0x15);
    for (const other of [bytes, { ...source, confidential: true }, behindLine]) {
      const content = { source: other, offset: 0, size: 0x3000 };
      expect(await refused(only({ size: 0x3000n, content }))).toContain('text needs');
    }
  });

  test('may overlap and come in any order', () => {
    const segments = [segment(0x500000n, 0x2000n), segment(0x400000n, 0x1000n), segment(0x501000n, 0x2000n)];
    expect(() => validate({ segments, entry: 0x400000n })).not.toThrow();
  });

  // "Trusts no loader": a plugin is free to compute nonsense, and BigInt(1.5) is a RangeError.
  test.each([
    ['a fraction of a byte', { source, offset: 0, size: 1.5 }],
    ['NaN bytes', { source, offset: 0, size: Number.NaN }],
    ['bytes at NaN', { source, offset: Number.NaN, size: 1 }],
    ['bytes at a fraction', { source, offset: 0.5, size: 1 }],
  ] as const)('with %s are refused', async (_, content) => {
    await refused(only({ content }));
  });
});

describe('the interpreter', () => {
  const interpreter = (changes: Partial<ImagePart>) => ({
    source,
    placement: { kind: 'fixed' } as const,
    segments: [segment(0x700000n, 0x1000n)],
    entry: 0x700000n,
    ...changes,
  });

  test('is looked at as the program is', async () => {
    expect(await refused({ interpreter: interpreter({ segments: [] }) })).toContain('interpreter');
    expect(await refused({ interpreter: interpreter({ segments: [segment(LIMIT, 1n)] }) })).toContain(
      'user address',
    );
  });

  test('is enough for a program without segments of its own', async () => {
    expect(() => validate({ interpreter: interpreter({}), segments: [] })).not.toThrow();
    expect(await refused({ segments: [] })).toContain('the program has no segments');
  });

  test('has the entry point that counts', async () => {
    expect(() => validate({ interpreter: interpreter({}), entry: 1n })).not.toThrow();
    expect(await refused({ interpreter: interpreter({ entry: 0x400000n }) })).toContain('0x400000');
  });
});

describe('the entry point', () => {
  test('lies in an executable segment, from its first byte to its last', async () => {
    for (const entry of [0x400000n, 0x400fffn]) expect(() => validate({ entry })).not.toThrow();
    for (const entry of [0x3fffffn, 0x401000n, 0n, 1n << 63n])
      expect(await refused({ entry })).toContain('entry point');
  });

  test('may lie in the rest of a segment’s last page', async () => {
    expect(() => validate({ ...only({ size: 0x10n }), entry: 0x400fffn })).not.toThrow();
  });

  test('is in what lies over all others in its page', async () => {
    const code = segment(0x400000n, 0x2000n);
    const data = segment(0x401800n, 0x10n, { protection: PROTECTION.rw });
    expect(await refused({ segments: [code, data], entry: 0x401000n })).toContain('entry point');
    expect(() => validate({ segments: [code, data], entry: 0x400000n })).not.toThrow();
    expect(() => validate({ segments: [data, code], entry: 0x401000n })).not.toThrow();
  });

  test('is a byte that the file has', async () => {
    const pastEnd = only({ size: 0x3000n, content: { source, offset: 0, size: 0x3000 } });
    expect(() => validate({ ...pastEnd, entry: 0x400fffn })).not.toThrow();
    expect(await refused({ ...pastEnd, entry: 0x401000n })).toContain('past the end of the file');
  });

  test('of a program where everything readable is executable may lie in any readable segment', async () => {
    const data = only({ protection: PROTECTION.rw });
    expect(await refused(data)).toContain('entry point');
    const stack = { layout: 'sysv', execution: 'everything-readable' } as const;
    expect(() => validate({ ...data, stack })).not.toThrow();
    expect(await refused({ ...data, stack: { ...stack, execution: 'stack' } })).toContain('entry point');
  });
});

describe('the anchor of an image that may move', () => {
  test.each([-1n, LIMIT, 1n << 64n])('may not be %s', async (anchor) => {
    expect(await refused({ placement: { kind: 'pie', align: 0x1000n, anchor } })).toContain('anchor');
  });

  test.each([0n, 0x1234n, LIMIT - 1n])('may be %s', (anchor) => {
    expect(() => validate({ placement: { kind: 'mmap', align: 0x1000n, anchor } })).not.toThrow();
  });
});

describe('the alignment of an image that may move', () => {
  test.each([0n, -4096n, 3n, 0x1800n])('may not be %s', async (align) => {
    expect(await refused({ placement: { kind: 'pie', align } })).toContain('alignment');
    expect(await refused({ placement: { kind: 'mmap', align } })).toContain('alignment');
  });

  test.each([1n, 0x1000n, 0x4000_0000n, 1n << 63n])('may be %s', (align) => {
    expect(() => validate({ placement: { kind: 'pie', align } })).not.toThrow();
  });
});

describe.each(['code', 'data', 'brk'] as const)('the range of %s', (name) => {
  const ranged = (start: bigint, end: bigint) => ({ [name]: { start, end, randomize: false } });

  test('lies in user space and does not end before it begins', async () => {
    for (const [start, end] of [
      [-1n, 0n],
      [2n, 1n],
      [0n, LIMIT + 1n],
    ] as const)
      expect(await refused(ranged(start, end))).toContain('not a range');
  });

  test('may be empty and may end at the limit', () => {
    expect(() => validate(ranged(0x1000n, 0x1000n))).not.toThrow();
    expect(() => validate(ranged(0n, LIMIT))).not.toThrow();
  });
});
