/** Files of a process by name, with what they must still be when they are needed again. */
import { readlinkSync, statSync } from 'node:fs';
import type { FileReference } from '../image/process-state.ts';
import { buildIdAt } from '../source/build-id.ts';

/** Finds files as a process sees them. */
export class ProcessFiles {
  readonly #pid: number;
  readonly #root: string;
  readonly #known = new Map<string, FileReference>();

  constructor(pid: number) {
    this.#pid = pid;
    this.#root = readlinkSync(`/proc/${pid}/root`);
  }

  /** How this process can reach it. */
  reach(path: Uint8Array): Buffer {
    const prefix = this.#root === '/' ? '' : `/proc/${this.#pid}/root`;
    return Buffer.concat([Buffer.from(prefix), path]);
  }

  /** Whether the path still leads to this inode. */
  isThere(path: Uint8Array, inode: bigint): boolean {
    return statSync(this.reach(path), { bigint: true, throwIfNoEntry: false })?.ino === inode;
  }

  /** What a mapped file is that a path leads to. */
  reference(path: Uint8Array): FileReference {
    const key = Buffer.from(path).toString('latin1');
    let found = this.#known.get(key);
    if (found === undefined) {
      const reach = this.reach(path);
      const { size, mtimeNs } = statSync(reach, { bigint: true });
      found = { path, size, mtimeNs, buildId: buildIdAt(reach) };
      this.#known.set(key, found);
    }
    return found;
  }
}
