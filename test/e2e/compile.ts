/** Builds the fixture programs of test/programs with gcc. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../support/run.ts';

const execute = promisify(execFile);

/** Compiles test/programs/`source` with `flags` to `output`, an absolute path. */
export async function compile(source: string, flags: readonly string[], output: string): Promise<string> {
  const file = join(ROOT, 'test/programs', source);
  await execute('gcc', ['-O1', '-Wall', '-Werror', ...flags, file, '-o', output]);
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
