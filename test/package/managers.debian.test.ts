/** Other package managers than npm, from npm's registry; run-foreign and what it needs come from the tests' own. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  expectCommandWorks,
  LIBRARY_SAYS,
  libraryScript,
  openShop,
  type Shop,
} from '../support/installed.ts';
import { npmEnvironment } from '../support/package.ts';
import { NODE_PATH, type Outcome, ROOT, run } from '../support/run.ts';
import { writeFiles } from '../support/toy.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop.close());
const at = (...path: string[]) => join(shop.path, ...path);
const env = { PATH: NODE_PATH };

/** They are programs of the package, at the versions named here. */
const MANAGERS = { pnpm: 'pnpm@10.20.0', yarn: 'yarn@1.22.22', berry: '@yarnpkg/cli-dist@4.10.3' };

async function manage(manager: keyof typeof MANAGERS, directory: string, ...args: string[]): Promise<string> {
  const outcome = await start(manager, directory, ...args);
  expect(outcome.status, outcome.stdout + outcome.stderr).toBe(0);
  return outcome.stdout;
}

async function start(manager: keyof typeof MANAGERS, directory: string, ...args: string[]): Promise<Outcome> {
  const tools = at('tools', manager);
  if (!existsSync(tools)) {
    const fetch = ['install', '--prefix', tools, '--ignore-scripts', MANAGERS[manager]];
    const fetched = await run('npm', fetch, { cwd: shop.path, env: npmEnvironment(), timeout: 120_000 });
    expect(fetched.status, fetched.stderr).toBe(0);
  }
  return run(join(tools, 'node_modules/.bin', manager === 'pnpm' ? 'pnpm' : 'yarn'), args, {
    cwd: at(directory),
    timeout: 120_000,
    env: {
      ...shop.registry.environment(shop.path),
      YARN_NPM_REGISTRY_SERVER: shop.registry.url,
      YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
      YARN_ENABLE_TELEMETRY: '0',
      YARN_ENABLE_IMMUTABLE_INSTALLS: '0',
      YARN_ENABLE_SCRIPTS: '0',
      YARN_CACHE_FOLDER: at(`cache-of-${manager}`),
      YARN_GLOBAL_FOLDER: at('yarn'),
      YARN_REGISTRY: shop.registry.url,
    },
  });
}

const PROJECT = '{ "name": "project", "private": true, "dependencies": { "run-foreign": "*" } }';

async function expectProjectWorks(directory: string): Promise<void> {
  const samples = at(directory, 'node_modules/run-foreign/samples');
  const command = at(directory, 'node_modules/.bin/run-foreign');
  await expectCommandWorks((args, options) => run(command, args, { env, ...options }), samples);
  for (const [extension, load] of [
    ['mjs', "await import('run-foreign')"],
    ['cjs', "require('run-foreign')"],
  ] as const) {
    writeFileSync(at(directory, `use.${extension}`), libraryScript(load, samples));
    const outcome = await run(process.execPath, [at(directory, `use.${extension}`)], { env });
    expect(outcome).toEqual({ status: 0, stdout: LIBRARY_SAYS, stderr: '' });
  }
}

describe('pnpm', () => {
  test.each(['isolated', 'hoisted'])('with node-linker=%s', async (linker) => {
    writeFiles(at(linker), { 'package.json': PROJECT, '.npmrc': `node-linker=${linker}\n` });
    await manage('pnpm', linker, 'install', '--no-frozen-lockfile');
    await expectProjectWorks(linker);
  });
});

test('yarn 1', async () => {
  writeFiles(at('classic'), { 'package.json': PROJECT });
  await manage('yarn', 'classic', 'install', '--no-lockfile', '--ignore-scripts');
  await expectProjectWorks('classic');
});

describe('yarn 4', () => {
  test('with node_modules', async () => {
    writeFiles(at('modules'), {
      'package.json': PROJECT,
      '.yarnrc.yml': 'nodeLinker: node-modules\n',
      'yarn.lock': '',
    });
    await manage('berry', 'modules', 'install');
    await expectProjectWorks('modules');
  });

  // The launcher keeps away from Node what stands in NODE_OPTIONS, and by that Node would know of Plug'n'Play.
  test("with Plug'n'Play: the library, and the command says what to do", async () => {
    writeFiles(at('pnp'), { 'package.json': PROJECT, '.yarnrc.yml': 'nodeLinker: pnp\n', 'yarn.lock': '' });
    await manage('berry', 'pnp', 'install');
    expect(existsSync(at('pnp/node_modules'))).toBe(false);
    writeFileSync(at('pnp/use.mjs'), libraryScript("await import('run-foreign')", join(ROOT, 'samples')));
    expect(await manage('berry', 'pnp', 'node', 'use.mjs')).toBe(LIBRARY_SAYS);
    const { status, stderr, stdout } = await start('berry', 'pnp', 'run', 'run-foreign', '/bin/echo');
    expect(status).toBe(125);
    expect(stdout + stderr).toContain('cannot be loaded; install run-foreign again');
    expect(stdout + stderr).toContain('nodeLinker');
  });
});
