/** Who we are. */
import { realpathSync } from 'node:fs';

/** The path of the running command, without symbolic links. */
export function self(): string | undefined {
  const [, script] = process.argv;
  try {
    return script === undefined ? undefined : realpathSync(script);
  } catch {
    return undefined;
  }
}
