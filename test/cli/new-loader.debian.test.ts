/** A loader's life outside of our checkout, with npm and its registry: begun, tested, packed, installed by name. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { NODE_PATH, ROOT, run, temporary } from '../support/run.ts';

const directory = temporary();
afterAll(directory.remove);
const project = directory.path;
const loader = join(project, 'run-foreign-loader-toy');
const command = join(project, 'node_modules/.bin/run-foreign');

/** The registry and certificates may be set there. */
const env = { ...(process.env as Record<string, string>), PATH: NODE_PATH, CI: '', NO_COLOR: '1' };

async function npm(cwd: string, ...args: string[]): Promise<string> {
  const outcome = await run('npm', args, { cwd, env, timeout: 240_000 });
  expect(outcome.status, outcome.stdout + outcome.stderr).toBe(0);
  return outcome.stdout;
}

test('with the packed run-foreign in an empty project', { timeout: 600_000 }, async () => {
  await npm(ROOT, 'pack', '--ignore-scripts', '--pack-destination', project);
  const [packed = ''] = readdirSync(project);
  await npm(project, 'install', '--prefix', project, `./${packed}`);

  const made = await run(command, ['new-loader', 'toy'], { cwd: project });
  expect({ status: made.status, stderr: made.stderr }).toEqual({ status: 0, stderr: '' });
  const { devDependencies } = JSON.parse(readFileSync(join(loader, 'package.json'), 'utf8'));
  expect(devDependencies['run-foreign']).toBe(`file:${join(project, packed)}`);

  await npm(loader, 'install');
  await npm(loader, 'run', 'typecheck');
  expect(await npm(loader, 'test')).toMatch(/Tests +\d+ passed \(\d+\)\n/);
  await npm(loader, 'run', 'samples');
  await npm(loader, 'pack', '--pack-destination', project);

  await npm(project, 'install', '--prefix', project, './run-foreign-loader-toy-0.1.0.tgz');
  const args = ['--loader', 'run-foreign-loader-toy', join(loader, 'samples/hello.toy')];
  expect(await run(command, args, { cwd: '/' })).toEqual({
    status: 42,
    stdout: 'Hello from a new format\n',
    stderr: '',
  });
});
