/** What others' checkers of packages say of ours: publint, and Are The Types Wrong. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { npmEnvironment, pack } from '../support/package.ts';
import { type Outcome, ROOT, run, temporary } from '../support/run.ts';

const directory = temporary();
afterAll(directory.remove);
let tarball = '';
beforeAll(async () => {
  ({ tarball } = await pack(directory.path));
});

const check = (command: string, ...args: string[]): Promise<Outcome> =>
  run(join(ROOT, 'node_modules/.bin', command), args, {
    cwd: directory.path,
    env: npmEnvironment(),
    timeout: 60_000,
  });

test('publint', async () => {
  const { status, stdout } = await check('publint', '--strict', tarball);
  expect(stdout).toMatch(/All good!\n$/);
  expect(status).toBe(0);
});

/**
 * The way of looking up types that is called node10 knows no `exports`. No Node that we run on looks up files so, and
 * TypeScript has given it up.
 */
test('types are found, by the kind of module that asks', async () => {
  const args = [tarball, '--profile', 'node16', '--exclude-entrypoints', 'testkit', '--format', 'json'];
  const { status, stdout } = await check('attw', ...args);
  const { analysis, problems } = JSON.parse(stdout);
  expect(Object.keys(analysis.entrypoints).sort()).toEqual([
    '.',
    './loader',
    './manifest.schema.json',
    './package.json',
  ]);
  const found = Object.values(problems as Record<string, { resolutionKind?: string }[]>).flat();
  expect(found.filter(({ resolutionKind }) => resolutionKind !== 'node10')).toEqual([]);
  expect(status).toBe(0);
});

/** There is no CommonJS of vitest, which it is a part of. */
test('types of the testkit are found by ES modules', async () => {
  const { status } = await check('attw', tarball, '--profile', 'esm-only', '--entrypoints', 'testkit');
  expect(status).toBe(0);
});
