/**
 * xz (the .xz file format 1.2.1). The streams are found and checked first (container.ts), then unpacked by XZ Embedded
 * as WebAssembly, which checks every block. Nothing is handed on before the last check is right.
 */
import {
  defineLoader,
  ForeignError,
  FormatError,
  type Source,
  startsWith,
  Unpacked,
} from 'run-foreign/loader';
import { cannotUnpack, rememberMemory } from '../webassembly.ts';
import type { XzStream } from './container.ts';

const MAGIC = Uint8Array.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);
const PIECE = 64 * 1024;

export const xz = defineLoader({
  name: 'xz',
  apiVersion: 1,
  kind: 'wrapper',
  description: 'programs in any format, packed with xz',
  magics: [{ offset: 0, bytes: MAGIC, name: 'xz' }],
  async probe(source) {
    return (await startsWith(source, MAGIC)) ? 'exact' : null;
  },
  async load(source, context) {
    if (!(await startsWith(source, MAGIC))) {
      const location = { offset: 0, field: 'Header Magic Bytes', value: 'another' };
      throw new FormatError('is not xz', location);
    }
    const { readStreams } = await import('./container.ts');
    const streams = await readStreams(source);
    const unpacked = new Unpacked(source, context);
    const size = streams.reduce((sum, { unpackedSize }) => sum + unpackedSize, 0);
    unpacked.expect(size);
    if (size === 0) {
      throw new FormatError('holds nothing', { offset: 0, field: 'Uncompressed Size', value: 0 });
    }
    const putBack = source.confidential ? rememberMemory(await memory()) : undefined;
    try {
      for (const stream of streams) await unpackStream(source, stream, unpacked);
    } finally {
      putBack?.();
    }
    return { kind: 'unwrap', source: unpacked.source() };
  },
});

async function memory() {
  const { decoderMemory } = await import('./decoder.ts');
  try {
    return await decoderMemory();
  } catch (cause) {
    throw cannotUnpack(cause instanceof Error ? cause.message : String(cause), 'xz', cause);
  }
}

async function unpackStream(source: Source, stream: XzStream, unpacked: Unpacked): Promise<void> {
  const { XzReadableStream } = await import('./decoder.ts');
  const promised = unpacked.size + stream.unpackedSize;
  let failure: unknown;
  const input = pieces(source, stream, (cause) => {
    failure = cause;
  });
  const reader = new XzReadableStream(input).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      unpacked.add(value);
    }
  } catch (cause) {
    // What goes wrong in the decoder ended it already; a limit of ours did not.
    await reader.cancel().catch(() => undefined);
    throw failure ?? (cause instanceof ForeignError ? cause : decoderError(cause, stream));
  }
  if (unpacked.size !== promised) {
    const found = unpacked.size - promised + stream.unpackedSize;
    throw new FormatError(`is damaged: it holds ${found} bytes`, {
      offset: stream.start,
      field: 'Uncompressed Size',
      value: stream.unpackedSize,
    });
  }
}

/** The bytes of a stream; `failed` is told what the source throws, which is no error of the decoder's. */
function pieces(
  source: Source,
  { start, end }: XzStream,
  failed: (cause: unknown) => void,
): ReadableStream<Uint8Array> {
  let at = start;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        // An empty piece at the end lets the decoder see that there is no more.
        try {
          const piece = await source.read(at, Math.min(PIECE, end - at));
          at += piece.length;
          controller.enqueue(piece);
        } catch (cause) {
          failed(cause);
          throw cause;
        }
      },
    },
    { highWaterMark: 0 },
  );
}

/** enum xz_ret in linux/xz.h, which the decoder's messages end in. */
const XZ_RET = { MEM_ERROR: 3, MEMLIMIT_ERROR: 4, OPTIONS_ERROR: 6 } as const;

function decoderError(cause: unknown, { start, end }: XzStream): ForeignError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = Number(/ code (\d+)$/.exec(message)?.[1]);
  if (code === XZ_RET.MEMLIMIT_ERROR) {
    return new ForeignError('UNSUPPORTED', 'is packed with a dictionary of more than 64 MiB', {
      hint: 'pack it with xz -9 or less',
      cause,
    });
  }
  if (code === XZ_RET.OPTIONS_ERROR) {
    return new ForeignError('UNSUPPORTED', 'is packed with a filter other than LZMA2, such as --x86', {
      hint: 'pack it without filters',
      cause,
    });
  }
  if (Number.isNaN(code) || code === XZ_RET.MEM_ERROR) {
    return cannotUnpack(message, 'xz', cause);
  }
  return new FormatError('has damaged compressed data', {
    offset: start,
    field: 'Block',
    value: `error ${code} in ${end - start} bytes`,
  });
}
