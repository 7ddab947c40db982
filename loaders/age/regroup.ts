/** Bytes that come in pieces of any size, as chunks of one size. */

export interface Chunk {
  readonly bytes: Uint8Array;
  /** From 0. */
  readonly index: number;
  /** Nothing comes behind it. It may be shorter, and is empty only where there is nothing at all. */
  readonly final: boolean;
}

/** All chunks lie in the same memory, which is overwritten in the end. */
export async function* regrouped(
  pieces: AsyncIterable<Uint8Array>,
  chunkSize: number,
): AsyncGenerator<Chunk, void, undefined> {
  const bytes = Buffer.alloc(chunkSize);
  let size = 0;
  let index = 0;
  try {
    for await (const piece of pieces) {
      for (let done = 0; done < piece.length; ) {
        // Only now is it known that there is more.
        if (size === chunkSize) {
          yield { bytes, index: index++, final: false };
          size = 0;
        }
        const part = piece.subarray(done, done + chunkSize - size);
        bytes.set(part, size);
        size += part.length;
        done += part.length;
      }
    }
    yield { bytes: bytes.subarray(0, size), index, final: true };
  } finally {
    bytes.fill(0);
  }
}
