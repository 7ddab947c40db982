/** From what the user calls a loader to the file it is in. Nothing is looked for: a file or a package is named. */
import { realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute, join, resolve } from 'node:path';
import { ForeignError } from '../errors.ts';

/** Which packages are loaders, so that no other is ever run by mistake: npm's names, with or without a scope. */
const PACKAGE = /^(@[a-z0-9-~][a-z0-9-._~]*\/)?run-foreign-loader-[a-z0-9-._~]+$/;
const SCRIPT = /\.[cm]?[jt]s$/;

/** Where a name was found, and what counts there. */
export interface NamedIn {
  /** For messages: `--loader`, a file's path. */
  readonly what: string;
  /** What relative paths count from; undefined where they are refused. */
  readonly directory: string | undefined;
  /** Scripts from whose places packages are looked up, as Node does it. */
  readonly from: readonly string[];
}

export interface LoaderFile {
  readonly path: string;
  readonly kind: 'file' | 'package';
}

/** Throws USAGE. */
export function findLoaderFile(name: string, namedIn: NamedIn): LoaderFile {
  const isPackage = PACKAGE.test(name) && !SCRIPT.test(name);
  if (isPackage) return { path: packageFile(name, namedIn), kind: 'package' };
  if (!name.includes('/') && !SCRIPT.test(name)) {
    throw usage(name, namedIn, 'is neither a file nor a package called run-foreign-loader-...', {
      hint: `a file here is ./${name}`,
    });
  }
  return { path: existing(name, namedIn), kind: 'file' };
}

function existing(name: string, namedIn: NamedIn): string {
  if (!isAbsolute(name) && namedIn.directory === undefined)
    throw usage(name, namedIn, 'is a relative path, which is not taken from there');
  const path = resolve(namedIn.directory ?? '/', name);
  let isFile: boolean;
  try {
    isFile = statSync(path).isFile();
  } catch (cause) {
    throw usage(name, namedIn, `cannot be read: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
  if (!isFile) throw usage(name, namedIn, 'is no file');
  if (!SCRIPT.test(path)) throw usage(name, namedIn, 'is no .ts or .js file');
  return realpathSync(path);
}

function packageFile(name: string, namedIn: NamedIn): string {
  for (const script of namedIn.from) {
    try {
      return createRequire(script).resolve(name);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw broken(name, namedIn, cause);
    }
  }
  throw usage(name, namedIn, 'is not installed where run-foreign is', {
    hint: `npm install ${name} there, or name its file: --loader ${join('node_modules', name, '...')}`,
  });
}

function broken(name: string, namedIn: NamedIn, cause: unknown): ForeignError {
  return usage(name, namedIn, `cannot be loaded: ${(cause as Error).message}`, { cause });
}

function usage(
  name: string,
  { what }: NamedIn,
  message: string,
  details: { hint?: string; cause?: unknown } = {},
): ForeignError {
  return new ForeignError('USAGE', `the loader '${name}' ${message}`, { subject: what, ...details });
}
