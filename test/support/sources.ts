/** Sources over bytes in memory that are, to the planner, files: it never reads through a descriptor. */
import { memorySource } from '../../src/source/memory.ts';
import type { Source } from '../../src/source/source.ts';

export const text = (value: string): Uint8Array => Buffer.from(value, 'latin1');

/** Bytes of a "file" that is open as `fd`, from `offset` of it on. */
export function fileLike(bytes: Uint8Array, fd: number, name = `file ${fd}`, offset = 0): Source {
  return { ...memorySource(bytes, name), file: { fd, path: text(name), offset } };
}

/** A file-like source of a size that nobody wants in memory; reading it fails the test. */
export function hugeSource(size: number, fd: number | undefined): Source {
  const name = 'huge';
  return {
    name,
    size,
    confidential: false,
    read: () => {
      throw new Error('the huge source was read');
    },
    ...(fd !== undefined && { file: { fd, path: text(name), offset: 0 } }),
  };
}
