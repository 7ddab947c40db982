/** dist/sbom.cdx.json and dist/THIRD-PARTY-LICENSES: valid, of one opinion, and under licences that ask for no more than a notice. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { bundledPackages, licenceText } from '../../src/build/packages.ts';
import { installedPaths } from '../support/installation.ts';
import { ROOT } from '../support/run.ts';

interface Component {
  readonly 'bom-ref': string;
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  readonly licenses: readonly { license?: { id?: string; name?: string }; expression?: string }[];
  readonly properties?: readonly { name: string; value: string }[];
  readonly components?: readonly Component[];
}

const text = readFileSync(join(ROOT, 'dist/sbom.cdx.json'), 'utf8');
const bom = JSON.parse(text) as {
  metadata: { component: Component };
  components: readonly Component[];
  dependencies: readonly { ref: string; dependsOn: readonly string[] }[];
};
const notices = readFileSync(join(ROOT, 'dist/THIRD-PARTY-LICENSES'), 'utf8');
const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

const fullName = ({ group, name }: Component) => (group === undefined ? name : `${group}/${name}`);
const property = ({ properties = [] }: Component, wanted: string) =>
  properties.find(({ name }) => name === `run-foreign:${wanted}`)?.value;
const delivered = (how: string) => bom.components.filter((each) => property(each, 'delivery') === how);

/** The licences, and for which no more is asked than that their texts go with every copy. */
const PERMISSIVE = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'Public Domain'];

describe('the bill of materials', () => {
  test('is what the schema of CycloneDX 1.6 asks for', () => {
    const require = createRequire(import.meta.url);
    const library = dirname(require.resolve('@cyclonedx/cyclonedx-library/package.json'));
    const schema = (name: string) =>
      JSON.parse(readFileSync(join(library, 'res/schema', `${name}.SNAPSHOT.schema.json`), 'utf8'));
    // Its formats are those of later drafts, which ajv leaves to others.
    const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
    for (const name of ['spdx', 'jsf-0.82'])
      ajv.addSchema(schema(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
    const validate = ajv.compile(schema('bom-1.6'));
    validate(bom);
    expect(validate.errors).toBe(null);
    expect(validate({ ...bom, components: [{ name: 'without a type' }] })).toBe(false);
  });

  test('is about this version, and has no time and no number of its own', () => {
    expect(bom.metadata.component).toMatchObject({ name: own.name, version: own.version });
    expect(text).not.toMatch(/"(?:timestamp|serialNumber)"/);
  });

  test('has what npm installs, and the ranges that are asked for', () => {
    const installed = installedPaths()
      .filter((path) => path.startsWith('node_modules/'))
      .map((path) => path.slice('node_modules/'.length));
    expect(delivered('installed').map(fullName).sort()).toEqual(installed.sort());
    for (const [name, range] of Object.entries({ ...own.dependencies, ...own.optionalDependencies })) {
      const component = delivered('installed').find((each) => fullName(each) === name);
      expect(component && property(component, 'range'), name).toBe(range);
    }
  });

  test('knows who needs whom', () => {
    const known = new Set(bom.dependencies.map(({ ref }) => ref));
    for (const each of bom.components) expect(known.has(each['bom-ref']), each['bom-ref']).toBe(true);
    const needed = new Set(bom.dependencies.flatMap(({ dependsOn }) => dependsOn));
    for (const each of bom.components) expect(needed.has(each['bom-ref']), each['bom-ref']).toBe(true);
    // Each reference is to one component.
    expect(known.size).toBe(bom.components.length + 1);
  });
});

test('what is bundled has its notice with its text, and nothing else has one', () => {
  const titles = notices
    .split(`\n${'-'.repeat(80)}\n\n`)
    .map((notice) => /^(\S+ \S+) \(.*\)\n\n([\s\S]{200,})$/.exec(notice)?.[1]);
  expect(titles).toEqual(delivered('bundled').map((each) => `${fullName(each)} ${each.version}`));
  expect(titles.length).toBeGreaterThan(10);
});

test('licences are permissive, also those of what is within WebAssembly', () => {
  const all = bom.components.flatMap((each) => [each, ...(each.components ?? [])]);
  expect(all.map(({ name }) => name)).toEqual(expect.arrayContaining(['zstd', 'xz-embedded', 'koffi']));
  for (const { name, licenses } of all) {
    const named = licenses.flatMap(({ license, expression }) =>
      expression === undefined ? [license?.id ?? license?.name ?? 'none'] : expression.split(' AND '),
    );
    expect(named.length, name).toBeGreaterThan(0);
    for (const each of named) expect(PERMISSIVE, name).toContain(each);
  }
});

test('a package is known by its innermost folder, and one without a licence is an error', () => {
  const metafile = (file: string) => ({
    inputs: {},
    outputs: { out: { bytes: 1, inputs: { [file]: { bytesInOutput: 1 } }, imports: [], exports: [] } },
  });
  const nested = bundledPackages([
    metafile('node_modules/@noble/post-quantum/node_modules/@noble/hashes/utils.js'),
  ]);
  expect(nested.map(({ path }) => path)).toEqual([
    'node_modules/@noble/post-quantum/node_modules/@noble/hashes',
  ]);
  expect(() => bundledPackages([metafile('node_modules/not-there/index.js')])).toThrow('not-there');
  const [elfy] = bundledPackages([metafile('node_modules/elfy/lib/elfy.js')]);
  if (elfy === undefined) throw new Error('elfy is not there');
  expect(licenceText(elfy)).toMatch(
    /^This software is licensed under the MIT License\.\n\nCopyright Fedor Indutny/,
  );
  const { author: _, ...anonymous } = elfy;
  const bare = { ...anonymous, path: join(ROOT, 'test') };
  expect(() => licenceText(bare)).toThrow('has no text');
  expect(licenceText({ ...bare, author: 'Somebody' })).toContain('Copyright (c) Somebody\n');
});
