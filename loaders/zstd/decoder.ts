/**
 * The reference decoder as WebAssembly, in a file of its own because the command loads it only for files in this
 * format: the build makes it a bundle beside the command's.
 *
 * Only the package's loading is used. Its loop over ZSTD_decompressStream takes no notice of errors, and would not
 * end with a damaged file, so stream.ts has one of its own.
 */
import { ZSTDDecoder } from 'zstddec/stream';

/** Functions of zstd.h, with addresses and sizes as numbers. */
export interface ZstdFunctions {
  readonly memory: { readonly buffer: ArrayBuffer };
  malloc(size: number): number;
  free(address: number): void;
  ZSTD_DStreamInSize(): number;
  ZSTD_DStreamOutSize(): number;
  ZSTD_createDCtx(): number;
  ZSTD_freeDCtx(context: number): void;
  /** 0 at the end of a frame, an error code below 0, else a hint. */
  ZSTD_decompressStream(context: number, output: number, input: number): number;
}

let loaded: Promise<ZstdFunctions> | undefined;

/** Compiles the decoder, once. */
export function zstdFunctions(): Promise<ZstdFunctions> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<ZstdFunctions> {
  let functions: ZstdFunctions | undefined;
  const decoder = new ZSTDDecoder();
  const initialise = decoder._init;
  decoder._init = (result) => {
    functions = result.instance.exports as unknown as ZstdFunctions;
    initialise(result);
  };
  await decoder.init();
  if (functions === undefined) throw new Error('zstddec does not say what it has loaded');
  return functions;
}
