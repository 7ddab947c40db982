/** Why a chunk does not open: what people do to files leaves traces that the counters tell. */
import { FormatError, type Source } from 'run-foreign/loader';
import { type Chunks, openChunk, SEALED_CHUNK_SIZE } from './chunks.ts';

/** How far away the chunk's true place is looked for. */
const NEIGHBOURS = 256;

/** The error for a chunk that is not authentic where it stands. */
export async function chunkError(
  source: Source,
  chunks: Chunks,
  key: Uint8Array,
  index: number,
): Promise<FormatError> {
  const { last, count } = chunks;
  const opensAs = async (where: number, counter: number, final: boolean) => {
    const sealed = await source.read(chunks.offset(where), chunks.sealedSize(where));
    const plain = openChunk(key, counter, final, sealed);
    plain?.fill(0);
    return plain !== undefined;
  };
  const error = (message: string, at = index) =>
    new FormatError(message, {
      offset: chunks.offset(at),
      field: 'chunk',
      value: `${at + 1} of ${count}`,
    });
  if (index === last && chunks.sealedSize(last) === SEALED_CHUNK_SIZE && (await opensAs(last, last, false))) {
    return error('is cut off: the last chunk there is is not the final one');
  }
  const end = index === last ? last - 1 : index;
  if (end >= 0 && (await opensAs(end, end, true))) {
    return error('goes on behind its final chunk', end + 1);
  }
  const nearest = Math.max(0, index - NEIGHBOURS);
  for (let counter = nearest; counter <= index + NEIGHBOURS; counter++) {
    if (counter === index) continue;
    if ((await opensAs(index, counter, false)) || (await opensAs(index, counter, true))) {
      return error(
        `has chunks that are missing, repeated or in another order: here is number ${counter + 1}`,
      );
    }
  }
  if (index === last) return error('is damaged, or cut off: the final chunk is not authentic');
  return error('is damaged: a chunk is not authentic');
}
