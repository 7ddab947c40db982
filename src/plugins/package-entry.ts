/**
 * Packages, found as Node finds what an import names, but for global directories: see "Resolution Algorithm
 * Specification" in Node's documentation of ES modules.
 */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Which of several files of a package is meant. */
const CONDITIONS = ['node', 'import', 'default'];

/** The directory of the package `name` in the node_modules of `from`, or of a directory above. */
export function packageDirectory(name: string, from: string): string | undefined {
  for (let directory = from; ; directory = dirname(directory)) {
    const found = join(directory, 'node_modules', name);
    if (basename(directory) !== 'node_modules' && existsSync(join(found, 'package.json'))) return found;
    if (directory === dirname(directory)) return undefined;
  }
}

/** The file that stands for the whole package, without symbolic links. Throws an Error that says what there is none for. */
export function packageEntry(directory: string): string {
  const manifest: unknown = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const { exports, main } = Object(manifest) as { exports?: unknown; main?: unknown };
  const candidates = exports === undefined || exports === null ? mainFiles(main) : exportedFiles(exports);
  const file = candidates.map((each) => join(directory, each)).find(isFile);
  if (file !== undefined) return realpathSync(file);
  throw new Error(
    `its package.json names no file to import${candidates.map((each) => `, no ${each}`).join('')}`,
  );
}

function mainFiles(main: unknown): string[] {
  return typeof main === 'string' ? [main, `${main}.js`, join(main, 'index.js')] : ['index.js'];
}

function exportedFiles(exports: unknown): string[] {
  const isByPath = isObject(exports) && Object.keys(exports).some((key) => key.startsWith('.'));
  const target = targetOf(isByPath ? exports['.'] : exports);
  return target === undefined ? [] : [target];
}

function targetOf(value: unknown): string | undefined {
  if (typeof value === 'string')
    return /^\.\/(?!.*(^|\/)(\.\.|node_modules)(\/|$))/.test(value) ? value : undefined;
  if (Array.isArray(value)) return firstOf(value);
  if (!isObject(value)) return undefined;
  return firstOf(Object.keys(value).flatMap((key) => (CONDITIONS.includes(key) ? [value[key]] : [])));
}

function firstOf(values: readonly unknown[]): string | undefined {
  for (const value of values) {
    const target = targetOf(value);
    if (target !== undefined) return target;
  }
  return undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
