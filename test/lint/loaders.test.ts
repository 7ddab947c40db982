/** The lint rule that keeps loaders to the public contract really refuses what it is there to refuse. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ROOT, run, temporary } from '../support/run.ts';
import { writeFiles } from '../support/toy.ts';

const directory = temporary();
afterAll(directory.remove);
copyFileSync(join(ROOT, 'biome.json'), join(directory.path, 'biome.json'));

/** What biome says of a loader of ours with these lines, in a project with our rules. */
async function lint(source: string): Promise<{ status: number | string; text: string }> {
  writeFiles(directory.path, { 'loaders/made/index.ts': source });
  const args = ['lint', '--error-on-warnings', 'loaders'];
  const outcome = await run(join(ROOT, 'node_modules/.bin/biome'), args, { cwd: directory.path });
  return { status: outcome.status, text: outcome.stdout + outcome.stderr };
}

test.each([
  ["import { exit } from '../../src/exit.ts';\nexit(1);\n"],
  ["import { memorySource } from '../../src/source/memory.ts';\nexport default memorySource;\n"],
  ["import type { Source } from '../../src/source/source.ts';\nexport type A = Source;\n"],
  ["export { memorySource } from '../../src/source/memory.ts';\n"],
  ["export const lazy = () => import('../../src/source/memory.ts');\n"],
  ["import { loadProgram } from 'run-foreign';\nexport default loadProgram;\n"],
  ["import koffi from 'koffi';\nexport default koffi;\n"],
])('%j', async (source) => {
  const { status, text } = await lint(source);
  expect(text).toContain('noRestrictedImports');
  expect(status).not.toBe(0);
});

test('and lets through what a stranger could write', async () => {
  const source = `import { readFileSync } from 'node:fs';
import { defineLoader } from 'run-foreign/loader';
import { other } from '../elf/other.ts';

export default [defineLoader, other, readFileSync];
`;
  const { status, text } = await lint(source);
  expect([status, text.includes('noRestrictedImports')]).toEqual([0, false]);
});
