/** Reading what WebAssembly is written in: LEB128 numbers, and names with their length before them. */
import { FormatError } from 'run-foreign/loader';

/** A u32 in LEB128 takes at most so many bytes. */
const MAX_U32_BYTES = 5;

/** Goes through bytes that lie at `offset` of the file. Everything throws FormatError where they end too early. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #offset: number;
  #at = 0;

  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = bytes;
    this.#offset = offset;
  }

  /** Bytes read so far. */
  get position(): number {
    return this.#at;
  }

  u8(field: string): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw this.error('ends too early', field, 'nothing');
    this.#at++;
    return byte;
  }

  u32(field: string): number {
    const start = this.#at;
    let value = 0;
    for (let index = 0; index < MAX_U32_BYTES; index++) {
      const byte = this.u8(field);
      value += (byte & 0x7f) * 2 ** (7 * index);
      if ((byte & 0x80) === 0) {
        if (value > 0xffffffff) break;
        return value;
      }
    }
    this.#at = start;
    throw this.error('has a number of more than 32 bits', field, value);
  }

  name(field: string): string {
    const size = this.u32(`length of ${field}`);
    if (size > this.#bytes.length - this.#at) throw this.error('ends in a name', `length of ${field}`, size);
    const bytes = this.#bytes.subarray(this.#at, this.#at + size);
    this.#at += size;
    return Buffer.from(bytes).toString('utf8');
  }

  /** An error at the present place. */
  error(message: string, field: string, value: number | string): FormatError {
    return new FormatError(message, { offset: this.#offset + this.#at, field, value });
  }
}
