/** What tests of `run-foreign seal` seal, and where they put it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Temporary } from './run.ts';

export const ELF = readFileSync('/bin/true');

/** For shell scripts: the superuser may not do what permissions forbid either. */
export const UNPRIVILEGED =
  process.getuid?.() === 0 ? 'setpriv --bounding-set -dac_override,-dac_read_search' : '';

/** Directories and programs below `directory`, each in one of its own. */
export function sealedFiles(directory: Temporary) {
  let folders = 0;
  /** An empty directory. */
  const folder = (): string => {
    const path = join(directory.path, `folder-${++folders}`);
    mkdirSync(path);
    return path;
  };
  return {
    folder,
    program(bytes: Uint8Array, name = 'program'): string {
      const path = join(folder(), name);
      writeFileSync(path, bytes);
      return path;
    },
    /** Begins as a program does, so that nobody warns; no two chunks are the same. */
    programOf(size: number): Buffer {
      const bytes = Buffer.alloc(size, ELF.subarray(0, Math.min(size, 997)));
      for (let at = 8; at + 4 <= size; at += 4096) bytes.writeUInt32LE(at, at);
      return bytes;
    },
  };
}
