/** The header of a gzip member (RFC 1952, section 2.3). All of its sizes are bounded before anything is read. */
import { crc32 } from 'node:zlib';
import { FormatError, hex, type Source, Structure } from 'run-foreign/loader';

const FIXED_SIZE = 10;
const CM_DEFLATE = 8;
const FLG = { FHCRC: 0x02, FEXTRA: 0x04, FNAME: 0x08, FCOMMENT: 0x10, reserved: 0xe0 } as const;
/** A name or a comment: a whole path fits, and a file without a NUL is not read to its end. */
const MAX_STRING = 8192;

/** Checks the header of the member at `at` and returns where its compressed blocks begin. */
export async function headerEnd(source: Source, at: number): Promise<number> {
  const fixed = await Structure.read(source, at, FIXED_SIZE, 'gzip header');
  if (fixed.u16(0) !== 0x8b1f) throw fixed.error('is not gzip', 0, 'ID1, ID2', fixed.u16(0));
  const flags = fixed.u8(3);
  if (fixed.u8(2) !== CM_DEFLATE) {
    throw fixed.error('is packed by a method that gzip does not have', 2, 'CM', fixed.u8(2));
  }
  if ((flags & FLG.reserved) !== 0) throw fixed.error('has reserved flags set', 3, 'FLG', flags);
  let end = at + FIXED_SIZE;
  if (flags & FLG.FEXTRA) {
    const size = await Structure.read(source, end, 2, 'XLEN');
    await Structure.read(source, end + 2, size.u16(0), 'extra field');
    end += 2 + size.u16(0);
  }
  if (flags & FLG.FNAME) end = await stringEnd(source, end, 'FNAME');
  if (flags & FLG.FCOMMENT) end = await stringEnd(source, end, 'FCOMMENT');
  if (flags & FLG.FHCRC) {
    const stored = await Structure.read(source, end, 2, 'CRC16');
    const computed = crc32(await source.read(at, end - at)) & 0xffff;
    if (stored.u16(0) !== computed) {
      throw stored.error(`has a damaged gzip header: its sum is ${hex(computed)}`, 0, 'CRC16', stored.u16(0));
    }
    end += 2;
  }
  return end;
}

async function stringEnd(source: Source, at: number, field: string): Promise<number> {
  const bytes = await source.read(at, Math.min(MAX_STRING, source.size - at));
  const nul = bytes.indexOf(0);
  if (nul >= 0) return at + nul + 1;
  throw new FormatError('has a gzip header whose text does not end', {
    offset: at,
    field,
    value: `${bytes.length} bytes without a NUL`,
  });
}
