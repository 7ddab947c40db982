/** Packed bytes made by hand, after the formats' own documents, where no packer would make them. */
import { readFileSync } from 'node:fs';
import { crc32, gzipSync } from 'node:zlib';

const SAMPLES = new URL('../../samples/', import.meta.url);

/** A sample's bytes, by its path below samples/. */
export const sampleBytes = (path: string): Buffer => readFileSync(new URL(path, SAMPLES));

export type Block =
  | { readonly raw: Uint8Array }
  /** RLE: one byte, many times. */
  | { readonly byte: number; readonly times: number };

/** RFC 8878: a frame with a window of 1 MiB and no checksum. A block may be 128 KiB. */
export function zstdFrame(blocks: readonly Block[], header: readonly number[] = [0x00, 0x50]): Buffer {
  const encoded = blocks.map((block, index) => {
    const [type, size, bytes] =
      'raw' in block ? [0, block.raw.length, block.raw] : [1, block.times, [block.byte]];
    const head = Buffer.alloc(3);
    head.writeUIntLE((size << 3) | (type << 1) | (index === blocks.length - 1 ? 1 : 0), 0, 3);
    return Buffer.concat([head, Uint8Array.from(bytes)]);
  });
  return Buffer.concat([Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, ...header]), ...encoded]);
}

export const xzSum = (bytes: Uint8Array): Buffer => {
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(bytes));
  return sum;
};

/** The multibyte integers of the .xz format. */
function xzInteger(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 0x80, ...xzInteger(Math.floor(value / 128))];
}

/** Where the index of a file of one stream begins. */
export const xzIndexAt = (xz: Buffer): number => xz.length - 12 - (xz.readUInt32LE(xz.length - 8) + 1) * 4;

/** The index's first number: the size of the only block. */
export function xzBlockSize(xz: Buffer): number {
  let at = xzIndexAt(xz) + 2;
  let size = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = xz[at++] ?? 0;
    size += (byte & 0x7f) * scale;
    if (byte < 128) return size;
  }
}

/** An xz file of one block, with another index that says `unpacked` and whose sums are right. */
export function withIndex(xz: Buffer, unpacked: number, blockSize = xzBlockSize(xz)): Buffer {
  const records = [0, 1, ...xzInteger(blockSize), ...xzInteger(unpacked)];
  while (records.length % 4 !== 0) records.push(0);
  const index = Buffer.from(records);
  const backward = Buffer.alloc(4);
  backward.writeUInt32LE((index.length + 4) / 4 - 1);
  const fields = Buffer.concat([backward, xz.subarray(6, 8)]);
  const blocks = xz.subarray(0, xzIndexAt(xz));
  return Buffer.concat([blocks, index, xzSum(index), xzSum(fields), fields, Buffer.from('YZ')]);
}

/** A stream of no blocks: header, index and footer. */
export function emptyXz(flags = 1): Buffer {
  const kind = Buffer.from([0, flags]);
  const index = Buffer.from([0, 0, 0, 0]);
  const fields = Buffer.concat([Buffer.alloc(4), kind]);
  fields.writeUInt32LE(1, 0);
  return Buffer.concat([
    Buffer.from('\xfd7zXZ\0', 'latin1'),
    ...[kind, xzSum(kind), index, xzSum(index), xzSum(fields), fields, Buffer.from('YZ')],
  ]);
}

/** Optional parts of a gzip header before the blocks and the trailer that zlib makes of `data`. */
export function gzipMember(data: Uint8Array, flags: number, extra: Uint8Array, withSum = false): Buffer {
  const plain = gzipSync(data);
  const head = Buffer.concat([Buffer.from(plain.subarray(0, 10)), extra]);
  head[3] = flags | (withSum ? 0x02 : 0);
  const sum = withSum ? xzSum(head).subarray(0, 2) : Buffer.alloc(0);
  return Buffer.concat([head, sum, plain.subarray(10)]);
}

/** 40 MiB of zeros: xz -9 --check=crc32, then zstd -19, 500 bytes in all. */
export const ZEROS_XZ_ZST = Buffer.from(
  `KLUv/QRolQwAxBf9N3pYWgAAAWki3jYCACEBHAAAABDPWMz//xEBbF0AAG/9//+jt/9HPkgVcjlhUbiSKOajhgf57uQegtMvxTo8
AUuxfsmKik0vow3Zf6bjjCMRU+BZGMV1iuJ3+LaUfwxqwN50SWTi6VxTsgTY90QMq18NbUbp5cN2iLeWV6y2TeFpHW/7S4gQbELL
iD9cAI/QTq8mKJRxHz2PJOFwnqcjX+woy4XRlZiKfiqR8id19xnABphNmP3Yr9WQD8QlU/j1kTYxBaWw7m/BcE1HDNGREaqtYB26
zrEnGFxZhulmUli+6XasWeTlWwUI+cfarfz7Uit0zR5bIEL53VM9+ClkCTuAyyps37U78MS9Ll+qDz5LZkKQEw7/EJP4cXhZ+AvN
/5UoRg+p/Hze+5owLlbAj4Xzg4HAZbxIJ+ZYn/8QASsA7HNTp/2+rnwxGp+3jTFuUQ8/soASqgAGAObDidwA6mPr/gABszCAgIAU
Dewf0z4wDYsCAAAAAAFZWgUAOODfimb1NETA8cFS4w37aJgCpaG6Aw==`,
  'base64',
);
