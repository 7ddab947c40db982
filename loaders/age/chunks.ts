/**
 * The payload's geometry: chunks of 64 KiB, each with its tag, one behind the other; the last one may be shorter and is
 * empty only if the whole payload is (C2SP age, Payload).
 */
import { openBox, TAG_SIZE } from './cipher.ts';

export const CHUNK_SIZE = 64 * 1024;
export const SEALED_CHUNK_SIZE = CHUNK_SIZE + TAG_SIZE;
/** Where chunks stream, so many are read and written together: 1 MiB. */
export const CHUNKS_AT_ONCE = 16;
/** Eleven bytes of counter and one that is 1 for the final chunk. */
const NONCE_SIZE = 12;

export class Chunks {
  /** File offset of the first one, bytes. */
  readonly start: number;
  readonly count: number;
  /** Plaintext, bytes. */
  readonly size: number;

  /** `sealedSize` bytes of chunks, at least one tag. */
  constructor(start: number, sealedSize: number) {
    this.start = start;
    this.count = Math.ceil(sealedSize / SEALED_CHUNK_SIZE);
    this.size = sealedSize - this.count * TAG_SIZE;
  }

  get last(): number {
    return this.count - 1;
  }

  /** File offset of a chunk; of `count`, the end of the file. */
  offset(index: number): number {
    return this.start + Math.min(index * SEALED_CHUNK_SIZE, this.size + this.count * TAG_SIZE);
  }

  sealedSize(index: number): number {
    return this.offset(index + 1) - this.offset(index);
  }

  plainSize(index: number): number {
    return this.sealedSize(index) - TAG_SIZE;
  }
}

/** The plaintext of a chunk; undefined when its tag is wrong. */
export function openChunk(
  key: Uint8Array,
  counter: number,
  final: boolean,
  sealed: Uint8Array,
): Buffer | undefined {
  return openBox(key, sealed, chunkNonce(counter, final));
}

export function chunkNonce(counter: number, final: boolean): Buffer {
  const nonce = Buffer.alloc(NONCE_SIZE);
  nonce.writeUIntBE(counter, NONCE_SIZE - 7, 6);
  nonce[NONCE_SIZE - 1] = final ? 1 : 0;
  return nonce;
}

/** Chunks whose ciphertext lies one behind the other. */
export interface ChunkRun {
  readonly chunks: Chunks;
  readonly key: Uint8Array;
  /** The number of the first one. */
  readonly first: number;
  readonly sealed: Uint8Array;
}

/** Decrypts one of them to its place in `target`. Says whether it was authentic; else nothing is written. */
export function openChunkInto(
  target: Uint8Array,
  { chunks, key, first, sealed, place }: ChunkRun & { readonly place: number },
): boolean {
  const index = first + place;
  const from = place * SEALED_CHUNK_SIZE;
  const plain = openChunk(
    key,
    index,
    index === chunks.last,
    sealed.subarray(from, from + chunks.sealedSize(index)),
  );
  if (plain === undefined) return false;
  target.set(plain, place * CHUNK_SIZE);
  plain.fill(0);
  return true;
}
