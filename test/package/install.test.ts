/** The package from a registry, as npm installs it: globally, in projects, without scripts, without optional packages. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  expectCommandWorks,
  LIBRARY_SAYS,
  libraryScript,
  openShop,
  type Shop,
} from '../support/installed.ts';
import { NODE_PATH, ROOT, run } from '../support/run.ts';
import { TOY_LOADER, writeFiles } from '../support/toy.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop.close());
const at = (...path: string[]) => join(shop.path, ...path);

const env = { PATH: NODE_PATH };
const starts =
  (command: string) =>
  (args: readonly string[], options = {}) =>
    run(command, args, { env, ...options });

describe('npm install -g', () => {
  const command = () => at('global/bin/run-foreign');
  const installed = () => at('global/lib/node_modules/run-foreign');
  beforeAll(() =>
    shop.npm('.', 'install', '-g', '--prefix', at('global'), '--ignore-scripts', 'run-foreign'),
  );

  test('brings four packages, and a link to the command', () => {
    expect(lstatSync(command()).isSymbolicLink()).toBe(true);
    const modules = join(installed(), 'node_modules');
    expect(
      readdirSync(modules)
        .filter((name) => !name.startsWith('.'))
        .sort(),
    ).toEqual(['@esbuild', '@koromix', 'esbuild', 'koffi']);
    expect(readdirSync(join(modules, '@esbuild'))).toEqual(['linux-x64']);
    expect(readdirSync(join(modules, '@koromix'))).toEqual(['koffi-linux-x64']);
  });

  test('the command works although no script was run', async () => {
    await expectCommandWorks(starts(command()), join(installed(), 'samples'));
    writeFiles(shop.path, { 'toy.ts': TOY_LOADER });
    const formats = await starts(command())(['formats', '--loader', at('toy.ts')]);
    expect(formats).toMatchObject({ status: 0, stderr: '' });
    expect(formats.stdout).toContain(at('toy.ts'));
  });

  test('the library is where NODE_PATH points', async () => {
    const script = libraryScript("require('run-foreign')", join(installed(), 'samples'));
    writeFileSync(at('global.cjs'), script);
    const outcome = await run(process.execPath, [at('global.cjs')], {
      env: { ...env, NODE_PATH: at('global/lib/node_modules') },
    });
    expect(outcome).toEqual({ status: 0, stdout: LIBRARY_SAYS, stderr: '' });
  });

  test('uninstalled, nothing is left there', async () => {
    await shop.npm('.', 'install', '-g', '--prefix', at('brief'), '--ignore-scripts', 'run-foreign');
    await shop.npm('.', 'uninstall', '-g', '--prefix', at('brief'), 'run-foreign');
    expect(existsSync(at('brief/bin/run-foreign'))).toBe(false);
    expect(readdirSync(at('brief/lib/node_modules')).filter((name) => !name.startsWith('.'))).toEqual([]);
  });
});

describe('in a project', () => {
  const project = (...path: string[]) => at('project', ...path);
  const samples = () => project('node_modules/run-foreign/samples');
  beforeAll(async () => {
    writeFiles(shop.path, { 'project/package.json': '{ "private": true }' });
    await shop.npm('project', 'install', '--ignore-scripts', 'run-foreign');
  });

  test('the command works, also by npx', async () => {
    await expectCommandWorks(starts(project('node_modules/.bin/run-foreign')), samples());
    const hello = 'node_modules/run-foreign/samples/elf/x86_64/hello-static';
    expect(await shop.npm('project', 'exec', '--', 'run-foreign', hello)).toBe(
      'hello from elf x86_64 static\n',
    );
  });

  test.each([
    ['mjs', "await import('run-foreign')"],
    ['cjs', "require('run-foreign')"],
  ])('the library works in .%s', async (extension, load) => {
    writeFileSync(project(`use.${extension}`), libraryScript(load, samples()));
    const outcome = await run(process.execPath, [project(`use.${extension}`)], { cwd: '/', env });
    expect(outcome).toEqual({ status: 0, stdout: LIBRARY_SAYS, stderr: '' });
  });

  test.each([
    ['nodenext', 'nodenext'],
    ['node16', 'node16'],
    ['preserve', 'bundler'],
  ])('TypeScript with module %s and %s finds the types', async (module, moduleResolution) => {
    const name = `types-${module}`;
    mkdirSync(project(name));
    if (!existsSync(project('node_modules/@types')))
      symlinkSync(join(ROOT, 'node_modules/@types'), project('node_modules/@types'));
    const compilerOptions = {
      target: 'es2023',
      module,
      moduleResolution,
      strict: true,
      noEmit: true,
      types: ['node'],
    };
    const usage = readFileSync(join(ROOT, 'test/library/usage.ts'), 'utf8');
    writeFiles(project(name), {
      'tsconfig.json': JSON.stringify({
        compilerOptions: { ...compilerOptions, exactOptionalPropertyTypes: true },
      }),
      'usage.mts': usage,
      'usage.cts': usage,
      // One type, whichever kind of module it came to.
      'both.mts': `import { ForeignError } from 'run-foreign';
        import type { LoaderPlugin } from 'run-foreign/loader';
        import type { LoaderPlugin as Same } from 'run-foreign' with { 'resolution-mode': 'require' };
        export const code = (error: ForeignError): string => error.code;
        export const same = (loader: LoaderPlugin): Same => loader;\n`,
    });
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    const { status, stdout } = await run(tsc, ['-p', project(name)], { timeout: 60_000 });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });

  test('a new loader compiles against it, and is found by its name', async () => {
    const made = await run(project('node_modules/.bin/run-foreign'), ['new-loader', 'toy'], {
      cwd: project(),
      env,
    });
    expect(made).toMatchObject({ status: 0, stderr: '' });
    const loader = project('run-foreign-loader-toy');
    expect(JSON.parse(readFileSync(join(loader, 'package.json'), 'utf8')).peerDependencies).toHaveProperty(
      'run-foreign',
    );
    // What npm would install beside run-foreign: a compiler, and what the tests need.
    mkdirSync(join(loader, 'node_modules'));
    for (const name of ['vitest', '@types', 'typescript'])
      symlinkSync(join(ROOT, 'node_modules', name), join(loader, 'node_modules', name));
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    const built = await run(tsc, ['-p', 'tsconfig.build.json'], { cwd: loader, timeout: 60_000 });
    expect(built).toMatchObject({ status: 0, stdout: '' });
    expect((await run(process.execPath, ['samples/make.js'], { cwd: loader, env })).status).toBe(0);
    symlinkSync(loader, project('node_modules/run-foreign-loader-toy'));
    const command = project('node_modules/.bin/run-foreign');
    const args = ['--loader', 'run-foreign-loader-toy', join(loader, 'samples/hello.toy')];
    expect(await run(command, args, { cwd: project(), env })).toMatchObject({
      status: 42,
      stdout: 'Hello from a new format\n',
    });
  });
});

test('in a workspace it lies above the package that uses it', async () => {
  writeFiles(shop.path, {
    'many/package.json': '{ "private": true, "workspaces": ["packages/*"] }',
    'many/packages/one/package.json': '{ "name": "one", "dependencies": { "run-foreign": "*" } }',
  });
  await shop.npm('many', 'install', '--ignore-scripts');
  const samples = at('many/node_modules/run-foreign/samples');
  await expectCommandWorks(starts(at('many/node_modules/.bin/run-foreign')), samples);
  writeFileSync(at('many/packages/one/use.mjs'), libraryScript("await import('run-foreign')", samples));
  const outcome = await run(process.execPath, [at('many/packages/one/use.mjs')], { env });
  expect(outcome).toEqual({ status: 0, stdout: LIBRARY_SAYS, stderr: '' });
});

test('npx runs it from the tarball', async () => {
  const hello = join(ROOT, 'samples/elf/x86_64/hello-static');
  const said = await shop.npm(
    'nothing',
    'exec',
    '--yes',
    '--package',
    shop.tarball,
    '--',
    'run-foreign',
    hello,
  );
  expect(said).toBe('hello from elf x86_64 static\n');
});

test('npm link, and a folder, which are symbolic links', async () => {
  await shop.npm('linked', 'init', '-y');
  await shop.npm('linked', 'install', '--ignore-scripts', ROOT);
  expect(lstatSync(at('linked/node_modules/run-foreign')).isSymbolicLink()).toBe(true);
  const samples = at('linked/node_modules/run-foreign/samples');
  await expectCommandWorks(starts(at('linked/node_modules/.bin/run-foreign')), samples);
});

describe('without optional packages', () => {
  const command = () => at('less/node_modules/.bin/run-foreign');
  beforeAll(async () => {
    writeFiles(shop.path, { 'less/package.json': '{ "private": true }' });
    for (const name of ['cc', 'gcc', 'g++', 'c++', 'clang', 'cmake', 'make', 'ninja', 'python3'])
      writeFileSync(at('less', name), `#!/bin/sh\necho ${name} "$@" >> ${at('compiled')}\nexit 1\n`, {
        mode: 0o755,
      });
    const environment = { ...shop.registry.environment(shop.path), PATH: `${at('less')}:${NODE_PATH}` };
    const args = ['install', '--omit=optional', '--foreground-scripts', 'run-foreign'];
    const outcome = await run('npm', args, { cwd: at('less'), env: environment, timeout: 60_000 });
    expect(outcome.status, outcome.stderr).toBe(0);
  });

  test('scripts that other packages run compile nothing', () => {
    expect(existsSync(at('compiled'))).toBe(false);
  });

  test('all works but for loaders that must be compiled, which is said', async () => {
    expect(existsSync(at('less/node_modules/esbuild'))).toBe(false);
    await expectCommandWorks(starts(command()), at('less/node_modules/run-foreign/samples'));
    writeFiles(shop.path, { 'less/toy.ts': TOY_LOADER });
    expect(await run(command(), ['formats', '--loader', './toy.ts'], { cwd: at('less'), env })).toEqual({
      status: 125,
      stdout: '',
      stderr:
        `run-foreign: ${at('less/toy.ts')}: cannot be compiled, because there is no package esbuild; ` +
        'install run-foreign with its optional dependencies\n',
    });
  });
});
