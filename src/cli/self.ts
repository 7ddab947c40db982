/** Who we are. */
import { realpathSync } from 'node:fs';

/** The path of the command, which is the launcher, without symbolic links; this script stands beside it. */
export function self(): string | undefined {
  const [, script] = process.argv;
  try {
    return script === undefined ? undefined : realpathSync(script).replace(/\.cjs$/, '');
  } catch {
    return undefined;
  }
}
