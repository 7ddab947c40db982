/** Bytes that an emitted program keeps in memory beside its code. */

/** Parts one after the other, each at an address that is known as soon as it is added. */
export class Blobs {
  readonly #start: bigint;
  readonly #parts: Uint8Array[] = [];
  #size: number;

  /** `before` bytes at the start are somebody else's, as an ELF file's headers are. */
  constructor(start: bigint, before: number) {
    this.#start = start;
    this.#size = before;
  }

  /** Returns the address `bytes` will have. */
  add = (bytes: Uint8Array): bigint => {
    const address = this.#start + BigInt(this.#size);
    this.#parts.push(bytes);
    this.#size += bytes.length;
    return address;
  };

  finish(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}
