/** run-foreign new-loader: what it writes, what it leaves alone, and how package.json names run-foreign itself. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { installedPaths } from '../support/installation.ts';
import { ROOT, run, runForeign, SHELL_COMMAND, sh, temporary } from '../support/run.ts';

const directory = temporary();
afterAll(directory.remove);
const root = ROOT.replace(/\/$/, '');
const { version, devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const newLoader = (...args: string[]) => runForeign(['new-loader', ...args], { cwd: directory.path });
const written = (...path: string[]) => readFileSync(join(directory.path, ...path), 'utf8');

test('every blank is filled in, and the next steps are named', async () => {
  const { status, stdout, stderr } = await newLoader('my-format');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('cd run-foreign-loader-my-format\n');
  expect(stdout).toContain('--loader ./src/index.ts samples/hello.my-format\n');
  const files = readdirSync(join(directory.path, 'run-foreign-loader-my-format'), {
    recursive: true,
    encoding: 'utf8',
  });
  expect(files).toEqual(expect.arrayContaining(['.gitignore', 'src/index.ts', 'test/my-format.test.ts']));
  expect(files.join()).not.toContain('__NAME');
  for (const file of files.filter((path) => /\.\w+$/.test(path)))
    expect(written('run-foreign-loader-my-format', file)).not.toMatch(/__[A-Z_]+__/);
});

test('packages are understood, with a scope, and go where they are told to', async () => {
  const { status } = await newLoader('@somebody/run-foreign-loader-toy', 'elsewhere/');
  expect(status).toBe(0);
  const made = JSON.parse(written('elsewhere/package.json'));
  expect(made.name).toBe('@somebody/run-foreign-loader-toy');
  expect(written('elsewhere/src/index.ts')).toContain("name: 'toy'");
  for (const name of ['@types/node', 'typescript', 'vitest'])
    expect(made.devDependencies[name]).toBe(devDependencies[name]);
  expect(made.peerDependencies['run-foreign']).toBe(`^${version}`);
});

describe('nothing is overwritten, and nothing left behind', () => {
  test.each(['file', 'empty directory', 'full directory', 'dangling link'])('%s', async (what) => {
    const place = temporary();
    const target = join(place.path, 'there');
    if (what === 'file') writeFileSync(target, 'mine');
    else if (what === 'dangling link') await run('/bin/ln', ['-s', 'nowhere', target]);
    else mkdirSync(target);
    if (what === 'full directory') writeFileSync(join(target, 'package.json'), 'mine');
    const { status, stdout, stderr } = await newLoader('toy', target);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe(`run-foreign: ${target}: is there already; name another directory behind NAME\n`);
    expect(readdirSync(place.path)).toEqual(['there']);
    if (what === 'file') expect(readFileSync(target, 'utf8')).toBe('mine');
    if (what === 'full directory') expect(readFileSync(join(target, 'package.json'), 'utf8')).toBe('mine');
    place.remove();
  });

  test('a parent that is not there is not made', async () => {
    const target = join(directory.path, 'no/parent');
    const { status, stderr } = await newLoader('toy', target);
    expect({ status, stderr }).toEqual({
      status: 125,
      stderr: `run-foreign: ${target}: cannot be written: ENOENT\n`,
    });
    expect(existsSync(join(directory.path, 'no'))).toBe(false);
  });

  test('a disk that takes no more', async () => {
    const place = temporary();
    // Of files that may have one block the first ones fit.
    const script = `ulimit -f 1; exec ${SHELL_COMMAND} new-loader toy`;
    const { status, stderr } = await sh(script, [], { cwd: place.path });
    expect({ status, stderr }).toEqual({
      status: 125,
      stderr: 'run-foreign: run-foreign-loader-toy: cannot be written: EFBIG\n',
    });
    expect(readdirSync(place.path)).toEqual([]);
    place.remove();
  });
});

test.each([
  ['Toy', 'is no name for a loader'],
  ['2d', 'is no name for a loader'],
  ['', 'is no name for a loader'],
  ['../toy', 'is no name for a loader'],
  ['run-foreign-loader-', 'is no name for a loader'],
  ['elf', 'comes with run-foreign'],
  ['x'.repeat(65), 'is no name for a loader'],
  [`@${'x'.repeat(200)}/run-foreign-loader-toy`, 'longer than npm allows'],
])('%j is refused', async (name, message) => {
  const { status, stderr } = await newLoader(name);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
});

describe('run-foreign itself in package.json', () => {
  const own = (path: string) => JSON.parse(readFileSync(path, 'utf8')).devDependencies['run-foreign'];

  test('from a checkout: by its path', async () => {
    expect((await newLoader('checkout')).stdout).toContain(`takes run-foreign from ${root}.`);
    expect(own(join(directory.path, 'run-foreign-loader-checkout/package.json'))).toBe(`file:${root}`);
  });

  test.each([
    ['a registry', `https://registry.npmjs.org/run-foreign/-/run-foreign-${version}.tgz`, `^${version}`],
    ['git', 'git+ssh://git@host/run-foreign.git#1234', 'git+ssh://git@host/run-foreign.git#1234'],
    ['a file that is there', 'file:packed.tgz', 'file:PROJECT/packed.tgz'],
    ['a file that is gone', 'file:gone.tgz', 'file:PROJECT/node_modules/run-foreign'],
    ['npm -g, which notes nothing down', undefined, 'file:PROJECT/node_modules/run-foreign'],
  ])('installed from %s', async (_, resolved, expected) => {
    const project = temporary();
    const modules = join(project.path, 'node_modules');
    for (const path of installedPaths()) {
      const to = path.startsWith('node_modules/') ? project.path : join(modules, 'run-foreign');
      cpSync(join(ROOT, path), join(to, path), { recursive: true, dereference: true });
    }
    writeFileSync(join(project.path, 'packed.tgz'), '');
    if (resolved !== undefined) {
      const packages = { 'node_modules/run-foreign': { version, resolved } };
      writeFileSync(join(modules, '.package-lock.json'), JSON.stringify({ packages }));
    }
    const command = join(modules, 'run-foreign/dist/run-foreign');
    const { status } = await run(command, ['new-loader', 'toy'], { cwd: project.path });
    expect(status).toBe(0);
    expect(own(join(project.path, 'run-foreign-loader-toy/package.json'))).toBe(
      expected.replace('PROJECT', project.path),
    );
    project.remove();
  });
});
