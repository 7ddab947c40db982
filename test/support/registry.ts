/**
 * A registry of npm's on this machine: it has run-foreign and the packages that are in node_modules, and nothing else. So what npm
 * does with the package is seen without a network, and nothing comes from a cache.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { npmEnvironment, pack, unpack } from './package.ts';
import { ROOT } from './run.ts';

interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Published {
  readonly json: PackageJson;
  readonly tarball: Buffer;
}

export interface Registry {
  readonly url: string;
  /** What npm and its like are started with: this registry, and a home of their own below `directory`. */
  readonly environment: (directory: string) => Record<string, string>;
  readonly close: () => Promise<void>;
}

/** Has the packages in those tarballs, of each of which the first one counts as the latest, and all that they depend on of what is in node_modules. */
export async function startRegistry(directory: string, tarballs: readonly string[]): Promise<Registry> {
  const published = tarballs.map(read);
  const elsewhere = new Map<string, string>();
  for (const { json } of published) {
    for (const [name, version] of Object.entries({ ...json.dependencies, ...json.optionalDependencies })) {
      if (published.some((each) => each.json.name === name)) continue;
      const path = join(ROOT, 'node_modules', name);
      if (existsSync(path)) published.push(read((await pack(join(directory, 'packed'), path)).tarball));
      else elsewhere.set(name, version);
    }
  }
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '/').slice(1);
    const file = published.find(({ json }) => path === tarballName(json));
    if (file !== undefined) return response.end(file.tarball);
    const versions = published.filter(({ json }) => json.name === path);
    const version = elsewhere.get(path);
    if (versions.length > 0) return response.end(JSON.stringify(describe(url, versions)));
    if (version !== undefined) return response.end(JSON.stringify(forOthers(url, path, version)));
    response.writeHead(404).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    url,
    environment: (home) => ({
      ...npmEnvironment(),
      HOME: home,
      npm_config_registry: url,
      npm_config_cache: join(home, 'npm-cache'),
      npm_config_userconfig: join(home, 'npmrc'),
    }),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function read(tarball: string): Published {
  const json = JSON.parse(String(unpack(tarball).get('package.json'))) as PackageJson;
  return { json, tarball: readFileSync(tarball) };
}

const tarballName = ({ name, version }: PackageJson): string =>
  `${name}/-/${name.replace(/.*\//, '')}-${version}.tgz`;

/** What a registry says of a package: https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md */
function describe(url: string, versions: readonly Published[]): object {
  const [{ json } = { json: { name: '', version: '' } }] = versions;
  return {
    name: json.name,
    'dist-tags': { latest: json.version },
    versions: Object.fromEntries(
      versions.map((each) => {
        const digest = createHash('sha512').update(each.tarball).digest('base64');
        const dist = { tarball: url + tarballName(each.json), integrity: `sha512-${digest}` };
        return [each.json.version, { ...each.json, dist }];
      }),
    ),
  };
}

/** A package for other machines, which nobody fetches here. */
function forOthers(url: string, name: string, version: string): object {
  const json = { name, version, os: ['none'], cpu: ['none'] };
  const dist = {
    tarball: url + tarballName(json),
    integrity: `sha512-${Buffer.alloc(64).toString('base64')}`,
  };
  return { name, 'dist-tags': { latest: version }, versions: { [version]: { ...json, dist } } };
}
