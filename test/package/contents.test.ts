/** What users get: which files, how large, and nothing that belongs to the machine that built them. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cacheFile, SCRIPT_NAMES, scriptFile } from '../../src/bin/script.ts';
import { ENTRIES, reachable } from '../../src/build/types.ts';
import { type Packed, pack, unpack } from '../support/package.ts';
import { ROOT, temporary } from '../support/run.ts';

/** Bytes. Who needs more raises them, and says what for. */
const BUDGET = { packed: 1_600_000, unpacked: 4_700_000 };

const directory = temporary();
afterAll(directory.remove);
let packed: Packed;
let files: Map<string, Buffer>;
beforeAll(async () => {
  packed = await pack(directory.path);
  files = unpack(packed.tarball);
});

/** The lines of files.txt. */
function patterns(): { line: string; pattern: RegExp }[] {
  return readFileSync(join(ROOT, 'test/package/files.txt'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const source = line
        .split(/(\*\*|\*|HASH)/)
        .map((part) => WILD[part] ?? part.replace(/[.+]/g, '\\$&'))
        .join('');
      return { line, pattern: new RegExp(`^${source}$`) };
    });
}

const WILD: Readonly<Record<string, string>> = { '**': '.+', '*': '[^/]+', HASH: '[A-Z0-9]{8}' };

test('the files are those of files.txt', () => {
  const lines = patterns();
  const names = packed.files.map(({ path }) => path);
  expect([...files.keys()].sort()).toEqual([...names].sort());
  const matching = (name: string) => lines.filter(({ pattern }) => pattern.test(name));
  expect(names.filter((name) => matching(name).length !== 1)).toEqual([]);
  expect(lines.filter(({ pattern }) => !names.some((name) => pattern.test(name)))).toEqual([]);
});

test('the declarations are those that the exports need, and each has a source', () => {
  const declared = [...files.keys()]
    .filter((name) => name.startsWith('dist/types/') && name.endsWith('.d.ts'))
    .map((name) => name.slice('dist/types/'.length));
  const needed = reachable(join(ROOT, 'dist/types'), Object.values(ENTRIES));
  expect(declared.sort()).toEqual([...needed].sort());
  for (const name of declared)
    expect(existsSync(join(ROOT, name.replace(/\.d\.ts$/, '.ts'))), name).toBe(true);
});

test('the sizes are within the budget', () => {
  expect(packed.size).toBeLessThan(BUDGET.packed);
  expect(packed.unpackedSize).toBeLessThan(BUDGET.unpacked);
});

test('nothing of what was built names a place of the machine that built it', () => {
  const root = ROOT.replace(/\/$/, '');
  const places = [root, realpathSync(root), 'dist.new', process.execPath];
  for (const [name, content] of files) {
    if (!name.startsWith('dist/')) continue;
    for (const place of places) expect(content.includes(place), `${place} in ${name}`).toBe(false);
  }
  for (const name of SCRIPT_NAMES)
    expect(files.get(`dist/${cacheFile(name)}`)?.includes(scriptFile(name))).toBe(true);
});

test('only programs can be executed, and nobody but the owner may write', () => {
  const executable = packed.files.filter(({ mode }) => (mode & 0o111) !== 0).map(({ path }) => path);
  expect(executable).toContain('dist/run-foreign');
  expect(executable.filter((path) => !/^(?:dist\/run-foreign(?:-binfmt)?$|samples\/)/.test(path))).toEqual(
    [],
  );
  for (const { path, mode } of packed.files) expect(mode & 0o7022, path).toBe(0);
});

test('links in what is to be read lead to what is there', () => {
  for (const [name, content] of files) {
    if (!name.endsWith('.md')) continue;
    for (const [, link = ''] of content.toString().matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(?:[a-z]+:|#)/.test(link)) continue;
      const target = normalize(join(dirname(name), link.replace(/#.*/, '')));
      const isThere = files.has(target) || [...files.keys()].some((each) => each.startsWith(`${target}/`));
      expect(isThere, `${link} in ${name}`).toBe(true);
    }
  }
});

describe('package.json', () => {
  const json = () => JSON.parse(String(files.get('package.json')));

  test('has nothing run at an installation', () => {
    const { scripts } = json();
    for (const name of ['preinstall', 'install', 'postinstall', 'preuninstall'])
      expect(scripts).not.toHaveProperty(name);
    // npm runs it where the package comes as a folder or by git, and there it builds.
    expect(scripts.prepare).toBe('test ! -f build.ts || tsx build.ts');
    expect(files.has('build.ts')).toBe(false);
  });

  test('asks for koffi, of whose two halves npm may not leave out the native one, and for a compiler that it may', () => {
    const { dependencies, optionalDependencies } = json();
    // koffi takes no native half of another version.
    const { koffi } = dependencies;
    expect(dependencies).toEqual({ koffi, '@koromix/koffi-linux-x64': koffi });
    expect(koffi).toMatch(/^\d+\.\d+\.\d+$/);
    expect(Object.keys(optionalDependencies)).toEqual(['esbuild']);
  });

  test('says where it can be used', () => {
    expect(json()).toMatchObject({
      os: ['linux'],
      cpu: ['x64'],
      engines: { node: '^20.19.0 || >=22.3.0' },
      license: 'MIT',
    });
  });
});
