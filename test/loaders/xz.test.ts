/** xz: the .xz file format 1.2.1, its padding and streams, damage, what is not supported, and bombs. */
import { describe, expect, test } from 'vitest';
import { xz } from '../../loaders/xz/index.ts';
import { zstd } from '../../loaders/zstd/index.ts';
import { foreignError, formatError } from '../support/errors.ts';
import {
  emptyXz,
  sampleBytes,
  withIndex,
  xzBlockSize,
  xzIndexAt,
  xzSum,
  ZEROS_XZ_ZST,
} from '../support/packed.ts';
import { text } from '../support/sources.ts';
import { expectDamageFound, expectTruncationsRefused, memoryOf, unpack } from '../support/unpack.ts';

const MIB = 2 ** 20;
const PLAIN = sampleBytes('elf/x86_64/tally-dynamic-pie');
const PACKED = sampleBytes('xz/tally-dynamic-pie.xz');
const BOMB = await unpack(zstd, ZEROS_XZ_ZST);
const indexAt = xzIndexAt(PACKED);
const blockSize = xzBlockSize(PACKED);

describe('what is unpacked', () => {
  test('the sample', async () => expect((await unpack(xz, PACKED)).equals(PLAIN)).toBe(true));

  test('streams behind each other, with padding, empty ones too', async () => {
    const bytes = Buffer.concat([PACKED, Buffer.alloc(8), emptyXz(), PACKED, Buffer.alloc(4)]);
    expect((await unpack(xz, bytes)).equals(Buffer.concat([PLAIN, PLAIN]))).toBe(true);
  });

  test('an index that this test made, so it can make wrong ones', async () => {
    expect(withIndex(PACKED, PLAIN.length)).toEqual(PACKED);
  });
});

describe('what is refused, and where', () => {
  const end = PACKED.length;
  const tail = (bytes: string) => Buffer.concat([PACKED, text(bytes)]);
  test.each([
    ['nothing inside', emptyXz(), { field: 'Uncompressed Size', value: 0 }],
    ['garbage behind the end', tail('garbage'), { offset: end + 5, field: 'Footer Magic Bytes' }],
    ['padding that is not a multiple of four', tail('\0\0\0\0\0'), { field: 'Footer Magic Bytes' }],
    ['an index that says less', withIndex(PACKED, 10), { offset: 0 }],
    ['an index that says more', withIndex(PACKED, PLAIN.length + 1), { offset: 0 }],
    [
      'blocks before the file',
      withIndex(PACKED, 10, blockSize + 4000),
      { offset: indexAt + 1, field: 'Index' },
    ],
    ['no header where it is due', withIndex(PACKED, 10, blockSize - 400), { field: 'Header Magic Bytes' }],
    ['only padding', Buffer.concat([PACKED.subarray(0, 12), Buffer.alloc(400)]), { offset: 10 }],
  ])('%s', async (_, bytes, location) => {
    expect((await formatError(() => unpack(xz, bytes))).location).toMatchObject(location);
  });

  test('more streams than anybody makes', async () => {
    const bytes = Buffer.concat([PACKED, ...Array.from({ length: 1024 }, () => emptyXz())]);
    expect((await formatError(() => unpack(xz, bytes))).message).toContain('1024');
  });

  test('a check that is not supported', async () => {
    const error = await foreignError(() => unpack(xz, Buffer.concat([PACKED, emptyXz(10)])));
    expect(error).toMatchObject({ code: 'UNSUPPORTED', hint: expect.stringContaining('SHA-256') });
  });

  test.each([
    ['a filter (x86)', [0x02, 0x01, 0x04, 0x00, 0x21, 0x01, 0x16, 0x00], 'filter'],
    ['a dictionary of 1 GiB', [0x02, 0x00, 0x21, 0x01, 36, 0x00, 0x00, 0x00], '64 MiB'],
  ])('%s that is not supported', async (_, header, named) => {
    const bytes = Buffer.from(PACKED);
    bytes.set([...header, ...xzSum(Buffer.from(header))], 12);
    const error = await foreignError(() => unpack(xz, bytes));
    expect(error.code).toBe('UNSUPPORTED');
    expect(error.message).toContain(named);
  });

  test('what is something else, though --format names it', async () => {
    const error = await formatError(() => unpack(xz, PLAIN));
    expect(error.location).toMatchObject({ offset: 0, field: 'Header Magic Bytes' });
  });

  test('every beginning of a file', () => expectTruncationsRefused(xz, PACKED));
  test('damage anywhere', () => expectDamageFound(xz, PACKED, PLAIN));
});

describe('bombs', () => {
  test.each([
    ['that say what they are stop before anything is unpacked', BOMB],
    ['that lie stop while they are unpacked', withIndex(BOMB, 1000)],
  ])('%s', async (_, bomb) => {
    let error: unknown;
    const used = await memoryOf(async () => {
      error = await foreignError(() => unpack(xz, bomb, 2 * MIB));
    });
    expect(error).toMatchObject({ code: 'TOO_BIG', message: expect.stringContaining(String(2 * MIB)) });
    expect(used).toBeLessThan(16 * MIB);
  });

  test('stop at the ratio, whatever --max-size says', async () => {
    const error = await foreignError(() => unpack(xz, BOMB, 2 ** 40));
    expect(error).toMatchObject({ code: 'TOO_BIG', message: expect.stringContaining('1000 times') });
  });
});
