/**
 * Where an entry of a ZIP archive is, by its central directory (APPNOTE.TXT 6.3.10, sections 4.3 and 4.4). What lies
 * before the archive is allowed for, as java does: offsets count from where the archive begins.
 */
import { type Source, Structure } from 'run-foreign/loader';

const SIGNATURE = {
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator: 0x07064b50,
};
const SIZE = { central: 46, end: 22, end64: 56, locator: 20 } as const;
const MAX_COMMENT = 0xffff;
/** A central directory larger than this is none of a program; java's own hold some ten thousand entries. */
const MAX_DIRECTORY = 64 * 2 ** 20;
/** What a 32-bit field says whose value stands in the ZIP64 structures. */
const ELSEWHERE = 0xffffffff;

/** The central directory's place in the file, and how far the archive lies behind the file's beginning. */
interface Directory {
  readonly at: number;
  readonly size: number;
  readonly shift: number;
}

/** One header of the central directory. */
export interface Entry {
  readonly name: string;
  readonly header: Structure;
  readonly shift: number;
}

/** Whether there is an archive's end, in a file's last `searched` bytes. */
export async function findEnd(
  source: Source,
  searched = SIZE.end + MAX_COMMENT,
): Promise<Structure | undefined> {
  const size = Math.min(searched, source.size);
  const tail = Buffer.from(await source.read(source.size - size, size));
  for (let at = tail.length - SIZE.end; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== SIGNATURE.end) continue;
    if (at + SIZE.end + tail.readUInt16LE(at + 20) !== tail.length) continue;
    return new Structure(tail.subarray(at, at + SIZE.end), source.size - size + at);
  }
  return undefined;
}

/** Throws FormatError where it is no place in the file. */
async function directoryOf(source: Source, end: Structure): Promise<Directory> {
  const [size, offset] = [end.u32(12), end.u32(16)];
  if (end.u16(4) !== 0 && end.u16(4) !== 0xffff)
    throw end.error('is a part of an archive of several', 4, 'number of this disk', end.u16(4));
  if (size !== ELSEWHERE && offset !== ELSEWHERE) return placed(end.offset, end, 12, size, offset);
  const locatorAt = end.offset - SIZE.locator;
  if (locatorAt < 0) throw end.error('lacks its ZIP64 locator', 16, 'offset of central directory', offset);
  const locator = await Structure.read(source, locatorAt, SIZE.locator, 'ZIP64 locator');
  if (locator.u32(0) !== SIGNATURE.locator)
    throw locator.error('lacks its ZIP64 locator', 0, 'signature', locator.u32(0));
  const end64At = locatorAt - SIZE.end64;
  if (end64At < 0) throw locator.error('lacks its ZIP64 end', 8, 'offset of ZIP64 end', locator.u64(8));
  // Directly before its locator, unless somebody has extended it, which nobody does.
  const end64 = await Structure.read(source, end64At, SIZE.end64, 'ZIP64 end');
  if (end64.u32(0) !== SIGNATURE.end64)
    throw end64.error('lacks its ZIP64 end', 0, 'signature', end64.u32(0));
  return placed(end64At, end64, 40, end64.u64(40), end64.u64(48));
}

/** The directory ends where `limit` is; `field` is where its size stands, its offset follows. */
function placed(
  limit: number,
  end: Structure,
  field: number,
  size: bigint | number,
  offset: bigint | number,
): Directory {
  if (size > limit || size > MAX_DIRECTORY)
    throw end.error('has no room for its central directory', field, 'size of central directory', size);
  const at = limit - Number(size);
  const width = typeof offset === 'bigint' ? 8 : 4;
  if (offset > at)
    throw end.error(
      'has its central directory past its end',
      field + width,
      'offset of central directory',
      offset,
    );
  return { at, size: Number(size), shift: at - Number(offset) };
}

/** The entry of this name, in any case of letters, in the first `searched` bytes of the directory. */
export async function findEntry(
  source: Source,
  end: Structure,
  name: string,
  searched: number = MAX_DIRECTORY,
): Promise<Entry | undefined> {
  const { at, size, shift } = await directoryOf(source, end);
  const bytes = Buffer.from(await source.read(at, Math.min(size, searched)));
  for (let from = 0; from + SIZE.central <= bytes.length; ) {
    const header = new Structure(bytes.subarray(from), at + from);
    if (header.u32(0) !== SIGNATURE.central)
      throw header.error('has a damaged central directory', 0, 'signature', header.u32(0));
    const nameEnd = SIZE.central + header.u16(28);
    const found = bytes.toString('utf8', from + SIZE.central, from + nameEnd);
    if (found.toLowerCase() === name.toLowerCase()) return { name: found, header, shift };
    from += nameEnd + header.u16(30) + header.u16(32);
  }
  return undefined;
}
