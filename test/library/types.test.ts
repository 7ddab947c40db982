/** The types as users' compilers see them, of the built package: in ES modules and in CommonJS. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ROOT, run } from '../support/run.ts';
import { writeFiles } from '../support/toy.ts';
import { project } from './built.ts';

const own = project();
afterAll(own.remove);
const usage = readFileSync(join(ROOT, 'test/library/usage.ts'), 'utf8');

test('what is right compiles, and what is wrong does not', async () => {
  const compilerOptions = {
    target: 'es2023',
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    types: ['node'],
  };
  writeFiles(own.path, {
    'tsconfig.json': JSON.stringify({ compilerOptions }),
    'usage.mts': usage,
    'usage.cts': usage,
  });
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const { stdout, status } = await run(tsc, ['-p', own.path], { timeout: 60_000 });
  expect(stdout).toBe('');
  expect(status).toBe(0);
});
