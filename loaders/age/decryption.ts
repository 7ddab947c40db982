/** Decrypts runs of whole chunks into memory of the caller's. */
import type { Source } from 'run-foreign/loader';
import { type Chunks, openChunk } from './chunks.ts';
import { chunkError } from './diagnosis.ts';

export class Decryption {
  readonly #sealed: Source;
  readonly #chunks: Chunks;
  readonly #key: Uint8Array;

  constructor(sealed: Source, chunks: Chunks, key: Uint8Array) {
    this.#sealed = sealed;
    this.#chunks = chunks;
    this.#key = key;
  }

  /**
   * `count` chunks from `first` on; `target` is as long as their plaintext. Throws FormatError for one that is not
   * authentic, of which no byte was written.
   */
  async run(first: number, count: number, target: Uint8Array): Promise<void> {
    const start = this.#chunks.offset(first);
    const sealed = await this.#sealed.read(start, this.#chunks.offset(first + count) - start);
    let at = 0;
    for (let index = first; index < first + count; index++) {
      const from = this.#chunks.offset(index) - start;
      const chunk = sealed.subarray(from, from + this.#chunks.sealedSize(index));
      const plain = openChunk(this.#key, index, index === this.#chunks.last, chunk);
      if (plain === undefined) throw await chunkError(this.#sealed, this.#chunks, this.#key, index);
      target.set(plain, at);
      at += plain.length;
      plain.fill(0);
    }
  }
}
