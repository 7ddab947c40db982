/**
 * The payload as a Source: random access to chunks, each of which is authentic before a byte of it is handed on. How many
 * there are is authentic, too: only the last one is sealed as final.
 */
import { checkRange, FormatError, type OnProgress, type Source } from 'run-foreign/loader';
import { CHUNK_SIZE, Chunks } from './chunks.ts';
import { TAG_SIZE } from './cipher.ts';
import { Decryption } from './decryption.ts';
import { MAX_COUNT } from './share.ts';

/** Plaintext of so many chunks is kept: what loaders read lies in few places. */
const KEPT_CHUNKS = 8;

/**
 * What is sealed in `sealed` from `start` on, bytes, under `key`, which belongs to the result. Throws FormatError unless
 * the last chunk is authentic.
 */
export async function openPayload(
  sealed: Source,
  start: number,
  key: Uint8Array,
  confidential: boolean,
  progress: OnProgress,
): Promise<Source> {
  const size = sealed.size - start;
  if (size < TAG_SIZE) {
    throw new FormatError('is cut off', { offset: start, field: 'chunk', value: `${size} bytes` });
  }
  const payload = new Payload(sealed, new Chunks(start, size), key);
  await payload.checkLast();
  return {
    name: sealed.name,
    size: payload.size,
    confidential,
    read: (offset, length) => payload.read(offset, length),
    readInto: (offset, target) => payload.readInto(offset, target),
    async checkAll() {
      await payload.checkAll(progress);
      await sealed.checkAll?.();
    },
    wipe() {
      payload.wipe();
      sealed.wipe?.();
    },
  };
}

class Payload {
  readonly size: number;
  readonly #name: string;
  readonly #chunks: Chunks;
  readonly #key: Uint8Array;
  readonly #decryption: Decryption;
  /** One byte a chunk: whether it was found authentic. */
  readonly #checked: Uint8Array;
  /** The one that was used last is at the end. */
  readonly #kept = new Map<number, Buffer>();
  /** What `read` gave away and may still be there. */
  readonly #handedOut: WeakRef<Uint8Array>[] = [];
  #wiped = false;
  /** Reads that have not ended, each of which waits for the one before. */
  #reading = 0;
  #lastRead: Promise<void> = Promise.resolve();

  constructor(sealed: Source, chunks: Chunks, key: Uint8Array) {
    this.size = chunks.size;
    this.#name = sealed.name;
    this.#chunks = chunks;
    this.#key = key;
    this.#decryption = new Decryption(sealed, chunks, key);
    this.#checked = new Uint8Array(chunks.count);
  }

  async checkLast(): Promise<void> {
    const { last } = this.#chunks;
    if (last > 0 && this.#chunks.plainSize(last) <= 0) {
      const location = { offset: this.#chunks.offset(last), field: 'chunk', value: `${last + 1}, empty` };
      throw new FormatError('is cut off, or goes on behind its final chunk', location);
    }
    await this.#chunk(last);
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    checkRange(this.#name, this.size, offset, length);
    const bytes = Buffer.allocUnsafeSlow(length);
    this.#handedOut.push(new WeakRef(bytes));
    await this.readInto(offset, bytes);
    return bytes;
  }

  /** Begins at once if no other read is under way: see Decryption. */
  readInto(offset: number, target: Uint8Array): Promise<void> {
    return this.#inTurn(() => this.#fill(offset, target));
  }

  /** Decrypts what nobody has read yet. */
  checkAll(progress: OnProgress): Promise<void> {
    return this.#inTurn(() => this.#checkRest(progress));
  }

  wipe(): void {
    this.#wiped = true;
    this.#key.fill(0);
    this.#decryption.wipe();
    for (const chunk of this.#kept.values()) chunk.fill(0);
    this.#kept.clear();
    for (const bytes of this.#handedOut.splice(0)) bytes.deref()?.fill(0);
  }

  async #checkRest(progress: OnProgress): Promise<void> {
    const scratch = new Uint8Array(new SharedArrayBuffer(Math.min(MAX_COUNT * CHUNK_SIZE, this.size)));
    const { count } = this.#chunks;
    try {
      for (let first = 0; first < count; ) {
        let end = first;
        while (end < count && end < first + MAX_COUNT && this.#checked[end] === 0) end += 1;
        if (end > first) {
          await this.#decrypt(first, end - first, scratch.subarray(0, this.#plainSize(first, end - first)));
          progress('checking', Math.min(end * CHUNK_SIZE, this.size), this.size);
        }
        first = Math.max(end, first + 1);
      }
    } finally {
      scratch.fill(0);
    }
  }

  async #fill(offset: number, target: Uint8Array): Promise<void> {
    checkRange(this.#name, this.size, offset, target.length);
    for (let done = 0; done < target.length; ) {
      const index = Math.floor((offset + done) / CHUNK_SIZE);
      const within = (offset + done) % CHUNK_SIZE;
      const whole = within === 0 ? this.#wholeChunks(index, target.length - done) : 0;
      if (whole > 0) {
        const size = this.#plainSize(index, whole);
        await this.#decrypt(index, whole, target.subarray(done, done + size));
        done += size;
      } else {
        const chunk = this.#kept.get(index) ?? (await this.#chunk(index));
        const part = chunk.subarray(within, within + target.length - done);
        target.set(part, done);
        done += part.length;
      }
    }
  }

  #inTurn(read: () => Promise<void>): Promise<void> {
    const run = async () => {
      try {
        await read();
      } finally {
        this.#reading -= 1;
      }
    };
    this.#reading += 1;
    this.#lastRead = this.#reading === 1 ? run() : this.#lastRead.then(run, run);
    return this.#lastRead;
  }

  /** How many chunks from `index` on lie whole in `length` bytes, up to a batch. */
  #wholeChunks(index: number, length: number): number {
    const left = this.size - index * CHUNK_SIZE;
    const whole = length >= left ? this.#chunks.count - index : Math.floor(length / CHUNK_SIZE);
    return Math.min(whole, MAX_COUNT);
  }

  #plainSize(first: number, count: number): number {
    return Math.min((first + count) * CHUNK_SIZE, this.size) - first * CHUNK_SIZE;
  }

  async #chunk(index: number): Promise<Buffer> {
    const kept = this.#kept.get(index);
    const chunk = kept ?? Buffer.allocUnsafeSlow(this.#chunks.plainSize(index));
    if (kept === undefined) await this.#decrypt(index, 1, chunk);
    this.#kept.delete(index);
    this.#kept.set(index, chunk);
    const [oldest] = this.#kept;
    if (this.#kept.size > KEPT_CHUNKS && oldest !== undefined) {
      oldest[1].fill(0);
      this.#kept.delete(oldest[0]);
    }
    return chunk;
  }

  async #decrypt(first: number, count: number, target: Uint8Array): Promise<void> {
    if (this.#wiped) throw new Error('a sealed program was read after it was wiped');
    await this.#decryption.run(first, count, target);
    this.#checked.fill(1, first, first + count);
  }
}
