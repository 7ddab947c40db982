/**
 * dist/sbom.cdx.json: what the package consists of, as CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/). Of the same
 * sources it is the same to the byte: it has neither a time nor a serial number, which are optional.
 */

import own from '../../package.json' with { type: 'json' };
import { lockedPackages, type Package } from './packages.ts';

/** How a component comes to users: within our files, or by npm from its registry. */
type Delivery = 'bundled' | 'installed';

/** Libraries in C that packages hold as WebAssembly. Their versions are what README and version() of these packages say. */
const WITHIN: Readonly<Record<string, { name: string; version?: string; licenses: object[] }>> = {
  '@hpcc-js/wasm-zstd': { name: 'zstd', version: '1.5.7', licenses: [{ license: { id: 'BSD-3-Clause' } }] },
  'xz-decompress': { name: 'xz-embedded', licenses: [{ license: { name: 'Public Domain' } }] },
  zstddec: { name: 'zstd', version: '1.5.7', licenses: [{ license: { id: 'BSD-3-Clause' } }] },
};

const RANGES: Readonly<Record<string, string>> = { ...own.dependencies, ...own.optionalDependencies };
const REFERENCE = `pkg:npm/${own.name}@${own.version}`;

export function sbom(bundled: readonly Package[], installed: readonly Package[]): string {
  const all = [...bundled, ...installed];
  const places = new Map(all.map((each) => [each.path, purl(each)]));
  const among = (names: readonly string[], from: string) =>
    names.flatMap((name) => found(places, name, from) ?? []).sort();
  const others = all.map((each) => ({
    ref: purl(each),
    dependsOn: among(Object.keys({ ...each.dependencies, ...each.optionalDependencies }), each.path),
  }));
  const needed = new Set(others.flatMap(({ dependsOn }) => dependsOn));
  const direct = among(Object.keys({ ...own.devDependencies, ...RANGES }), '');
  // Of yargs nothing is bundled but what it takes from another package.
  const orphans = others.map(({ ref }) => ref).filter((ref) => !needed.has(ref));
  const bom = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      lifecycles: [{ phase: 'build' }],
      component: {
        type: 'application',
        'bom-ref': REFERENCE,
        name: own.name,
        version: own.version,
        description: own.description,
        licenses: licences(own.license),
        purl: REFERENCE,
      },
    },
    components: [
      ...bundled.map((each) => component(each, 'bundled')),
      ...installed.map((each) => component(each, 'installed')),
    ],
    dependencies: [{ ref: REFERENCE, dependsOn: [...new Set([...direct, ...orphans])].sort() }, ...others],
  };
  return `${JSON.stringify(bom, null, 2)}\n`;
}

/** What stands at the first of the places where Node looks for a package. */
function found(places: ReadonlyMap<string, string>, name: string, from: string): string | undefined {
  const here = places.get(`${from === '' ? '' : `${from}/`}node_modules/${name}`);
  if (here !== undefined || from === '') return here;
  return found(places, name, from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))));
}

function component(each: Package, delivery: Delivery): object {
  const [, group, name] = /^(?:(@[^/]+)\/)?(.*)$/.exec(each.name) ?? [];
  const { integrity = '', optional, devOptional } = lockedPackages()[each.path] ?? {};
  const range = delivery === 'installed' ? RANGES[each.name] : undefined;
  const within = WITHIN[each.name];
  const [, digest] = /^sha512-(\S+)$/.exec(integrity) ?? [];
  return {
    type: 'library',
    'bom-ref': purl(each),
    ...(group !== undefined && { group }),
    name,
    version: each.version,
    description: each.description,
    scope: delivery === 'installed' && (optional ?? devOptional) === true ? 'optional' : 'required',
    licenses: licences(each.license),
    purl: purl(each),
    ...(digest !== undefined && {
      externalReferences: [
        {
          type: 'distribution',
          url: `https://registry.npmjs.org/${each.name}/-/${name}-${each.version}.tgz`,
          hashes: [{ alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') }],
        },
      ],
    }),
    properties: [
      { name: 'run-foreign:delivery', value: delivery },
      // Of what npm installs, the version is the one that was tested.
      ...(range === undefined ? [] : [{ name: 'run-foreign:range', value: range }]),
    ],
    ...(within !== undefined && { components: [{ type: 'library', ...within }] }),
  };
}

/** https://github.com/package-url/purl-spec, of the type npm. */
const purl = ({ name, version }: Package): string => `pkg:npm/${name.replace('@', '%40')}@${version}`;

const licences = (expression: string): object[] =>
  expression.includes(' ') ? [{ expression }] : [{ license: { id: expression } }];
