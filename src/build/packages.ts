/** Other people's packages in what we ship: those whose code is in our bundles, and those that npm installs beside us. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

const MODULES = 'node_modules/';

export interface Package {
  /** Where it lies, from the root: what package-lock.json calls it. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  /** An SPDX expression. */
  readonly license: string;
  readonly author?: string | { readonly name: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** The packages of which some bundles hold code, by name. Throws for one without a licence. */
export function bundledPackages(metafiles: readonly Metafile[]): Package[] {
  const paths = new Set<string>();
  for (const { outputs } of metafiles) {
    for (const { inputs } of Object.values(outputs)) {
      for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
        const path = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0];
        if (path !== undefined && bytesInOutput > 0) paths.add(path);
      }
    }
  }
  return [...paths].map(readPackage).sort(byName);
}

/** One place in package-lock.json. */
export interface Locked {
  readonly dev?: boolean;
  readonly optional?: boolean;
  /** npm's word for what is a development dependency of one and an optional one of another. */
  readonly devOptional?: boolean;
  readonly integrity?: string;
}

export function lockedPackages(): Readonly<Record<string, Locked>> {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Readonly<Record<string, Locked>>;
  };
  return lock.packages;
}

/** What `npm install run-foreign` brings to a machine like this one. */
export function installedPackages(): Package[] {
  return Object.entries(lockedPackages())
    .filter(([path, { dev }]) => path.startsWith(MODULES) && dev !== true && existsSync(path))
    .map(([path]) => readPackage(path))
    .sort(byName);
}

/** The text of its licence: a file of that name, or the README's chapter. */
export function licenceText({ path, name, license, author }: Package): string {
  const file = readdirSync(path).find((each) => /^(licen[cs]e|copying)(\.|-|$)/i.test(each));
  if (file !== undefined) return readFileSync(join(path, file), 'utf8');
  const readme = join(path, 'README.md');
  // The chapter is the last one where there is such a one.
  const chapter = existsSync(readme)
    ? /^#+ licen[cs]e\n+([\s\S]+)$/im.exec(readFileSync(readme, 'utf8'))?.[1]
    : undefined;
  if (chapter !== undefined) return chapter;
  const holder = typeof author === 'string' ? author : author?.name;
  if (license === 'MIT' && holder !== undefined) return mit(holder);
  throw new Error(`the package ${name} has no text of its licence`);
}

function readPackage(path: string): Package {
  const json = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Partial<Package>;
  const { name, version, license } = json;
  if (name === undefined || version === undefined || typeof license !== 'string')
    throw new Error(`${path} has no name, version or licence`);
  return { ...json, path, name, version, license };
}

const byName = (a: Package, b: Package): number => (a.path < b.path ? -1 : 1);

/** https://spdx.org/licenses/MIT.html, for those who only name it. */
const mit = (holder: string): string => `MIT License

Copyright (c) ${holder}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`;
