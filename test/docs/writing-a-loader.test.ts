/** docs/writing-a-loader.md, carried out: each command prints what it says there, and what comes of it is what new-loader writes. */
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { installedPaths } from '../support/installation.ts';
import { ROOT, run, temporary } from '../support/run.ts';
import { blocksIn } from './blocks.ts';
import { reader } from './reader.ts';

const directory = temporary();
afterAll(directory.remove);
const blocks = blocksIn(readFileSync(join(ROOT, 'docs/writing-a-loader.md'), 'utf8'));
const PACKAGES = ['vitest', 'typescript', '@types/node'];
const COMMANDS = ['run-foreign', 'vitest', 'tsc'];

/** What npm install does where there is a network. */
function link(path: string): void {
  const modules = join(path, 'node_modules');
  for (const each of ['.bin', '@types']) mkdirSync(join(modules, each), { recursive: true });
  symlinkSync(ROOT, join(modules, 'run-foreign'));
  for (const each of PACKAGES) symlinkSync(join(ROOT, 'node_modules', each), join(modules, each));
  for (const each of COMMANDS) {
    const own = each === 'run-foreign' ? 'dist/run-foreign' : `node_modules/.bin/${each}`;
    symlinkSync(join(ROOT, own), join(modules, '.bin', each));
  }
}

test('each line can be followed', { timeout: 300_000 }, async () => {
  expect(blocks.length).toBeGreaterThan(20);
  const { follow, close } = reader(directory.path, { instead: { 'npm install': link } });
  onTestFinished(close);
  for (const block of blocks) await follow(block);
});

test('what comes of it is what new-loader writes', async () => {
  const project = temporary();
  const modules = join(project.path, 'node_modules');
  for (const path of installedPaths()) {
    const to = path.startsWith('node_modules/') ? project.path : join(modules, 'run-foreign');
    cpSync(join(ROOT, path), join(to, path), { recursive: true, dereference: true });
  }
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const resolved = `https://registry.npmjs.org/run-foreign/-/run-foreign-${version}.tgz`;
  const packages = { 'node_modules/run-foreign': { version, resolved } };
  writeFileSync(join(modules, '.package-lock.json'), JSON.stringify({ packages }));
  const command = join(modules, 'run-foreign/dist/run-foreign');
  expect((await run(command, ['new-loader', 'toy'], { cwd: project.path })).status).toBe(0);
  const name = 'run-foreign-loader-toy';
  const made = join(project.path, name);
  const files = readdirSync(made, { recursive: true, encoding: 'utf8' }).filter((path) =>
    statSync(join(made, path)).isFile(),
  );
  expect(files.length).toBe(11);
  for (const file of files) {
    const followed = readFileSync(join(directory.path, name, file), 'utf8');
    expect(followed, file).toBe(readFileSync(join(made, file), 'utf8'));
  }
  project.remove();
});
