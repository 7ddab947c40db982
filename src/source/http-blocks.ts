/**
 * The content of a URL in blocks. Each is fetched once, when somebody looks at it, and kept: what a loader has
 * seen is what is checked and run later, whatever the server says meanwhile.
 */
import { ForeignError } from '../errors.ts';
import type { HttpContent } from './http-content.ts';

/** How many blocks one request for the rest asks for. */
const BLOCKS_AT_ONCE = 16;

/** Told how many bytes are there, and how many there will be. */
export type OnProgress = (bytes: number, total: number) => void;

export class HttpBlocks {
  readonly #content: HttpContent;
  readonly #blockSize: number;
  readonly #onProgress: OnProgress | undefined;
  readonly #blocks: (Buffer | undefined)[];
  readonly #coming = new Map<number, Promise<void>>();
  #bytes = 0;

  constructor(content: HttpContent, blockSize: number, onProgress?: OnProgress) {
    this.#content = content;
    this.#blockSize = blockSize;
    this.#onProgress = onProgress;
    this.#blocks = Array.from({ length: Math.ceil(content.size / blockSize) });
    content.start.forEach((block, index) => {
      this.#keep(index, block);
    });
  }

  /** Bytes that lie inside the content; a copy where they lie in several blocks. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    if (length === 0) return new Uint8Array(0);
    const first = Math.floor(offset / this.#blockSize);
    const last = Math.floor((offset + length - 1) / this.#blockSize);
    for (let index = first; index <= last; index++) {
      if (this.#blocks[index] === undefined) await (this.#coming.get(index) ?? this.#fetch(index, 1));
    }
    const parts = this.#blocks.slice(first, last + 1).map(present);
    const [only] = parts;
    const joined = only !== undefined && parts.length === 1 ? only : Buffer.concat(parts);
    const start = offset - first * this.#blockSize;
    return joined.subarray(start, start + length);
  }

  /** Fetches all that is missing, `inFlight` requests at once; returns every block, in order. */
  async complete(inFlight: number): Promise<readonly Buffer[]> {
    const runs = this.#missing();
    let next = 0;
    const worker = async () => {
      for (let run = runs[next++]; run !== undefined; run = runs[next++]) await this.#fetch(...run);
    };
    await Promise.all([...this.#coming.values(), ...Array.from({ length: inFlight }, worker)]);
    return this.#blocks.map(present);
  }

  /** Runs of blocks that nobody has asked for: the first, and how many. */
  #missing(): [number, number][] {
    const runs: [number, number][] = [];
    for (let index = 0; index < this.#blocks.length; index++) {
      if (this.#blocks[index] !== undefined || this.#coming.has(index)) continue;
      const last = runs.at(-1);
      if (last !== undefined && last[0] + last[1] === index && last[1] < BLOCKS_AT_ONCE) last[1]++;
      else runs.push([index, 1]);
    }
    return runs;
  }

  /** From the moment of the request on the blocks are known to come, so nobody asks for one twice. */
  #fetch(first: number, count: number): Promise<void> {
    const from = first * this.#blockSize;
    const end = Math.min(this.#content.size, from + count * this.#blockSize);
    const indices = Array.from({ length: count }, (_, index) => first + index);
    const fetching = this.#content
      .range(from, end)
      .then((bytes) => {
        for (const index of indices) {
          const at = (index - first) * this.#blockSize;
          this.#keep(index, bytes.subarray(at, at + this.#blockSize));
        }
      })
      .finally(() => {
        for (const index of indices) this.#coming.delete(index);
      });
    for (const index of indices) this.#coming.set(index, fetching);
    return fetching;
  }

  #keep(index: number, block: Buffer): void {
    this.#blocks[index] = block;
    this.#bytes += block.length;
    this.#onProgress?.(this.#bytes, this.#content.size);
  }
}

function present(block: Buffer | undefined): Buffer {
  if (block === undefined) throw new ForeignError('INTERNAL', 'a block of the program is missing');
  return block;
}
