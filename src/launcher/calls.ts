/**
 * System calls that the launcher makes for Node, as Node writes them down: the launcher's process is the one that counts,
 * and Node has no system calls of its own but through koffi, which costs a start 8 ms.
 *
 * A block of fixed size lies in the launcher's memory at a fixed address. It has a count, that many calls, and room
 * for texts. A call is eight words: its number, six arguments, and the address where the result goes, which may be
 * an argument of a later call. The launcher makes them one after the other and sends the block back.
 */

const WORD = 8;
/** Words of a call: its number, its arguments, where its result goes. */
export const CALL = { number: 0, arguments: 1, result: 7, size: 8 * WORD } as const;
export const MAX_CALLS = 8;
const TEXT_SIZE = 512;
/** Offsets in a block; its count stands at 0. */
export const BLOCK = {
  calls: WORD,
  texts: WORD + MAX_CALLS * CALL.size,
  size: WORD + MAX_CALLS * CALL.size + TEXT_SIZE,
} as const;

export class Calls {
  readonly #block = Buffer.alloc(BLOCK.size);
  readonly #address: bigint;
  #count = 0;
  #texts: number = BLOCK.texts;

  /** `address` is where the launcher has its block. */
  constructor(address: bigint) {
    this.#address = address;
  }

  /** The address of a NUL-terminated string. */
  text(bytes: Uint8Array): bigint {
    const at = this.#texts;
    this.#texts += bytes.length + 1;
    if (this.#texts > BLOCK.size) throw new RangeError('too many texts for one block');
    this.#block.set(bytes, at);
    return this.#address + BigInt(at);
  }

  /** Returns where in the block the result will stand: behind the call, or in argument `into` of the next call. */
  add(number: number, args: readonly (number | bigint)[], into?: number): number {
    const at = BLOCK.calls + this.#count++ * CALL.size;
    if (this.#count > MAX_CALLS) throw new RangeError('too many calls for one block');
    this.#block.writeBigInt64LE(BigInt(this.#count), 0);
    [number, ...args].forEach((word, index) => {
      this.#block.writeBigInt64LE(BigInt(word), at + index * WORD);
    });
    const result = into === undefined ? at : at + CALL.size + (CALL.arguments + into) * WORD;
    this.#block.writeBigInt64LE(this.#address + BigInt(result), at + CALL.result * WORD);
    return result;
  }

  get bytes(): Uint8Array {
    return this.#block;
  }
}
