/** The package as others have it in their projects: imported and required by its name. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import * as library from '../../src/index.ts';
import { ROOT } from '../support/run.ts';
import { project } from './built.ts';

const own = project();
afterAll(own.remove);

const kinds = [
  ['an ES module', 'mjs', (name: string) => `await import('${name}')`],
  ['CommonJS', 'cjs', (name: string) => `require('${name}')`],
] as const;

describe.each(kinds)('%s', (_, extension, load) => {
  const say = (expression: string, options = {}) =>
    own.script(
      `say.${extension}`,
      `const main = async () => { ${expression} };\nmain().catch((error) => console.log(error));`,
      options,
    );

  test('has what the sources export, and no more', async () => {
    const { stdout } = await say(`console.log(JSON.stringify(Object.keys(${load('run-foreign')}).sort()))`);
    expect(JSON.parse(stdout)).toEqual(Object.keys(library).sort());
  });

  test('has what loaders need', async () => {
    const { stdout } = await say(`console.log(typeof (${load('run-foreign/loader')}).defineLoader)`);
    expect(stdout).toBe('function\n');
  });

  // Each has a decoder, a worker or a program of its own beside the bundle.
  test.each([
    'gzip/tally-static.gz',
    'xz/tally-dynamic-pie.xz',
    'zstd/tally-qmagic.zst',
    'manifest/tally.json',
    'ape/tally',
  ])('starts %s', async (sample) => {
    const { stdout, stderr } = await say(`
      const { spawnForeign } = ${load('run-foreign')};
      const options = { cwd: process.env.SAMPLES };
      console.log((await (await spawnForeign('./${sample}', ['inputs/words.txt'], options)).result).stdout);
    `);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/3 6 30 inputs\/words.txt\n$/);
  });

  test('starts WebAssembly, which another Node runs', async () => {
    const { stdout } = await say(`
      const { spawnForeign } = ${load('run-foreign')};
      console.log((await (await spawnForeign(process.env.SAMPLES + '/wasm/hello')).result).stdout);
    `);
    expect(stdout).toBe('hello from WebAssembly\n');
  });

  test('has errors that both kinds know', async () => {
    const { stdout } = await say(`
      const here = ${load('run-foreign')};
      const { createRequire } = await import('node:module');
      const there = ${extension === 'mjs' ? "createRequire(import.meta.url)('run-foreign')" : "await import('run-foreign')"};
      const error = await here.spawnForeign('not-there').catch((error) => error);
      console.log(here.ForeignError === there.ForeignError, error instanceof there.ForeignError);
    `);
    expect(stdout).toBe('false true\n');
  });

  test('changes nothing in its process, and lets it end', async () => {
    const { stdout } = await say(`
      // Node itself listens while a module is evaluated.
      await new Promise((resolve) => setTimeout(resolve, 1));
      const state = () => JSON.stringify([process.umask(), process.cwd(), process.env, process.eventNames(), process.getuid()]);
      const before = state();
      const { spawnForeign, loadImage, planProgram } = ${load('run-foreign')};
      await (await spawnForeign('sh', ['-c', ':'])).result;
      (await planProgram('sh')).close();
      await loadImage('sh');
      console.log(state() === before);
    `);
    expect(stdout).toBe('true\n');
  });
});

test('every file that the package names is there', () => {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { exports: unknown };
  const paths = (value: unknown): string[] =>
    typeof value === 'string' ? [value] : Object.values(value as object).flatMap(paths);
  const named = paths(exports);
  expect(named.length).toBeGreaterThan(8);
  for (const path of named) expect(readFileSync(join(ROOT, path)).length).toBeGreaterThan(0);
});
