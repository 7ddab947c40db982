/**
 * The decoder, in a file of its own because the command loads it only for files in this format: the build makes it
 * a bundle beside the command's.
 */
import * as decoder from 'xz-decompress';

/** Node sees a CommonJS module here, and the bundler what it exports. */
const { XzReadableStream } = 'default' in decoder ? (decoder.default as typeof decoder) : decoder;

export { XzReadableStream };
