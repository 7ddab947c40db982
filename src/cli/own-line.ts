/** The `#!` line that makes Linux start run-foreign with a file. */
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ForeignError } from '../errors.ts';

/** BINPRM_BUF_SIZE of the kernel, less the newline. */
const LONGEST_LINE = 255;

/**
 * By name where the shell of whoever has this `searchPath` finds `command` under it, else by its path. Throws
 * USAGE where the kernel could not read the line.
 */
export function ownLine(command: string | undefined, searchPath: string): string {
  if (command === undefined) throw refusal('it is not known where run-foreign lies');
  if (foundIn(searchPath) === command) return '#!/usr/bin/env run-foreign\n';
  const line = `#!${command}`;
  if (/\s/.test(command))
    throw refusal(`its interpreter would be ${command}, and the kernel takes no blanks`);
  if (Buffer.byteLength(line) > LONGEST_LINE) {
    throw refusal(`its interpreter would be ${command}, and the kernel reads ${LONGEST_LINE} bytes`);
  }
  return `${line}\n`;
}

const refusal = (why: string): ForeignError =>
  new ForeignError('USAGE', `--executable: there can be no #! line: ${why}`, {
    hint: 'put run-foreign where PATH has it',
  });

/** What a shell would start as `run-foreign`, without symbolic links. */
function foundIn(searchPath: string): string | undefined {
  for (const directory of searchPath.split(':')) {
    // npm has put these there for us; the user's shell does not have them. A relative one is not the same everywhere.
    if (directory.endsWith('/node_modules/.bin') || !directory.startsWith('/')) continue;
    const path = join(directory, 'run-foreign');
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return realpathSync(path);
    } catch {
      // Not here.
    }
  }
  return undefined;
}
