/** Files in memory for programs that want a file: gdb, for one. Nobody can change them when they are written. */
import { closeDescriptor, memfdForData, sealFile } from '../native/libc.ts';
import type { OnProgress, Source } from '../source/source.ts';
import { writeAll } from './write.ts';

const PIECE_SIZE = 4 * 2 ** 20;

/** Throws MACHINE_REFUSED. */
export async function memoryFile(name: string, bytes: Uint8Array): Promise<number> {
  return writtenFile(name, (fd) => writeAll(fd, bytes));
}

/** A copy of a source that was found to be what the user wants. Throws what reading it does, and MACHINE_REFUSED. */
export async function memoryCopy(name: string, source: Source, progress: OnProgress): Promise<number> {
  return writtenFile(name, async (fd) => {
    for (let done = 0; done < source.size; ) {
      const size = Math.min(PIECE_SIZE, source.size - done);
      writeAll(fd, await source.read(done, size));
      done += size;
      progress('copying', done, source.size);
    }
    await source.checkAll?.();
  });
}

async function writtenFile(name: string, write: (fd: number) => void | Promise<void>): Promise<number> {
  const fd = memfdForData(name);
  try {
    await write(fd);
    sealFile(fd);
    return fd;
  } catch (cause) {
    closeDescriptor(fd);
    throw cause;
  }
}
