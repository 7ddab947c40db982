/**
 * What the package.json of a new loader names for run-foreign itself, so that `npm install` there finds it: the version,
 * where this copy came from a registry, and otherwise what it did come from.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';

/** The part of npm's hidden lockfile that is of interest here; global installations have no such file. */
interface HiddenLockfile {
  readonly packages?: Readonly<Record<string, { readonly resolved?: string }>>;
}

/** `root` is the directory of our package, `version` its version. */
export function ownSpecifier(root: string, version: string): string {
  const resolved = resolvedFrom(root);
  if (resolved === undefined) return `file:${root}`;
  if (resolved.startsWith('file:')) {
    const packed = resolve(dirname(dirname(root)), resolved.slice('file:'.length));
    return `file:${existsSync(packed) ? packed : root}`;
  }
  // As every registry names its files.
  return resolved.endsWith(`/run-foreign/-/run-foreign-${version}.tgz`) ? `^${version}` : resolved;
}

/** What npm has noted down about where it found this copy of the package. */
function resolvedFrom(root: string): string | undefined {
  const modules = dirname(root);
  if (basename(modules) !== 'node_modules') return undefined;
  try {
    const text = readFileSync(`${modules}/.package-lock.json`, 'utf8');
    const { packages } = JSON.parse(text) as HiddenLockfile;
    return packages?.['node_modules/run-foreign']?.resolved;
  } catch {
    return undefined;
  }
}
