/** Where files of the user lie (XDG Base Directory Specification). */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const BELOW_HOME = { XDG_CONFIG_HOME: '.config', XDG_CACHE_HOME: '.cache' } as const;

/** Undefined where there is none: of users without a home, HOME names a directory that must not come to be. */
export function userDirectory(env: NodeJS.ProcessEnv, variable: keyof typeof BELOW_HOME): string | undefined {
  const own = env[variable];
  // The specification has relative ones ignored.
  if (own?.startsWith('/')) return own;
  const { HOME } = env;
  return HOME?.startsWith('/') && existsSync(HOME) ? join(HOME, BELOW_HOME[variable]) : undefined;
}
