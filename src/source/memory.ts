/** Bytes that are already in memory, and a window onto another source. */
import { checkRange, obligations, type Source } from './source.ts';

/** A source over `bytes`, which must not change afterwards; confidential ones are overwritten by `wipe`. */
export function memorySource(bytes: Uint8Array, name: string, confidential = false): Source {
  return {
    name,
    size: bytes.length,
    confidential,
    ...(confidential && { wipe: () => void bytes.fill(0) }),
    read(offset, length) {
      checkRange(name, bytes.length, offset, length);
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** The bytes of `source` from `offset` on, still backed by the same file if there is one. */
export function sourceFrom(source: Source, offset: number): Source {
  checkRange(source.name, source.size, offset, 0);
  const size = source.size - offset;
  return {
    name: source.name,
    size,
    confidential: source.confidential,
    ...(source.file && { file: { ...source.file, offset: source.file.offset + offset } }),
    ...obligations(source),
    ...(source.readInto && {
      readInto(at, target) {
        checkRange(source.name, size, at, target.length);
        return source.readInto?.(offset + at, target);
      },
    }),
    read(at, length) {
      checkRange(source.name, size, at, length);
      return source.read(offset + at, length);
    },
  };
}
