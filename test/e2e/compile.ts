/** Builds the fixture programs of test/programs with gcc. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../support/run.ts';

const execute = promisify(execFile);
const PROGRAMS = join(ROOT, 'test/programs');

/** Compiles test/programs/`source`, or all files of a folder there, with `flags` to `output`, an absolute path. */
export async function compile(source: string, flags: readonly string[], output: string): Promise<string> {
  const path = join(PROGRAMS, source);
  const files = /\.\w+$/.test(source)
    ? [path]
    : readdirSync(path).flatMap((name) => (name.endsWith('.c') ? [join(path, name)] : []));
  await execute('gcc', ['-O1', '-Wall', '-Werror', ...flags, ...files, '-o', output]);
  return output;
}

/** The ways a C program is linked: a title, gcc's flags and the word size. */
export const LINKINGS = [
  { title: 'static', flags: ['-static', '-no-pie'] },
  { title: 'static PIE', flags: ['-static-pie'] },
  { title: 'dynamic PIE', flags: ['-pie', '-fPIE'] },
  { title: 'dynamic non-PIE', flags: ['-no-pie'] },
].flatMap(({ title, flags }) => [
  { title: `64-bit ${title}`, flags, bits: 64 as const },
  { title: `32-bit ${title}`, flags: [...flags, '-m32'], bits: 32 as const },
]);
