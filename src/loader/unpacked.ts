/**
 * Where wrappers put what they unpack. It grows as bytes arrive and stops at the limits before memory is used for
 * more: a decompression bomb is a file of a few kilobytes that asks for all there is.
 */
import { ForeignError } from '../errors.ts';
import { checkRange, type OnProgress, obligations, type Source } from '../source/source.ts';
import type { LoadContext } from './contract.ts';

/** Up to here everything may unpack, however small it is packed: a page of zeros packs very well. */
const FREE_SIZE = 16 * 2 ** 20;
/** Beyond that, how many times its own size. Programs pack to a third, deflate cannot do more than 1032. */
const MOST_TIMES = 1000;
const BLOCK_SIZE = 64 * 1024;

/** Unpacked bytes, bounded: `add` them as they come, then take the `source`. */
export class Unpacked {
  readonly #packed: Source;
  readonly #maxSize: number;
  readonly #ratioSize: number;
  readonly #blocks: Buffer[] = [];
  readonly #progress: OnProgress;
  /** What the format announced, bytes. */
  #announced: number | undefined;
  #size = 0;

  /** `packed` is what is being unpacked; the result has its name and is as confidential. */
  constructor(packed: Source, { limits, progress }: Pick<LoadContext, 'limits' | 'progress'>) {
    this.#packed = packed;
    this.#maxSize = limits.maxSize;
    this.#progress = progress;
    this.#ratioSize = FREE_SIZE + MOST_TIMES * packed.size;
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** For formats that announce that they hold `size` bytes in all. Throws TOO_BIG if that is not allowed. */
  expect(size: number): void {
    this.#allow(size);
    this.#announced = size;
  }

  #allow(size: number): void {
    if (size > this.#maxSize) {
      throw new ForeignError('TOO_BIG', `unpacks to more than ${this.#maxSize} bytes`, {
        hint: 'if it is no decompression bomb, allow more with --max-size',
      });
    }
    if (size > this.#ratioSize) {
      const message = `unpacks to more than 16 MiB and ${MOST_TIMES} times its ${this.#packed.size} bytes`;
      throw new ForeignError('TOO_BIG', message, {
        hint: 'if it is no decompression bomb, unpack it before: --max-size does not lift this limit',
      });
    }
  }

  /** Copies `bytes` behind the others, and overwrites them if they are confidential. Throws TOO_BIG. */
  add(bytes: Uint8Array): void {
    this.#allow(this.#size + bytes.length);
    for (let done = 0; done < bytes.length; ) {
      const at = this.#size % BLOCK_SIZE;
      if (at === 0) this.#blocks.push(Buffer.allocUnsafeSlow(BLOCK_SIZE));
      const part = bytes.subarray(done, done + BLOCK_SIZE - at);
      this.#blocks.at(-1)?.set(part, at);
      this.#size += part.length;
      done += part.length;
    }
    if (this.#packed.confidential) bytes.fill(0);
    this.#progress('unpacking', this.#size, this.#announced);
  }

  /** All that was added, to be looked at as a program of its own. Nothing may be added afterwards. */
  source(): Source {
    const { name, confidential } = this.#packed;
    const blocks = this.#blocks;
    const size = this.#size;
    const { checkAll, wipe } = obligations(this.#packed);
    const readInto = (offset: number, target: Uint8Array) => {
      checkRange(name, size, offset, target.length);
      let index = Math.floor(offset / BLOCK_SIZE);
      let from = offset - index * BLOCK_SIZE;
      for (let done = 0; done < target.length; from = 0) {
        const part = blocks[index++]?.subarray(from, from + target.length - done) ?? new Uint8Array(0);
        target.set(part, done);
        done += part.length;
      }
    };
    return {
      name,
      size,
      confidential,
      readInto,
      ...(checkAll && { checkAll }),
      ...(confidential && {
        wipe() {
          for (const block of blocks) block.fill(0);
          wipe?.();
        },
      }),
      read(offset, length) {
        checkRange(name, size, offset, length);
        const first = Math.floor(offset / BLOCK_SIZE);
        const start = offset - first * BLOCK_SIZE;
        const block = blocks[first];
        if (block !== undefined && start + length <= BLOCK_SIZE) return block.subarray(start, start + length);
        const bytes = Buffer.allocUnsafe(length);
        readInto(offset, bytes);
        return bytes;
      },
    };
  }
}
