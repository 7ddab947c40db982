/** The contract as a stranger gets it, from the built package: its names, and types that a compiler finds. */
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import * as contract from '../../src/loader/index.ts';
import { ROOT, run, temporary } from '../support/run.ts';
import { TOY_LOADER, writeFiles } from '../support/toy.ts';

const directory = temporary();
afterAll(directory.remove);

const reference = readFileSync(join(ROOT, 'docs/loader-contract.md'), 'utf8');
const index = readFileSync(join(ROOT, 'src/loader/index.ts'), 'utf8');
/** Everything that `run-foreign/loader` exports, types too. */
const names = [...index.matchAll(/export (?:type )?\{([^}]*)\}/g)]
  .flatMap(([, list = '']) => list.split(','))
  .map((name) => name.trim().replace(/^type /, ''))
  .filter((name) => name !== '');

test('the package exports what the sources do, and no more', async () => {
  const script = `import * as all from 'run-foreign/loader'; console.log(JSON.stringify(Object.keys(all)));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT });
  expect(JSON.parse(stdout)).toEqual(Object.keys(contract).sort());
  expect(names).toEqual(expect.arrayContaining(Object.keys(contract)));
  const built = await import(pathToFileURL(join(ROOT, 'dist/loader.js')).href);
  expect(Object.keys(built).sort()).toEqual(Object.keys(contract).sort());
});

let projects = 0;
/** Compiles as a package beside run-foreign would be. */
async function compile(files: Readonly<Record<string, string>>): Promise<string> {
  const tsconfig = {
    compilerOptions: {
      target: 'es2023',
      module: 'nodenext',
      strict: true,
      noEmit: true,
      types: ['node'],
      allowImportingTsExtensions: true,
    },
  };
  const cwd = join(directory.path, String(++projects));
  writeFiles(cwd, {
    'tsconfig.json': JSON.stringify(tsconfig),
    'package.json': '{ "type": "module" }',
    ...files,
  });
  writeFiles(join(cwd, 'node_modules'), { '.here': '' });
  symlinkSync(ROOT, join(cwd, 'node_modules/run-foreign'));
  symlinkSync(join(ROOT, 'node_modules/@types'), join(cwd, 'node_modules/@types'));
  const { stdout } = await run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', cwd], { cwd, timeout: 60_000 });
  return stdout;
}

test('its types are found by a package that has it, and are strict about loaders', async () => {
  expect(await compile({ 'toy.ts': TOY_LOADER })).toBe('');
  const wrong = TOY_LOADER.replace("? 'exact' : null", '? true : false');
  expect(await compile({ 'wrong.ts': wrong })).toContain(
    "Type 'boolean' is not assignable to type 'Verdict'",
  );
  const option = TOY_LOADER.replace('const { base = 0x1000_0000n', 'const { bass = 0x1000_0000n');
  expect(await compile({ 'option.ts': option })).toContain("Property 'bass' does not exist");
});

describe('docs/loader-contract.md', () => {
  test.each(names)('describes %s', (name) => {
    expect(new RegExp(`\`${name}\\b`).test(reference)).toBe(true);
  });

  test('has every error code', () => {
    const codes = [...reference.matchAll(/^\| `[A-Z_]+` \|/gm)].length;
    const errors = readFileSync(join(ROOT, 'src/errors.ts'), 'utf8');
    const all = [...errors.matchAll(/^ {2}([A-Z_]+): EXIT/gm)].map(([, code]) => code);
    for (const code of all) expect(reference).toContain(`| \`${code}\` |`);
    expect(codes).toBe(all.length);
  });

  test('has code that compiles', async () => {
    const blocks = [...reference.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code);
    expect(blocks.length).toBeGreaterThan(1);
    const files = Object.fromEntries(blocks.map((code, at) => [`block-${at}.ts`, code]));
    expect(await compile(files)).toBe('');
  });
});
