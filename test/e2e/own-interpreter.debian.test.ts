/** The stub loads the interpreter itself: programs that gcc has just built, with glibc's and with musl's. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { inParallel, ROOT, temporary } from '../support/run.ts';
import { compile, LINKINGS } from './compile.ts';
import { testOwnInterpreter } from './own-interpreter-checks.ts';

const directory = temporary();
afterAll(() => directory.remove());
const at = (title: string) => join(directory.path, `wait-${title.replaceAll(' ', '-')}`);

const dynamic = LINKINGS.filter(({ title }) => title.includes('dynamic'));
const MUSL = [
  { title: 'musl PIE', flags: ['-pie', '-fPIE'] },
  { title: 'musl non-PIE', flags: ['-no-pie'] },
];

beforeAll(async () => {
  await inParallel(dynamic, ({ title, flags }) => compile('wait.c', flags, at(title)), 2);
  for (const { title, flags } of MUSL)
    execFileSync('musl-gcc', ['-O1', ...flags, join(ROOT, 'test/programs/wait.c'), '-o', at(title)]);
});

for (const { title, bits } of dynamic) testOwnInterpreter({ title, bits, file: () => at(title) });
for (const { title } of MUSL) testOwnInterpreter({ title, bits: 64, file: () => at(title) });
