/** Bytes that no file will hold any more when the process is brought back: what is in pipes, memfds, files without a name. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { StoredContent } from '../image/process-state.ts';
import { dataRanges } from '../native/file-facts.ts';

/** Where something is in an object, bytes; between extents are zeros. */
export interface ObjectRange {
  readonly at: bigint;
  readonly size: bigint;
}

export interface CapturedObject {
  readonly size: bigint;
  readonly extents: readonly ObjectRange[];
  /** Fills `into` wholly with the bytes from `at` on. */
  readonly read: (at: bigint, into: Buffer) => void;
}

/** The objects of a process by number. What they read must be closed in the end. */
export class CapturedObjects {
  readonly list: CapturedObject[] = [];
  readonly #fds: number[] = [];

  /** Bytes that are at hand. */
  addBytes(bytes: Uint8Array): StoredContent {
    const size = BigInt(bytes.length);
    return this.#add({
      size,
      extents: size === 0n ? [] : [{ at: 0n, size }],
      read: (at, into) => void into.set(bytes.subarray(Number(at), Number(at) + into.length)),
    });
  }

  /** What a file holds that can be opened as `path`, without its holes where the file system tells them. */
  addFile(path: string | Buffer): StoredContent {
    const fd = openSync(path, 'r');
    this.#fds.push(fd);
    const size = fstatSync(fd, { bigint: true }).size;
    return this.#add({
      size,
      extents: dataRanges(fd, size),
      read: (at, into) => {
        let done = 0;
        while (done < into.length) {
          const result = readSync(fd, into, done, into.length - done, Number(at) + done);
          // It has become shorter since: what is not there any more is zero.
          if (result === 0) break;
          done += result;
        }
        into.fill(0, done);
      },
    });
  }

  /** What the process itself has mapped of a file that nobody else can open. */
  addMemory(size: bigint, extents: readonly ObjectRange[], read: CapturedObject['read']): StoredContent {
    return this.#add({ size, extents, read });
  }

  #add(object: CapturedObject): StoredContent {
    this.list.push(object);
    return { object: this.list.length - 1, size: object.size };
  }

  close(): void {
    for (const fd of this.#fds) closeSync(fd);
  }
}
