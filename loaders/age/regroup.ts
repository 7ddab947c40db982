/** Bytes that come in pieces of any size, as chunks of one size. */

/** Chunks that lie behind each other. */
export interface Run {
  readonly bytes: Uint8Array;
  /** Of the first one, from 0. */
  readonly counter: number;
  /** Nothing comes behind it: its last chunk may be shorter, and is empty only where there is nothing at all. */
  readonly final: boolean;
}

/** Runs of `count` chunks; the last may be shorter. All lie in the same memory, which is overwritten in the end. */
export async function* regrouped(
  pieces: AsyncIterable<Uint8Array>,
  chunkSize: number,
  count: number,
): AsyncGenerator<Run, void, undefined> {
  const bytes = Buffer.alloc(chunkSize * count);
  let size = 0;
  let counter = 0;
  try {
    for await (const piece of pieces) {
      for (let done = 0; done < piece.length; ) {
        // Only now is it known that there is more.
        if (size === bytes.length) {
          yield { bytes, counter, final: false };
          counter += count;
          size = 0;
        }
        const part = piece.subarray(done, done + bytes.length - size);
        bytes.set(part, size);
        size += part.length;
        done += part.length;
      }
    }
    yield { bytes: bytes.subarray(0, size), counter, final: true };
  } finally {
    bytes.fill(0);
  }
}

/** The single chunks of a run, each as a run of its own. */
export function* chunksOf({ bytes, counter, final }: Run, chunkSize: number): Generator<Run> {
  const count = Math.max(1, Math.ceil(bytes.length / chunkSize));
  for (let index = 0; index < count; index++) {
    yield {
      bytes: bytes.subarray(index * chunkSize, (index + 1) * chunkSize),
      counter: counter + index,
      final: final && index === count - 1,
    };
  }
}
