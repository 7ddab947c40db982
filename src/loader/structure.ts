/** Reading binary structures without trusting them: fields at checked offsets, in the file's byte order. */
import { FormatError, type FormatValue } from '../errors.ts';
import type { Source } from '../source/source.ts';

/** The first bytes of a source, at most `length` of them: for probes, which may meet a short file. */
export async function head(source: Source, length: number): Promise<Uint8Array> {
  return source.read(0, Math.min(length, source.size));
}

/** Whether a source begins with these bytes: the whole probe of a format with a magic number. */
export async function startsWith(source: Source, bytes: Uint8Array): Promise<boolean> {
  const start = await head(source, bytes.length);
  return Buffer.compare(start, bytes) === 0;
}

/** Which byte of a number comes first: the lowest (`little`) or the highest. */
export type ByteOrder = 'little' | 'big';

/** A structure that lies whole in a file; each getter takes the offset inside the structure. */
export class Structure {
  readonly bytes: Uint8Array;
  /** File offset of the structure's first byte. */
  readonly offset: number;
  readonly #view: DataView;
  readonly #little: boolean;

  constructor(bytes: Uint8Array, offset: number, order: ByteOrder = 'little') {
    this.bytes = bytes;
    this.offset = offset;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#little = order === 'little';
  }

  /** Reads `size` bytes at `offset`; a file that ends before them is a FormatError naming `field`. */
  static async read(
    source: Source,
    offset: number,
    size: number,
    field: string,
    order: ByteOrder = 'little',
  ): Promise<Structure> {
    if (offset + size > source.size) {
      throw new FormatError(
        `is too short for its ${field}: ${size} bytes are needed, the file has ${source.size}`,
        {
          offset,
          field,
          value: `${Math.max(0, source.size - offset)} bytes`,
        },
      );
    }
    return new Structure(await source.read(offset, size), offset, order);
  }

  /** An unsigned number of 8 bits. */
  u8(at: number): number {
    return this.#view.getUint8(at);
  }
  /** An unsigned number of 16 bits. */
  u16(at: number): number {
    return this.#view.getUint16(at, this.#little);
  }
  /** An unsigned number of 32 bits. */
  u32(at: number): number {
    return this.#view.getUint32(at, this.#little);
  }
  /** An unsigned number of 64 bits. */
  u64(at: number): bigint {
    return this.#view.getBigUint64(at, this.#little);
  }
  /** A number of 8 bits with a sign. */
  i8(at: number): number {
    return this.#view.getInt8(at);
  }
  /** A number of 16 bits with a sign. */
  i16(at: number): number {
    return this.#view.getInt16(at, this.#little);
  }
  /** A number of 32 bits with a sign. */
  i32(at: number): number {
    return this.#view.getInt32(at, this.#little);
  }
  /** A number of 64 bits with a sign. */
  i64(at: number): bigint {
    return this.#view.getBigInt64(at, this.#little);
  }

  /** An error about the field at `at`. */
  error(message: string, at: number, field: string, value: FormatValue): FormatError {
    return new FormatError(message, { offset: this.offset + at, field, value });
  }
}
