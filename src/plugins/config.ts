/**
 * Where the user's configuration is: `run-foreign.config.json` or `.js` in `$XDG_CONFIG_HOME/run-foreign`, or under ~/.config. No
 * other place is ever looked at, above all not the current directory: programs that name run-foreign in their `#!` line
 * are started in any directory there is, and the file decides what code is run. src/cli/config/ reads it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ForeignError } from '../errors.ts';
import { userDirectory } from './user-directory.ts';

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
