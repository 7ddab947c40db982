/** Where commands are, for those who start them by their path. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { NODE_PATH } from '../test/support/run.ts';

/** The first of several names in the PATH that everything is started with; undefined where there is none. */
export function findCommand(...names: readonly string[]): string | undefined {
  return names
    .flatMap((name) => NODE_PATH.split(':').map((directory) => join(directory, name)))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
