/** What the user calls a loader that does not exist yet: by its format's name, or by its package's. */
import { builtinLoaders } from '../../../loaders/index.ts';
import { isLoaderName } from '../../plugins/check-loader.ts';
import { usageError } from '../options.ts';

const HELP = 'see run-foreign new-loader --help';
const PREFIX = 'run-foreign-loader-';
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
  const [, scope = '', name = given] =
    /^(@[a-z0-9-~][a-z0-9-._~]*\/)?run-foreign-loader-(.*)$/s.exec(given) ?? [];
  if (!isLoaderName(name)) {
    throw usageError(
      `'${given}' is no name for a loader: up to 64 lower-case letters, digits and -, a letter first`,
      HELP,
    );
  }
  if (builtinLoaders.some((loader) => loader.name === name)) {
    throw usageError(`'${name}' is the name of a loader that comes with run-foreign`, HELP);
  }
  const directory = PREFIX + name;
  const packageName = scope + directory;
  if (packageName.length > LONGEST_PACKAGE) {
    throw usageError(`${packageName} is longer than npm allows, ${LONGEST_PACKAGE} characters`, HELP);
  }
  return { name, packageName, directory };
}
