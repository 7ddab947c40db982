/** One run of deflate blocks (RFC 1951) through zlib, piece by piece: what comes out is looked at as it comes. */
import { crc32, createInflateRaw, type InflateRaw } from 'node:zlib';
import { FormatError, type Source, type Unpacked } from 'run-foreign/loader';

/** Pieces of input grow from the one to the other: members are often small, and each begins anew. */
const FIRST_PIECE = 4096;
const LARGEST_PIECE = 64 * 1024;
const OUTPUT_PIECE = 64 * 1024;

export interface Inflated {
  /** Behind the last block. */
  readonly end: number;
  readonly crc: number;
  /** Bytes that came out. */
  readonly size: number;
}

/** Unpacks the blocks that begin at `at`. Throws a FormatError, or what `unpacked` says of too many bytes. */
export async function inflate(source: Source, at: number, unpacked: Unpacked): Promise<Inflated> {
  const engine = createInflateRaw({ chunkSize: OUTPUT_PIECE });
  const before = unpacked.size;
  let crc = 0;
  // Not awaited: behind the last block zlib takes no more, and answers no more. Its errors end the loop below.
  void feed(engine, source, at);
  try {
    for await (const piece of engine as AsyncIterable<Buffer>) {
      crc = crc32(piece, crc);
      unpacked.add(piece);
    }
  } catch (cause) {
    throw inflateError(cause, at, source);
  } finally {
    engine.destroy();
  }
  return { end: at + engine.bytesWritten, crc, size: unpacked.size - before };
}

async function feed(engine: InflateRaw, source: Source, from: number): Promise<void> {
  try {
    let size = FIRST_PIECE;
    for (let at = from; at < source.size && !engine.destroyed; ) {
      const piece = await source.read(at, Math.min(size, source.size - at));
      await new Promise((resolve) => engine.write(piece, resolve));
      at += piece.length;
      size = Math.min(size * 2, LARGEST_PIECE);
    }
    if (!engine.destroyed) engine.end();
  } catch (cause) {
    engine.destroy(cause instanceof Error ? cause : new Error(String(cause)));
  }
}

function inflateError(cause: unknown, at: number, source: Source): unknown {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'Z_BUF_ERROR') {
    return new FormatError('is cut off in its compressed data', {
      offset: source.size,
      field: 'compressed blocks',
      value: `${source.size - at} bytes`,
    });
  }
  if (code !== 'Z_DATA_ERROR') return cause;
  return new FormatError('has damaged compressed data', {
    offset: at,
    field: 'compressed blocks',
    value: message,
  });
}
