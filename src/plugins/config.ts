/**
 * The user's configuration: `run-foreign.config.json` or `.js` in `$XDG_CONFIG_HOME/run-foreign`, or under ~/.config. No
 * other place is ever looked at, above all not the current directory: programs that name run-foreign in their `#!` line
 * are started in any directory there is, and the file decides what code is run.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { ForeignError } from '../errors.ts';
import { Nonsense, Value } from '../loader/value.ts';
import { defaultExport } from './check-loader.ts';
import type { LoaderFile } from './names.ts';
import { whoElseWrites } from './private-path.ts';
import { userDirectory } from './user-directory.ts';

export interface UserConfig {
  readonly path: string;
  /** Names of loaders, and in a script loaders themselves. */
  readonly loaders: readonly (string | Value)[];
}

const FIELDS = ['loaders'];

/** The file there is, if there is one: cheap, for every start asks. Throws USAGE where there are two. */
export function configFile(env: NodeJS.ProcessEnv): string | undefined {
  const base = userDirectory(env, 'XDG_CONFIG_HOME');
  if (base === undefined) return undefined;
  const file = join(base, 'run-foreign', 'run-foreign.config');
  const [found, another] = [`${file}.json`, `${file}.js`].filter((path) => existsSync(path));
  if (another === undefined) return found;
  throw new ForeignError('USAGE', `stands beside ${another}`, {
    subject: found ?? '',
    hint: 'remove one of the two',
  });
}

/** Runs the script in a file and looks at what it exports. */
type Run = <T>(file: LoaderFile, look: (exported: unknown) => T) => Promise<T>;

/** A file that others could have written is not read: `refuse` is told why. Throws USAGE where it is no configuration. */
export async function readConfig(
  file: string,
  run: Run,
  refuse: (why: string) => void,
): Promise<UserConfig | undefined> {
  const doubt = whoElseWrites(file);
  if (doubt !== undefined) {
    refuse(`${file} is not read: ${doubt}`);
    return undefined;
  }
  const path = realpathSync(file);
  const wrong = (what: string, cause: unknown) =>
    new ForeignError('USAGE', `is no configuration: ${what}`, { subject: file, cause });
  const read = (value: Value) => {
    try {
      return { path, loaders: loadersIn(value) };
    } catch (cause) {
      throw cause instanceof Nonsense ? wrong(cause.message, cause) : cause;
    }
  };
  if (path.endsWith('.js')) return run({ path, compiled: true }, (exported) => read(defaultExport(exported)));
  try {
    return read(new Value(JSON.parse(readFileSync(path, 'utf8')), ''));
  } catch (cause) {
    throw cause instanceof SyntaxError ? wrong(cause.message, cause) : cause;
  }
}

function loadersIn(value: Value): (string | Value)[] {
  const odd = Object.keys(value.object()).find((key) => !FIELDS.includes(key));
  if (odd !== undefined) throw new Nonsense(value.at(odd), `is no field; there is ${FIELDS.join(', ')}`);
  return value.at('loaders').maybe((each) => each.list((one) => (one.isObject() ? one : one.text()))) ?? [];
}
