/** The file of a package that an import means. */
import { mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { packageDirectory, packageEntry } from '../../src/plugins/package-entry.ts';
import { temporary } from '../support/run.ts';
import { writeFiles } from '../support/toy.ts';

const directory = temporary();
afterAll(directory.remove);
const root = realpathSync(directory.path);

let packages = 0;
function made(manifest: object, ...files: readonly string[]): string {
  const path = join(root, `package-${++packages}`);
  const contents = Object.fromEntries(files.map((file) => [file, '']));
  writeFiles(path, { 'package.json': JSON.stringify(manifest), ...contents });
  return path;
}

test.each([
  [{}, 'index.js'],
  [{ main: 'a.js' }, 'a.js'],
  [{ main: './a' }, 'a.js'],
  [{ main: 'lib' }, 'lib/index.js'],
  [{ exports: './a.js', main: 'b.js' }, 'a.js'],
  [{ exports: null, main: 'a.js' }, 'a.js'],
  [{ exports: { import: './a.js', require: './b.js' } }, 'a.js'],
  [{ exports: { types: './b.js', default: './a.js' } }, 'a.js'],
  [{ exports: { node: { require: './b.js', import: './a.js' }, default: './b.js' } }, 'a.js'],
  [{ exports: { '.': { import: { default: './a.js' } }, './b': './b.js' } }, 'a.js'],
  [{ exports: [{ browser: './b.js' }, './a.js'] }, 'a.js'],
])('%j', (manifest, expected) => {
  const path = made(manifest, 'a.js', 'b.js', 'lib/index.js', 'index.js');
  expect(packageEntry(path)).toBe(join(path, expected));
});

test.each([
  [{ exports: { './b': './a.js' } }],
  [{ exports: { require: './a.js' } }],
  [{ exports: '../a.js' }],
  [{ exports: './lib/../../a.js' }],
  [{ exports: './node_modules/x/a.js' }],
  [{ exports: './gone.js' }],
  [{ exports: 7 }],
  [{ main: 'gone' }],
])('%j names none', (manifest) => {
  expect(() => packageEntry(made(manifest, 'a.js'))).toThrow('its package.json names no file to import');
});

test('a package is looked for in each directory above, and links are followed', () => {
  const target = made({}, 'index.js');
  mkdirSync(join(root, 'a/node_modules'), { recursive: true });
  mkdirSync(join(root, 'a/b/c'), { recursive: true });
  symlinkSync(target, join(root, 'a/node_modules/p'));
  const found = packageDirectory('p', join(root, 'a/b/c'));
  expect(found).toBe(join(root, 'a/node_modules/p'));
  expect(packageEntry(found ?? '')).toBe(join(target, 'index.js'));
  expect(packageDirectory('p', join(root, 'a/node_modules'))).toBe(found);
  expect(packageDirectory('p', root)).toBeUndefined();
});
