/** Where wrappers unpack to: the bytes come back as they went in, and the limits hold before memory is used. */
import { describe, expect, test } from 'vitest';
import { Unpacked } from '../../src/loader/unpacked.ts';
import { memorySource } from '../../src/source/memory.ts';
import { DEFAULT_MAX_SIZE } from '../../src/source/source.ts';
import { foreignError } from '../support/errors.ts';
import { Random } from '../support/random.ts';
import { hugeSource } from '../support/sources.ts';

const context = (maxSize = DEFAULT_MAX_SIZE) => ({ limits: { maxSize }, progress: () => {} });
const packed = (size: number, confidential = false) =>
  memorySource(new Uint8Array(size), 'packed', confidential);

test('what was added in pieces of any size is read at any place', async () => {
  const random = new Random(1);
  const unpacked = new Unpacked(packed(10), context());
  const pieces = Array.from({ length: 60 }, () =>
    random.bytes(random.pick([0, 1, 100, 65_535, 65_536, 65_537])),
  );
  for (const piece of pieces) unpacked.add(piece);
  const whole = Buffer.concat(pieces);
  const source = unpacked.source();
  expect(source).toMatchObject({ name: 'packed', size: whole.length, confidential: false });
  expect(source.file).toBeUndefined();
  for (let round = 0; round < 500; round++) {
    const offset = random.below(whole.length + 1);
    const length = random.below(Math.min(whole.length - offset, 200_000) + 1);
    const read = Buffer.from(await source.read(offset, length));
    expect(read.equals(whole.subarray(offset, offset + length)), `${length} at ${offset}`).toBe(true);
  }
  expect((await foreignError(() => source.read(whole.length, 1))).code).toBe('BAD_FORMAT');
});

test('what came from confidential bytes is confidential', () => {
  expect(new Unpacked(packed(1, true), context()).source().confidential).toBe(true);
});

describe('limits', () => {
  test('--max-size, to the byte', async () => {
    const unpacked = new Unpacked(packed(10), context(1000));
    unpacked.add(new Uint8Array(1000));
    const error = await foreignError(() => unpacked.add(new Uint8Array(1)));
    expect(error).toMatchObject({ code: 'TOO_BIG', exitCode: 126 });
    expect(error.message).toContain('1000 bytes');
    expect(error.hint).toContain('--max-size');
    expect(unpacked.size).toBe(1000);
  });

  test('16 MiB and a thousand times the size, whatever --max-size is', async () => {
    const unpacked = new Unpacked(packed(2), context(2 ** 40));
    unpacked.expect(16 * 2 ** 20 + 2000);
    const error = await foreignError(() => unpacked.expect(16 * 2 ** 20 + 2001));
    expect(error.code).toBe('TOO_BIG');
    expect(error.message).toContain('1000 times');
    expect(error.hint).toContain('--max-size');
  });

  test('1 GiB unless given', async () => {
    const unpacked = new Unpacked(hugeSource(2 ** 31, 3), context());
    unpacked.expect(2 ** 30);
    expect((await foreignError(() => unpacked.expect(2 ** 30 + 1))).code).toBe('TOO_BIG');
  });
});
