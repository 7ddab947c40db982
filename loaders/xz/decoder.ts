/**
 * The decoder, in a file of its own because the command loads it only for files in this format: the build makes it
 * a bundle beside the command's.
 */
import * as decoder from 'xz-decompress';

/** Node sees a CommonJS module here, and the bundler what it exports. */
const { XzReadableStream } = 'default' in decoder ? (decoder.default as typeof decoder) : decoder;

/** The package keeps one module for all streams. */
const kept = XzReadableStream as unknown as {
  _moduleInstance?: { readonly exports: { readonly memory: { readonly buffer: ArrayBuffer } } };
  _getModuleInstance(): Promise<void>;
};

/** The memory that all streams are unpacked in. */
export async function decoderMemory(): Promise<{ readonly buffer: ArrayBuffer }> {
  if (kept._moduleInstance === undefined) await kept._getModuleInstance();
  if (kept._moduleInstance === undefined) throw new Error('xz-decompress does not say what it has loaded');
  return kept._moduleInstance.exports.memory;
}

export { XzReadableStream };
