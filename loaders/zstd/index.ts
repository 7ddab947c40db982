/**
 * Zstandard (RFC 8878): frames behind each other, unpacked by the reference decoder as WebAssembly, which checks their
 * checksums. Nothing is handed on before the last frame has ended.
 */
import { defineLoader, ForeignError, FormatError, hex, startsWith, Unpacked } from 'run-foreign/loader';
import { cannotUnpack, rememberMemory } from '../webassembly.ts';
import type { ZstdFunctions } from './decoder.ts';
import { ZSTD_ERROR, ZstdFailure, ZstdStream } from './stream.ts';

const MAGIC = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd]);

export const zstd = defineLoader({
  name: 'zstd',
  apiVersion: 1,
  kind: 'wrapper',
  description: 'programs in any format, packed with zstd',
  magics: [{ offset: 0, bytes: MAGIC, name: 'Zstandard' }],
  async probe(source) {
    return (await startsWith(source, MAGIC)) ? 'exact' : null;
  },
  async load(source, context) {
    if (!(await startsWith(source, MAGIC))) {
      const location = { offset: 0, field: 'Magic_Number', value: 'another' };
      throw new FormatError('is not zstd', location);
    }
    const unpacked = new Unpacked(source, context);
    const decoder = await functions();
    const putBack = source.confidential ? rememberMemory(decoder.memory) : undefined;
    const stream = new ZstdStream(decoder);
    try {
      for (let at = 0; at < source.size; at += stream.pieceSize) {
        const piece = await source.read(at, Math.min(stream.pieceSize, source.size - at));
        stream.push(piece, (bytes) => unpacked.add(bytes));
      }
      if (!stream.ended) {
        const location = { offset: source.size, field: 'Frame', value: 'no end' };
        throw new FormatError('is cut off', location);
      }
    } catch (cause) {
      throw cause instanceof ZstdFailure ? explain(cause) : cause;
    } finally {
      stream.close();
      putBack?.();
    }
    if (unpacked.size === 0) {
      throw new FormatError('holds nothing', { offset: 0, field: 'Frame_Content_Size', value: 0 });
    }
    return { kind: 'unwrap', source: unpacked.source() };
  },
});

async function functions(): Promise<ZstdFunctions> {
  try {
    return await (await import('./decoder.ts')).zstdFunctions();
  } catch (cause) {
    throw cannotUnpack(cause instanceof Error ? cause.message : String(cause), 'zstd', cause);
  }
}

function explain({ code, offset }: ZstdFailure): ForeignError {
  switch (code) {
    case ZSTD_ERROR.prefix_unknown:
      return new FormatError('goes on behind its end with something that is not zstd', {
        offset,
        field: 'Magic_Number',
        value: 'unknown',
      });
    case ZSTD_ERROR.windowTooLarge:
      return new ForeignError('UNSUPPORTED', 'is packed with a window of more than 128 MiB', {
        hint: 'pack it without --long, or with --long=27',
      });
    case ZSTD_ERROR.checksum_wrong:
      return new FormatError('is damaged: the sum of what it holds is another', {
        offset,
        field: 'Content_Checksum',
        value: 'wrong',
      });
    case ZSTD_ERROR.dictionary_wrong:
      return new ForeignError('UNSUPPORTED', 'is packed with a dictionary of its own', {
        hint: 'pack it without -D',
      });
    case ZSTD_ERROR.memory_allocation:
      return cannotUnpack('there is not enough memory', 'zstd');
    default:
      return new FormatError('has damaged compressed data', { offset, field: 'Frame', value: hex(code) });
  }
}
