/** What one file may cost, however it was made; each bound is there to catch what has none. */
import { builtinLoaders } from '../../loaders/index.ts';
import type { Source } from '../../src/source/source.ts';

export const MOST = {
  /** A hang, and nothing less: the slowest machine needs a thousandth of it for most files. */
  milliseconds: 5_000,
  /** What may be allocated on the way from bytes to a stub, garbage included. */
  memory: 128 * 1024 * 1024,
  /**
   * Reading one source: for each of nine layers inside each other what its probes and its first line
   * need, and once the largest table of program headers with an interpreter's name or the script of an APE.
   */
  bytesRead: 9 * 1024 + 65_536 + 8192,
  /** In each layer every loader's probe, and a header in two reads; once, what leads to an archive's manifest. */
  reads: 9 * (builtinLoaders.length + 2) + 8,
} as const;

/** Whose sources are read whole: gzip, xz and zstd. */
const PACKED = ['1f8b08', 'fd377a585a00', '28b52ffd'].map((magic) => Buffer.from(magic, 'hex'));
/** Looking for padding, unpacking, and pieces that are read again because a gzip member began in them. */
const MOST_PASSES = 3;
const PIECE = 4096;

/** A source that counts what is read from it. */
export class Counted {
  bytes = 0;
  reads = 0;
  readonly source: Source;
  readonly #most: { readonly bytes: number; readonly reads: number };

  /** `bytes` are the source's, and what may be before and behind it. */
  constructor(source: Source, bytes: Buffer) {
    const passes = PACKED.some((magic) => bytes.includes(magic)) ? MOST_PASSES * source.size : 0;
    this.#most = { bytes: MOST.bytesRead + passes, reads: MOST.reads + Math.ceil(passes / PIECE) };
    this.source = {
      ...source,
      read: (offset, length) => {
        this.bytes += length;
        this.reads++;
        return source.read(offset, length);
      },
    };
  }

  check(): void {
    if (this.bytes > this.#most.bytes || this.reads > this.#most.reads)
      throw new Error(`read ${this.bytes} bytes in ${this.reads} reads`);
  }
}

function allocated(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Runs `action`; throws if it takes more time or memory than any file is worth. */
export async function bounded<T>(action: () => Promise<T>): Promise<T> {
  const [started, before] = [performance.now(), allocated()];
  const result = await action();
  const [milliseconds, memory] = [performance.now() - started, allocated() - before];
  if (milliseconds > MOST.milliseconds || memory > MOST.memory)
    throw new Error(`took ${Math.round(milliseconds)} ms and ${memory} bytes`);
  return result;
}
