/** gzip: RFC 1952, gzip(1)'s ways with members and padding, damage, and bombs. */
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { gzip } from '../../loaders/gzip/index.ts';
import { foreignError, formatError } from '../support/errors.ts';
import { gzipMember, sampleBytes } from '../support/packed.ts';
import { Random } from '../support/random.ts';
import { text } from '../support/sources.ts';
import { expectDamageFound, expectTruncationsRefused, memoryOf, unpack } from '../support/unpack.ts';

const MIB = 2 ** 20;
const PLAIN = sampleBytes('elf/x86_64/tally-static');
const PACKED = sampleBytes('gzip/tally-static.gz');

describe('what is unpacked', () => {
  test('the sample', async () => expect((await unpack(gzip, PACKED)).equals(PLAIN)).toBe(true));

  test.each([0, 1, 9])('what node:zlib packs at level %i, of any size', async (level) => {
    const random = new Random(level);
    for (const size of [1, 4095, 65_535, 65_536, 65_537, 300_000]) {
      const plain = Buffer.concat([random.bytes(size / 2), Buffer.alloc(size - Math.floor(size / 2), 'ab')]);
      expect((await unpack(gzip, gzipSync(plain, { level }))).equals(plain), `${size} bytes`).toBe(true);
    }
  });

  test.each([
    ['a name', 0x08, 'name\0', false],
    ['a comment', 0x10, 'comment\0', false],
    ['an extra field', 0x04, '\x03\0abc', false],
    ['a sum of the header', 0, '', true],
    ['all of them', 0x1c, '\x03\0abcname\0comment\0', true],
    ['the text flag', 0x01, '', false],
  ])('a header with %s', async (_, flags, extra, withSum) => {
    expect(await unpack(gzip, gzipMember(PLAIN, flags, text(extra), withSum))).toEqual(PLAIN);
  });

  test('members behind each other, empty ones too', async () => {
    const members = ['one', '', 'two', ''].map((each) => gzipSync(each));
    expect((await unpack(gzip, Buffer.concat(members))).toString()).toBe('onetwo');
  });

  test('more members than anybody makes are refused', async () => {
    const packed = Buffer.concat(Array.from({ length: 16_385 }, () => gzipSync('')));
    expect((await formatError(() => unpack(gzip, packed))).message).toContain('16384');
  });

  test('thousands of members', async () => {
    const packed = Buffer.concat(Array.from({ length: 5000 }, () => gzipSync('x')));
    expect((await unpack(gzip, packed)).toString()).toBe('x'.repeat(5000));
  });

  test.each([1, 511, 10_000])('%i zeros behind the end are padding', async (size) => {
    expect(await unpack(gzip, Buffer.concat([PACKED, Buffer.alloc(size)]))).toEqual(PLAIN);
  });
});

describe('what is refused, and where', () => {
  const at = PACKED.length;
  const changed = (offset: number, value: number) => {
    const bytes = Buffer.from(PACKED);
    bytes[offset] = value;
    return bytes;
  };
  test.each([
    ['nothing inside', gzipSync(''), { offset: 0, field: 'ISIZE' }],
    ['another method', changed(2, 7), { offset: 2, field: 'CM', value: 7 }],
    ['reserved flags', changed(3, 0x20), { offset: 3, field: 'FLG', value: 0x20 }],
    ['garbage behind the end', Buffer.concat([PACKED, text('xy')]), { offset: at, field: 'ID1, ID2' }],
    ['half a magic behind it', Buffer.concat([PACKED, text('\x1f')]), { offset: at, field: 'ID1, ID2' }],
    ['half a member behind it', Buffer.concat([PACKED, PACKED.subarray(0, 500)]), { offset: at + 500 }],
    ['garbage behind padding', Buffer.concat([PACKED, text('\0\0x')]), { offset: at, field: 'ID1, ID2' }],
    ['a wrong sum', changed(at - 8, (PACKED[at - 8] ?? 0) ^ 1), { offset: at - 8, field: 'CRC32' }],
    ['a wrong size', changed(at - 4, 1), { offset: at - 4, field: 'ISIZE' }],
    [
      'a name without an end',
      Buffer.concat([text('\x1f\x8b\x08\x08\0\0\0\0\0\x03'), text('x'.repeat(9999))]),
      { offset: 10, field: 'FNAME' },
    ],
    ['a header whose sum is wrong', gzipMember(PLAIN, 0x02, text('xx')), { offset: 10, field: 'CRC16' }],
    ['no blocks', text('\x1f\x8b\x08\0\0\0\0\0\0\x03'), { offset: 10, field: 'compressed blocks' }],
    [
      'no deflate',
      text(`\x1f\x8b\x08\0\0\0\0\0\0\x03${'\xff'.repeat(99)}`),
      { offset: 10, field: 'compressed blocks' },
    ],
  ])('%s', async (_, bytes, location) => {
    expect((await formatError(() => unpack(gzip, bytes))).location).toMatchObject(location);
  });

  test('every beginning of a file', () => expectTruncationsRefused(gzip, PACKED));
  test('damage anywhere', () => expectDamageFound(gzip, PACKED, PLAIN));
});

describe('bombs', () => {
  const bomb = gzipSync(Buffer.alloc(96 * MIB));

  test('stop at --max-size', async () => {
    let error: unknown;
    const used = await memoryOf(async () => {
      error = await foreignError(() => unpack(gzip, bomb, 4 * MIB));
    });
    expect(error).toMatchObject({ code: 'TOO_BIG', message: expect.stringContaining(String(4 * MIB)) });
    expect(used).toBeLessThan(16 * MIB);
  });

  test('may unpack to exactly --max-size', async () => {
    expect((await unpack(gzip, PACKED, PLAIN.length)).length).toBe(PLAIN.length);
    expect((await foreignError(() => unpack(gzip, PACKED, PLAIN.length - 1))).code).toBe('TOO_BIG');
  });

  test('in many members count together', async () => {
    const packed = Buffer.concat(Array.from({ length: 20 }, () => gzipSync(Buffer.alloc(MIB))));
    expect((await foreignError(() => unpack(gzip, packed, 8 * MIB))).code).toBe('TOO_BIG');
  });
});
