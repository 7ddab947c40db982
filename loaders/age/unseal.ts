/** The payload of an age file as it comes: every chunk is found authentic before it is handed on. */
import { FormatError } from 'run-foreign/loader';
import { openChunk, SEALED_CHUNK_SIZE } from './chunks.ts';
import { TAG_SIZE } from './cipher.ts';
import { type Chunk, regrouped } from './regroup.ts';

/**
 * What is sealed in `payload`, which begins at file offset `start`, under `key`, which is overwritten in the end. Each
 * piece is overwritten when the next is asked for. Throws FormatError at a chunk that is not authentic, and where there
 * is no final one: until it has ended, nobody knows that it was whole.
 */
export async function* unsealed(
  payload: AsyncIterable<Uint8Array>,
  start: number,
  key: Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of regrouped(payload, SEALED_CHUNK_SIZE)) {
      const plain = openOrThrow(chunk, start, key);
      yield plain;
      plain.fill(0);
    }
  } finally {
    key.fill(0);
  }
}

function openOrThrow({ bytes, index, final }: Chunk, start: number, key: Uint8Array): Uint8Array {
  const error = (message: string) =>
    new FormatError(message, {
      offset: start + index * SEALED_CHUNK_SIZE,
      field: 'chunk',
      value: `${index + 1}, ${bytes.length} bytes`,
    });
  // Only a program of no bytes has an empty chunk.
  if (bytes.length < TAG_SIZE || (bytes.length === TAG_SIZE && index > 0)) throw error('is cut off');
  const plain = openChunk(key, index, final, bytes);
  if (plain !== undefined) return plain;
  const more = final ? openChunk(key, index, false, bytes) : undefined;
  if (more === undefined) throw error('is damaged, or cut off: a chunk is not authentic');
  more.fill(0);
  throw error('is cut off: the last chunk there is is not the final one');
}
