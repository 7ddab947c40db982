/** zstd: RFC 8878, frames behind each other, damage, what is not supported, and bombs. */
import { describe, expect, test } from 'vitest';
import { zstd } from '../../loaders/zstd/index.ts';
import { foreignError, formatError } from '../support/errors.ts';
import { sampleBytes, zstdFrame } from '../support/packed.ts';
import { Random } from '../support/random.ts';
import { text } from '../support/sources.ts';
import { expectDamageFound, expectTruncationsRefused, memoryOf, unpack } from '../support/unpack.ts';

const MIB = 2 ** 20;
const PLAIN = sampleBytes('aout/tally-qmagic');
const PACKED = sampleBytes('zstd/tally-qmagic.zst');
const SKIPPABLE = text('\x50\x2a\x4d\x18\x03\0\0\0abc');

describe('what is unpacked', () => {
  test('the sample', async () => expect((await unpack(zstd, PACKED)).equals(PLAIN)).toBe(true));

  test.each([1, 131_072, 131_073, 400_000])('%i bytes in raw blocks', async (size) => {
    const plain = Buffer.from(new Random(size).bytes(size));
    const blocks = [];
    for (let at = 0; at < size; at += 100_000) blocks.push({ raw: plain.subarray(at, at + 100_000) });
    expect((await unpack(zstd, zstdFrame(blocks))).equals(plain)).toBe(true);
  });

  test('frames behind each other, empty and skippable ones too', async () => {
    const bytes = Buffer.concat([zstdFrame([{ raw: text('') }]), PACKED, SKIPPABLE, PACKED]);
    expect((await unpack(zstd, bytes)).equals(Buffer.concat([PLAIN, PLAIN]))).toBe(true);
  });

  test('what fills the output exactly', async () => {
    const bytes = zstdFrame(Array.from({ length: 8 }, () => ({ byte: 7, times: 131_072 })));
    expect(await unpack(zstd, bytes)).toEqual(Buffer.alloc(MIB, 7));
  });
});

describe('what is refused, and where', () => {
  test.each([
    ['nothing inside', zstdFrame([{ raw: text('') }]), { field: 'Frame_Content_Size', value: 0 }],
    [
      'garbage behind the end',
      Buffer.concat([PACKED, text('garbage')]),
      { offset: PACKED.length, field: 'Magic_Number' },
    ],
    [
      'zeros behind the end',
      Buffer.concat([PACKED, Buffer.alloc(16)]),
      { offset: PACKED.length, field: 'Magic_Number' },
    ],
    [
      'half a frame behind it',
      Buffer.concat([PACKED, PACKED.subarray(0, 99)]),
      { offset: PACKED.length + 99, field: 'Frame' },
    ],
    ['a reserved block type', Buffer.from('28b52ffd0050070000', 'hex'), { field: 'Frame' }],
  ])('%s', async (_, bytes, location) => {
    expect((await formatError(() => unpack(zstd, bytes))).location).toMatchObject(location);
  });

  test('a wrong checksum', async () => {
    const bytes = Buffer.from(PACKED);
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    expect((await formatError(() => unpack(zstd, bytes))).location.field).toBe('Content_Checksum');
  });

  test.each([
    ['a dictionary', [0x01, 0x50, 0x2a], 'dictionary'],
    ['a window of 2 GiB', [0x00, 0xa8], '128 MiB'],
  ])('%s', async (_, header, named) => {
    const error = await foreignError(() => unpack(zstd, zstdFrame([{ raw: text('abc') }], header)));
    expect(error.code).toBe('UNSUPPORTED');
    expect(error.message).toContain(named);
  });

  test('what is something else, though --format names it', async () => {
    const error = await formatError(() => unpack(zstd, PLAIN));
    expect(error.location).toMatchObject({ offset: 0, field: 'Magic_Number' });
  });

  test('every beginning of a file', () => expectTruncationsRefused(zstd, PACKED));
  test('damage anywhere', () => expectDamageFound(zstd, PACKED, PLAIN));
});

describe('bombs', () => {
  /** 1 GiB in 33 KB. */
  const bomb = zstdFrame(Array.from({ length: 8192 }, () => ({ byte: 0, times: 131_072 })));

  test.each([
    ['--max-size', 4 * MIB, String(4 * MIB), 16],
    ['the ratio, whatever --max-size says', 2 ** 40, '1000 times', 80],
  ])('stop at %s', async (_, maxSize, named, most) => {
    let error: unknown;
    const used = await memoryOf(async () => {
      error = await foreignError(() => unpack(zstd, bomb, maxSize));
    });
    expect(error).toMatchObject({ code: 'TOO_BIG', message: expect.stringContaining(named) });
    expect((error as { hint: string }).hint).toContain('--max-size');
    expect(used).toBeLessThan(most * MIB);
  });
});
