/** ZIP archives from a description (APPNOTE.TXT), with what is to be wrong in them put in afterwards by `change`. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipEntry {
  readonly name: string;
  readonly content: string;
  readonly deflated?: boolean;
}

export interface ZipOptions {
  readonly comment?: string;
  /** Whether the directory's place stands in the ZIP64 structures. */
  readonly zip64?: boolean;
}

/** The places of an archive's structures, file offsets. */
export interface ZipPlaces {
  /** Of the first entry. */
  readonly local: number;
  readonly central: number;
  readonly end64: number;
  readonly end: number;
}

export interface Zip extends ZipPlaces {
  readonly bytes: Buffer;
}

export function writeZip(
  entries: readonly ZipEntry[],
  { comment = '', zip64 = false }: ZipOptions = {},
): Zip {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, deflated = false } of entries) {
    const plain = Buffer.from(content);
    const packed = deflated ? deflateRawSync(plain) : plain;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(deflated ? 8 : 0, 4);
    common.writeUInt32LE(crc32(plain), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(plain.length, 18);
    common.writeUInt16LE(name.length, 22);
    const file = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\0\0'), common, tail, Buffer.from(name)]));
    files.push(file);
    offset += file.length;
  }
  const size = Buffer.concat(directory).length;
  const [shownSize, shownOffset] = zip64 ? [0xffffffff, 0xffffffff] : [size, offset];
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(shownSize, 12);
  end.writeUInt32LE(shownOffset, 16);
  end.writeUInt16LE(comment.length, 20);
  const wide = zip64 ? wideEnd(entries.length, size, offset) : Buffer.alloc(0);
  const end64 = offset + size;
  return {
    bytes: Buffer.concat([...files, ...directory, wide, end, Buffer.from(comment)]),
    local: 0,
    central: offset,
    end64,
    end: end64 + wide.length,
  };
}

/** The ZIP64 end of the central directory and its locator. */
function wideEnd(count: number, size: number, offset: number): Buffer {
  const bytes = Buffer.alloc(56 + 20);
  bytes.write('PK\x06\x06', 'latin1');
  bytes.writeBigUInt64LE(44n, 4);
  bytes.writeBigUInt64LE(BigInt(count), 24);
  bytes.writeBigUInt64LE(BigInt(count), 32);
  bytes.writeBigUInt64LE(BigInt(size), 40);
  bytes.writeBigUInt64LE(BigInt(offset), 48);
  bytes.write('PK\x06\x07', 56, 'latin1');
  bytes.writeBigUInt64LE(BigInt(offset + size), 64);
  bytes.writeUInt32LE(1, 72);
  return bytes;
}

export const MANIFEST = 'META-INF/MANIFEST.MF';

/** An archive that java would run, as far as its manifest goes. */
export function writeJar(
  manifest = 'Manifest-Version: 1.0\r\nMain-Class: Hello\r\n\r\n',
  options?: ZipOptions,
): Zip {
  return writeZip([{ name: MANIFEST, content: manifest, deflated: true }], options);
}
