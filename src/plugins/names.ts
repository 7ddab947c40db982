/** From what the user calls a loader to the file it is in. Nothing is looked for: a file or a package is named. */
import { realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { ForeignError } from '../errors.ts';
import { packageDirectory, packageEntry } from './package-entry.ts';

/** What packages that are loaders are called, so that no other is ever run by mistake. */
export const PACKAGE_PREFIX = 'run-foreign-loader-';
/** npm's names, with or without a scope. */
const SCOPED = new RegExp(`^(@[a-z0-9-~][a-z0-9-._~]*/)?${PACKAGE_PREFIX}(.*)$`, 's');
const REST = /^[a-z0-9-._~]+$/;
const SCRIPT = /\.[cm]?[jt]s$/;
/** What Node itself cannot import. */
const TYPED = /\.[cm]?ts$/;

/** Where a name was found, and what counts there. */
export interface NamedIn {
  /** For messages: `--loader`, a file's path. */
  readonly what: string;
  /** What relative paths count from; undefined where they are refused. */
  readonly directory: string | undefined;
  /** Directories in whose node_modules packages are looked up, or in those above. */
  readonly packagesFrom: readonly string[];
}

export interface LoaderFile {
  /** Absolute, without symbolic links. */
  readonly path: string;
  /**
   * Whether it is compiled. A package that Node can import as it is may rely on being Node's; a file that somebody
   * has written gets the contract wherever it lies.
   */
  readonly compiled: boolean;
}

/** A package's name taken apart, whose own part may be anything; undefined for what cannot be one. */
export function loaderPackage(text: string): { scope: string; name: string } | undefined {
  const [, scope = '', name] = SCOPED.exec(text) ?? [];
  return name === undefined ? undefined : { scope, name };
}

/** Throws USAGE. */
export function findLoaderFile(name: string, namedIn: NamedIn): LoaderFile {
  const isPackage = REST.test(loaderPackage(name)?.name ?? '') && !SCRIPT.test(name);
  if (isPackage) {
    const path = packageFile(name, namedIn);
    return { path, compiled: TYPED.test(path) };
  }
  if (!name.includes('/') && !SCRIPT.test(name)) {
    throw usage(name, namedIn, `is neither a file nor a package called ${PACKAGE_PREFIX}...`, {
      hint: `a file here is ./${name}`,
    });
  }
  return { path: existing(name, namedIn), compiled: true };
}

function existing(name: string, namedIn: NamedIn): string {
  if (!isAbsolute(name) && namedIn.directory === undefined)
    throw usage(name, namedIn, 'is a relative path, and there is no directory that it counts from');
  const path = resolve(namedIn.directory ?? '/', name);
  let isFile: boolean;
  try {
    isFile = statSync(path).isFile();
  } catch (cause) {
    throw usage(name, namedIn, `cannot be read: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
  if (!isFile) throw usage(name, namedIn, 'is no file');
  const real = realpathSync(path);
  if (!SCRIPT.test(real)) throw usage(name, namedIn, 'is no .ts or .js file');
  return real;
}

function packageFile(name: string, namedIn: NamedIn): string {
  const { packagesFrom } = namedIn;
  const directory = packagesFrom
    .map((from) => packageDirectory(name, from))
    .find((found) => found !== undefined);
  if (directory === undefined) {
    throw usage(name, namedIn, `is not installed: it is in no node_modules of ${packagesFrom.join(' or ')}`, {
      hint: `npm install ${name} there, or name its file: --loader ${join('node_modules', name, '...')}`,
    });
  }
  try {
    return packageEntry(directory);
  } catch (cause) {
    throw usage(name, namedIn, `in ${directory} cannot be loaded: ${(cause as Error).message}`, { cause });
  }
}

function usage(
  name: string,
  { what }: NamedIn,
  message: string,
  details: { hint?: string; cause?: unknown } = {},
): ForeignError {
  return new ForeignError('USAGE', `the loader '${name}' ${message}`, { subject: what, ...details });
}
