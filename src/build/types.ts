/**
 * The declarations of the library. They lie there once, as CommonJS, which both kinds of modules may import; beside what is
 * an ES module stands a file that hands them on as one.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** What the package exports: its name in dist/, and its declarations below dist/types/. */
export const ENTRIES = {
  index: 'src/index.d.ts',
  loader: 'src/loader/index.d.ts',
  testkit: 'src/testkit/index.d.ts',
} as const;

/** What a compiler takes the files for. */
const PACKAGE = { type: 'commonjs' };
/** How loaders import the contract: by the package's name, which has another meaning within it. */
const CONTRACT = /^((?! \*).* from )'run-foreign\/loader'/gm;

/** Leaves of what tsc has written to `out`/types what the entries need, and adds what makes it one for all. */
export function finishTypes(out: string): void {
  const types = join(out, 'types');
  for (const path of declarationsIn(types)) {
    const contract = relative(dirname(path), ENTRIES.loader).replace(/\.d\.ts$/, '.ts');
    const text = readFileSync(join(types, path), 'utf8');
    writeFileSync(join(types, path), text.replace(CONTRACT, `$1'${contract}'`));
  }
  const needed = reachable(types, Object.values(ENTRIES));
  for (const path of declarationsIn(types)) if (!needed.has(path)) rmSync(join(types, path));
  removeEmpty(types);
  writeFileSync(join(types, 'package.json'), JSON.stringify(PACKAGE));
  for (const [name, path] of Object.entries(ENTRIES))
    writeFileSync(join(out, `${name}.d.ts`), `export * from './types/${path.replace(/\.d\.ts$/, '.js')}';\n`);
}

const declarationsIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.d.ts'));

/** Those files and all that they import, from `directory`. */
export function reachable(directory: string, entries: readonly string[]): Set<string> {
  const found = new Set<string>();
  const left = [...entries];
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    const text = readFileSync(join(directory, path), 'utf8');
    for (const [, named = ''] of text.matchAll(/(?:\bfrom |\bimport\(?)\s*'(\.[^']+)\.ts'/g))
      left.push(relative(directory, join(directory, dirname(path), `${named}.d.ts`)));
  }
  return found;
}

function removeEmpty(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) removeEmpty(join(directory, entry.name));
  if (readdirSync(directory).length === 0) rmSync(directory, { recursive: true });
}
