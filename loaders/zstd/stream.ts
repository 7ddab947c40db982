/** Zstandard frames through ZSTD_decompressStream: a piece in, pieces out, and every error by its code. */
import type { ZstdFunctions } from './decoder.ts';

/** struct ZSTD_inBuffer_s and ZSTD_outBuffer_s: an address, a size and a position, 32 bits each. */
const BUFFER_SIZE = 12;

/** enum ZSTD_ErrorCode in zstd_errors.h. */
export const ZSTD_ERROR = {
  prefix_unknown: 10,
  windowTooLarge: 16,
  checksum_wrong: 22,
  dictionary_wrong: 32,
  memory_allocation: 64,
} as const;

/** What the decoder said, and where it stood: the error lies there or not far behind. */
export class ZstdFailure extends Error {
  readonly code: number;
  readonly offset: number;

  constructor(code: number, offset: number) {
    super(`zstd error ${code}`);
    this.code = code;
    this.offset = offset;
  }
}

export class ZstdStream {
  readonly #functions: ZstdFunctions;
  readonly #context: number;
  readonly #in: { readonly address: number; readonly size: number };
  readonly #out: { readonly address: number; readonly size: number };
  readonly #structures: number;
  #offset = 0;
  #ended = true;

  constructor(functions: ZstdFunctions) {
    this.#functions = functions;
    const allocate = (size: number) => {
      const address = functions.malloc(size);
      if (address === 0) throw new ZstdFailure(ZSTD_ERROR.memory_allocation, 0);
      return { address, size };
    };
    this.#in = allocate(functions.ZSTD_DStreamInSize());
    this.#out = allocate(functions.ZSTD_DStreamOutSize());
    this.#structures = allocate(2 * BUFFER_SIZE).address;
    this.#context = functions.ZSTD_createDCtx();
    if (this.#context === 0) throw new ZstdFailure(ZSTD_ERROR.memory_allocation, 0);
  }

  /** How many bytes to give at once. */
  get pieceSize(): number {
    return this.#in.size;
  }

  /** Whether a frame has just ended: only then may the file end. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Gives `take` what comes out of the next `piece` of input; it must copy it. Throws ZstdFailure. */
  push(piece: Uint8Array, take: (bytes: Uint8Array) => void): void {
    const output = this.#structures + BUFFER_SIZE;
    this.#memory().set(piece, this.#in.address);
    for (let position = 0; position < piece.length; ) {
      this.#write(this.#structures, [this.#in.address, piece.length, position]);
      this.#write(output, [this.#out.address, this.#out.size, 0]);
      const result = this.#functions.ZSTD_decompressStream(this.#context, output, this.#structures);
      if (result < 0) throw new ZstdFailure(-result, this.#offset + position);
      position = this.#position(this.#structures);
      this.#ended = result === 0;
      const size = this.#position(output);
      take(this.#memory().subarray(this.#out.address, this.#out.address + size));
    }
    this.#offset += piece.length;
  }

  /** Gives the decoder's memory back. */
  close(): void {
    this.#functions.ZSTD_freeDCtx(this.#context);
    for (const address of [this.#in.address, this.#out.address, this.#structures]) {
      this.#functions.free(address);
    }
  }

  /** Looked up each time: it moves as it grows. */
  #memory(): Uint8Array {
    return new Uint8Array(this.#functions.memory.buffer);
  }

  #write(at: number, words: readonly number[]): void {
    const view = new DataView(this.#functions.memory.buffer);
    for (const [index, word] of words.entries()) view.setUint32(at + 4 * index, word, true);
  }

  #position(at: number): number {
    return new DataView(this.#functions.memory.buffer).getUint32(at + 8, true);
  }
}
