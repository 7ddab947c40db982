/**
 * The content of a URL, in memory that fills block by block. Each block is fetched once, when somebody looks at it,
 * and kept: what a loader has seen is what is checked and run later, whatever the server says meanwhile. The blocks
 * lie behind each other, so that whatever is read of them is no copy.
 */
import { type ContentOptions, FETCHING, type HttpContent, roomFor } from './http-content.ts';
import type { ContentCheck } from './trust.ts';

/** How many blocks one request for the rest asks for. */
const BLOCKS_AT_ONCE = 16;

export class HttpBlocks {
  readonly #content: HttpContent;
  readonly #options: ContentOptions;
  readonly #check: ContentCheck;
  readonly #bytes: Buffer;
  /** Which blocks are there. */
  readonly #present: boolean[];
  readonly #coming = new Map<number, Promise<void>>();
  /** Bytes that are there. */
  #count: number;
  /** How many blocks, from the first on, the check has seen. */
  #checked = 0;

  /** `check` gets every byte, in order, as soon as all before it are there. */
  constructor(content: HttpContent, options: ContentOptions, check: ContentCheck) {
    const { start, size } = content;
    this.#content = content;
    this.#options = options;
    this.#check = check;
    this.#bytes = start.length === size ? start : roomFor(size);
    this.#present = Array.from({ length: Math.ceil(size / options.blockSize) }, () => false);
    this.#count = start.length;
    if (this.#bytes !== start) start.copy(this.#bytes);
    this.#arrived(0, start.length);
  }

  /** Bytes that lie inside the content. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const { blockSize } = this.#options;
    if (length > 0) {
      const last = Math.floor((offset + length - 1) / blockSize);
      for (let index = Math.floor(offset / blockSize); index <= last; index++) {
        if (this.#present[index] !== true) await (this.#coming.get(index) ?? this.#fetch(index, 1));
      }
    }
    return this.#bytes.subarray(offset, offset + length);
  }

  /** Fetches all that is missing, `inFlight` requests at once; returns all bytes. */
  async complete(inFlight: number): Promise<Buffer> {
    const runs = this.#missing();
    let next = 0;
    const worker = async () => {
      for (let run = runs[next++]; run !== undefined; run = runs[next++]) await this.#fetch(...run);
    };
    await Promise.all([...this.#coming.values(), ...Array.from({ length: inFlight }, worker)]);
    return this.#bytes;
  }

  /** Runs of blocks that nobody has asked for: the first, and how many. */
  #missing(): [number, number][] {
    const runs: [number, number][] = [];
    for (let index = 0; index < this.#present.length; index++) {
      if (this.#present[index] === true || this.#coming.has(index)) continue;
      const last = runs.at(-1);
      if (last !== undefined && last[0] + last[1] === index && last[1] < BLOCKS_AT_ONCE) last[1]++;
      else runs.push([index, 1]);
    }
    return runs;
  }

  /** From the moment of the request on the blocks are known to come, so nobody asks for one twice. */
  #fetch(first: number, count: number): Promise<void> {
    const { blockSize, progress } = this.#options;
    const { size } = this.#content;
    const from = first * blockSize;
    const end = Math.min(size, from + count * blockSize);
    const indices = Array.from({ length: count }, (_, index) => first + index);
    let done = from;
    const fetching = this.#content
      .fill(from, this.#bytes.subarray(from, end), (length) => {
        this.#count += length;
        progress(FETCHING, this.#count, size);
        this.#arrived(done, done + length);
        done += length;
      })
      .finally(() => {
        for (const index of indices) this.#coming.delete(index);
      });
    for (const index of indices) this.#coming.set(index, fetching);
    return fetching;
  }

  /** Bytes have come, and all between the beginning of their block and them had come before. */
  #arrived(from: number, end: number): void {
    const { blockSize } = this.#options;
    const { size } = this.#content;
    const whole = end === size ? this.#present.length : Math.floor(end / blockSize);
    for (let index = Math.floor(from / blockSize); index < whole; index++) this.#present[index] = true;
    const before = this.#checked;
    while (this.#present[this.#checked] === true) this.#checked++;
    if (this.#checked > before)
      this.#check.update(this.#bytes.subarray(before * blockSize, this.#checked * blockSize));
  }
}
