/**
 * The user's configuration: `run-foreign.config.json` or `.js` in `$XDG_CONFIG_HOME/run-foreign`, or under ~/.config. No
 * other place is ever looked at, above all not the current directory: programs that name run-foreign in their `#!` line
 * are started in any directory there is, and the file decides what code is run.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { ForeignError } from '../errors.ts';
import { Nonsense, Value } from '../loader/value.ts';
import { whoElseWrites } from './private-path.ts';

export interface UserConfig {
  readonly path: string;
  /** Names of loaders, and in a script loaders themselves. */
  readonly loaders: readonly unknown[];
}

const FIELDS = ['loaders'];

/** The file there is, if there is one: cheap, for every start asks. Throws USAGE where there are two. */
export function configFile({ XDG_CONFIG_HOME, HOME }: NodeJS.ProcessEnv): string | undefined {
  const base = XDG_CONFIG_HOME?.startsWith('/')
    ? XDG_CONFIG_HOME
    : HOME?.startsWith('/') && join(HOME, '.config');
  if (!base) return undefined;
  const file = join(base, 'run-foreign', 'run-foreign.config');
  const [found, another] = [`${file}.json`, `${file}.js`].filter((path) => existsSync(path));
  if (another === undefined) return found;
  throw new ForeignError('USAGE', `stands beside ${another}`, {
    subject: found ?? '',
    hint: 'remove one of the two',
  });
}

/**
 * `run` evaluates a script. A file that others could have written is not read: `refuse` is told why. Throws USAGE where
 * it is no configuration.
 */
export function readConfig(
  file: string,
  run: (path: string) => unknown,
  refuse: (why: string) => void,
): UserConfig | undefined {
  const path = realpathSync(file);
  const doubt = whoElseWrites(path);
  if (doubt !== undefined) {
    refuse(`${file} is not read: ${doubt}`);
    return undefined;
  }
  try {
    const value = new Value(
      path.endsWith('.json') ? JSON.parse(readFileSync(path, 'utf8')) : scriptConfig(run(path)),
      '',
    );
    const odd = Object.keys(value.object()).find((key) => !FIELDS.includes(key));
    if (odd !== undefined) throw new Nonsense(value.at(odd), `is no field; there is ${FIELDS.join(', ')}`);
    const loaders = value.at('loaders').maybe((each) => each.list((name) => name));
    for (const each of loaders ?? []) if (!each.isObject()) each.text();
    return { path, loaders: (loaders ?? []).map((each) => (each.isObject() ? each.object() : each.text())) };
  } catch (cause) {
    if (!(cause instanceof Nonsense || cause instanceof SyntaxError)) throw cause;
    throw new ForeignError('USAGE', `is no configuration: ${cause.message}`, { subject: file, cause });
  }
}

function scriptConfig(exported: unknown): unknown {
  return new Value(exported, '').at('default').object();
}
