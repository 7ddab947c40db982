/** Programs of the bench's own, made by gcc where they are needed. */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { output } from './commands.ts';

/** Of bare.c. */
export const BARE = ['-nostdlib', '-static', '-fno-stack-protector'];

/** Compiles a C file beside this one; returns the path of what becomes of it. Throws Missing. */
export function compiled(
  directory: string,
  name: string,
  source: string,
  flags: readonly string[] = [],
): string {
  const file = join(directory, name);
  output('gcc', ['-O2', ...flags, '-o', file, join(import.meta.dirname, source)], 'gcc libc6-dev');
  stored(file);
  return file;
}

/** Pages that are not on disk yet would be counted as the program's own (Private_Dirty). */
function stored(file: string): void {
  const fd = openSync(file, 'r');
  fsyncSync(fd);
  closeSync(fd);
}
