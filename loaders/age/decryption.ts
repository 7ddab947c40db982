/**
 * Decrypts runs of whole chunks into memory of the caller's: one thread for what loaders look at, two as soon as there is
 * much to do.
 */
import type { Source } from 'run-foreign/loader';
import { CHUNK_SIZE, type Chunks, openChunkInto, SEALED_CHUNK_SIZE } from './chunks.ts';
import { chunkError } from './diagnosis.ts';
import { collectChunks } from './garbage.ts';
import { SecondThread } from './second-thread.ts';

/** Starting a thread takes as long as decrypting some 50 MiB; it happens meanwhile. */
const WORTH_A_THREAD = (16 * 2 ** 20) / CHUNK_SIZE;
/** Fewer chunks than that are done before the other thread has heard of them. */
const WORTH_SHARING = 8;
/** As much ciphertext is read before the other thread may begin with it. */
const SLICE = 16;

export class Decryption {
  readonly #source: Source;
  readonly #chunks: Chunks;
  readonly #key: Uint8Array;
  /** Chunks not yet decrypted, if none is twice. */
  #left: number;
  /** Null when it cannot be had. */
  #thread: SecondThread | null | undefined;

  constructor(source: Source, chunks: Chunks, key: Uint8Array) {
    this.#source = source;
    this.#chunks = chunks;
    this.#key = key;
    this.#left = chunks.count;
  }

  /**
   * `count` chunks from `first` on, at most MAX_COUNT; `target` is as long as their plaintext. Throws FormatError for one
   * that is not authentic, of which no byte was written.
   */
  async run(first: number, count: number, target: Uint8Array): Promise<void> {
    if (this.#thread === undefined && count >= WORTH_SHARING && this.#left >= WORTH_A_THREAD) {
      this.#thread = SecondThread.start(this.#key, this.#chunks) ?? null;
    }
    const shared = count >= WORTH_SHARING && this.#thread ? this.#thread : undefined;
    // Alone once more, to find out what is wrong.
    if (shared === undefined || !(await this.#together(shared, first, count, target))) {
      await this.#alone(first, count, target);
    }
    this.#left -= count;
    if (count >= WORTH_SHARING) collectChunks();
  }

  wipe(): void {
    this.#thread?.end();
    this.#thread = null;
  }

  async #alone(first: number, count: number, target: Uint8Array): Promise<void> {
    const sealed = await this.#source.read(this.#chunks.offset(first), this.#sealedSize(first, count));
    for (let place = 0; place < count; place++) {
      if (openChunkInto(target, { chunks: this.#chunks, key: this.#key, first, sealed, place })) continue;
      throw await chunkError(this.#source, this.#chunks, this.#key, first + place);
    }
  }

  /** Says whether all were authentic. Its beginning must not wait: the caller has other work meanwhile. */
  async #together(thread: SecondThread, first: number, count: number, target: Uint8Array): Promise<boolean> {
    const job = thread.begin(first, count, target);
    try {
      for (let place = 0; place < count; place += SLICE) {
        const part = Math.min(SLICE, count - place);
        const from = place * SEALED_CHUNK_SIZE;
        const into = thread.sealed.subarray(from, from + this.#sealedSize(first + place, part));
        const reading = this.#readSealed(this.#chunks.offset(first + place), into);
        if (reading !== undefined) await reading;
        job.release(place + part);
      }
    } catch (error) {
      job.abandon();
      throw error;
    }
    return job.finish();
  }

  #readSealed(offset: number, into: Uint8Array): Promise<void> | undefined {
    const { readInto } = this.#source;
    const read = readInto === undefined ? this.#source.read(offset, into.length) : readInto(offset, into);
    if (read instanceof Promise) return read.then((bytes) => void (bytes && into.set(bytes)));
    if (read !== undefined) into.set(read);
    return undefined;
  }

  #sealedSize(first: number, count: number): number {
    return this.#chunks.offset(first + count) - this.#chunks.offset(first);
  }
}
