/** What the user calls a loader that does not exist yet: by its format's name, or by its package's. */
import { builtinLoaders } from '../../../loaders/index.ts';
import { isLoaderName, LOADER_NAME } from '../../plugins/check-loader.ts';
import { loaderPackage, PACKAGE_PREFIX } from '../../plugins/names.ts';
import { usageError } from '../usage-error.ts';

const HELP = 'see run-foreign new-loader --help';
/** npm's limit, with a scope. */
const LONGEST_PACKAGE = 214;

export interface NewName {
  /** The loader's and the format's: `toy`. */
  readonly name: string;
  /** npm's, with a scope if one was given. */
  readonly packageName: string;
  /** The directory, unless another is given. */
  readonly directory: string;
}

/** Throws USAGE. */
export function newName(given: string): NewName {
  const { scope, name } = loaderPackage(given) ?? { scope: '', name: given };
  if (!isLoaderName(name)) {
    throw usageError(`'${given}' is no name for a loader: ${LOADER_NAME}`, HELP);
  }
  if (builtinLoaders.some((loader) => loader.name === name)) {
    throw usageError(`'${name}' is the name of a loader that comes with run-foreign`, HELP);
  }
  const directory = PACKAGE_PREFIX + name;
  const packageName = scope + directory;
  if (packageName.length > LONGEST_PACKAGE) {
    throw usageError(`${packageName} is longer than npm allows, ${LONGEST_PACKAGE} characters`, HELP);
  }
  return { name, packageName, directory };
}
