/** Bytes → one Zstandard frame (RFC 8878), piece by piece. */

/** The size of the pieces the encoder is given: it keeps a copy of each. */
const PIECE = 1 << 20;

export async function* compressed(
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { Zstd } = await import('./encoder.ts');
  const zstd = await Zstd.load();
  zstd.reset();
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; at += PIECE) {
      const out = zstd.compressChunk(piece.subarray(at, at + PIECE));
      if (out.length > 0) yield out;
    }
  }
  yield zstd.compressEnd();
}
