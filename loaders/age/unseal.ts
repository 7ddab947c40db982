/** The payload of an age file as it comes: every chunk is found authentic before it is handed on. */
import { FormatError } from 'run-foreign/loader';
import { CHUNK_SIZE, CHUNKS_AT_ONCE, openChunk, SEALED_CHUNK_SIZE } from './chunks.ts';
import { TAG_SIZE } from './cipher.ts';
import { chunksOf, type Run, regrouped } from './regroup.ts';

/**
 * What is sealed in `payload`, which begins at file offset `start`, under `key`, which is overwritten in the end. All
 * pieces lie in the same memory, which is overwritten, too. Throws FormatError at a chunk that is not authentic, and where
 * there is no final one: until it has ended, nobody knows that it was whole.
 */
export async function* unsealed(
  payload: AsyncIterable<Uint8Array>,
  start: number,
  key: Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  const target = Buffer.alloc(CHUNKS_AT_ONCE * CHUNK_SIZE);
  try {
    for await (const run of regrouped(payload, SEALED_CHUNK_SIZE, CHUNKS_AT_ONCE)) {
      let size = 0;
      for (const chunk of chunksOf(run, SEALED_CHUNK_SIZE)) {
        const plain = openOrThrow(chunk, start, key);
        target.set(plain, size);
        size += plain.length;
        plain.fill(0);
      }
      yield target.subarray(0, size);
    }
  } finally {
    key.fill(0);
    target.fill(0);
  }
}

function openOrThrow({ bytes, counter, final }: Run, start: number, key: Uint8Array): Uint8Array {
  const error = (message: string) =>
    new FormatError(message, {
      offset: start + counter * SEALED_CHUNK_SIZE,
      field: 'chunk',
      value: `${counter + 1}, ${bytes.length} bytes`,
    });
  // Only a program of no bytes has an empty chunk.
  if (bytes.length < TAG_SIZE || (bytes.length === TAG_SIZE && counter > 0)) throw error('is cut off');
  const plain = openChunk(key, counter, final, bytes);
  if (plain !== undefined) return plain;
  const more = final ? openChunk(key, counter, false, bytes) : undefined;
  if (more === undefined) throw error('is damaged, or cut off: a chunk is not authentic');
  more.fill(0);
  throw error('is cut off: the last chunk there is is not the final one');
}
