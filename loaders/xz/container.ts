/**
 * What the .xz format 1.2.1 says around its compressed blocks: streams behind each other, each with a header, an
 * index of its blocks and a footer, and padding. Read from the end, as the footers allow it, so that what is cut off
 * or damaged there, or unpacks to too much, is known before anything is unpacked.
 */
import { crc32 } from 'node:zlib';
import { ForeignError, FormatError, hex, type Source, Structure } from 'run-foreign/loader';

export interface XzStream {
  readonly start: number;
  readonly end: number;
  /** What the index promises, bytes. */
  readonly unpackedSize: number;
}

const HEADER_SIZE = 12;
const FOOTER_SIZE = 12;
const HEADER_MAGIC = 'fd377a585a00';
const FOOTER_MAGIC = 0x5a59;
const CHECK = { none: 0, CRC32: 1, CRC64: 4 } as const;
/** Each stream is a decoder of its own; xz(1) makes one, pixz and cat make a few. */
const MAX_STREAMS = 1024;
/** A hundred thousand blocks at least. */
const MAX_INDEX_SIZE = 2 ** 21;
/** Stream padding that we look for: more than anything aligns files to. */
const MAX_PADDING = 2 ** 16;

/** The streams of a file, first one first. Throws a FormatError, or UNSUPPORTED. */
export async function readStreams(source: Source): Promise<XzStream[]> {
  const streams: XzStream[] = [];
  let end = await withoutPadding(source, source.size);
  do {
    if (streams.length === MAX_STREAMS) {
      const message = `has more than ${MAX_STREAMS} xz streams`;
      throw new FormatError(message, { offset: end, field: 'Footer Magic Bytes', value: 'one more' });
    }
    const stream = await streamBefore(source, end);
    streams.unshift(stream);
    end = stream.start === 0 ? 0 : await withoutPadding(source, stream.start);
  } while (end > 0);
  return streams;
}

/** Where the last stream ends: four zeros, as often as one likes, may follow. */
async function withoutPadding(source: Source, end: number): Promise<number> {
  const start = Math.max(HEADER_SIZE, end - MAX_PADDING);
  if (start >= end) return end;
  const bytes = await source.read(start, end - start);
  let size = bytes.length;
  while (size >= 4 && bytes.subarray(size - 4, size).every((byte) => byte === 0)) size -= 4;
  return start + size;
}

async function streamBefore(source: Source, end: number): Promise<XzStream> {
  const start = Math.max(0, end - FOOTER_SIZE);
  const footer = await Structure.read(source, start, FOOTER_SIZE, 'xz footer');
  if (end - start !== FOOTER_SIZE || footer.u16(10) !== FOOTER_MAGIC) {
    const message = 'is cut off, or goes on behind its end with something that is not xz';
    throw footer.error(message, 10, 'Footer Magic Bytes', footer.u16(10));
  }
  checkSum(footer, 0, footer.bytes.subarray(4, 10), 'xz footer');
  const indexSize = (footer.u32(4) + 1) * 4;
  const indexStart = end - FOOTER_SIZE - indexSize;
  if (indexSize > MAX_INDEX_SIZE || indexStart < HEADER_SIZE) {
    throw footer.error('has an index that cannot be', 4, 'Backward Size', footer.u32(4));
  }
  const index = await Structure.read(source, indexStart, indexSize, 'xz index');
  checkSum(index, indexSize - 4, index.bytes.subarray(0, indexSize - 4), 'xz index');
  const { blocksSize, unpackedSize } = readIndex(index);
  const headerStart = indexStart - blocksSize - HEADER_SIZE;
  if (headerStart < 0) throw index.error('has fewer bytes than its index says', 1, 'Index', blocksSize);
  const flags = footer.u16(8);
  await checkHeader(source, headerStart, flags);
  return { start: headerStart, end, unpackedSize };
}

async function checkHeader(source: Source, start: number, footerFlags: number): Promise<void> {
  const header = await Structure.read(source, start, HEADER_SIZE, 'xz header');
  const magic = Buffer.from(header.bytes.subarray(0, 6)).toString('hex');
  if (magic !== HEADER_MAGIC) {
    throw header.error('has no xz header where its index says', 0, 'Header Magic Bytes', `0x${magic}`);
  }
  checkSum(header, 8, header.bytes.subarray(6, 8), 'xz header');
  const flags = header.u16(6);
  if (flags !== footerFlags) {
    throw header.error('has a header and a footer that differ', 6, 'Stream Flags', flags);
  }
  const check = flags >> 8;
  if (![CHECK.none, CHECK.CRC32, CHECK.CRC64].some((known) => flags === known << 8)) {
    const { message } = header.error(
      'is packed with a check that is not supported',
      6,
      'Stream Flags',
      flags,
    );
    const hint = check === 10 ? 'pack it with --check=crc64, not SHA-256' : 'pack it with --check=crc64';
    throw new ForeignError('UNSUPPORTED', message, { hint });
  }
}

function checkSum(structure: Structure, at: number, bytes: Uint8Array, what: string): void {
  const [stored, computed] = [structure.u32(at), crc32(bytes)];
  if (stored === computed) return;
  throw structure.error(`has a damaged ${what}: its sum is ${hex(computed)}`, at, 'CRC32', stored);
}

/** Adds up the records. Its sum was right, so what is wrong here was made to be wrong. */
function readIndex(index: Structure): { blocksSize: number; unpackedSize: number } {
  const limit = index.bytes.length - 4;
  let at = 1;
  /** Multibyte integers, section 1.2: seven bits a byte, the lowest first, at most 63 bits. */
  const integer = (field: string): number => {
    const start = at;
    let value = 0;
    for (let scale = 1; at < limit; scale *= 128) {
      const byte = index.u8(at++);
      value += (byte & 0x7f) * scale;
      if (!Number.isSafeInteger(value)) break;
      if (byte < 0x80) return value;
    }
    throw index.error('has an index that cannot be', start, field, value);
  };
  if (index.u8(0) !== 0) throw index.error('has no index', 0, 'Index Indicator', index.u8(0));
  const count = integer('Number of Records');
  let [blocksSize, unpackedSize] = [0, 0];
  for (let record = 0; record < count; record++) {
    const recordAt = at;
    blocksSize += Math.ceil(integer('Unpadded Size') / 4) * 4;
    unpackedSize += integer('Uncompressed Size');
    if (!Number.isSafeInteger(blocksSize) || !Number.isSafeInteger(unpackedSize)) {
      throw index.error('has an index that cannot be', recordAt, 'Index', 'sizes above 2^53');
    }
  }
  if (limit - at > 3) {
    throw index.error('has an index that is longer than its records', at, 'Index Padding', limit - at);
  }
  return { blocksSize, unpackedSize };
}
