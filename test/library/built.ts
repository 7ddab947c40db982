/** Scripts that use the library as its users have it: what the build made, in a Node of their own. */
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { NODE_PATH, type Outcome, ROOT, type RunOptions, run, SAMPLES, temporary } from '../support/run.ts';

export interface Project {
  readonly path: string;
  /** Runs a file of the project's, which is written before; `.mjs` or `.cjs`. */
  script(name: string, text: string, options?: RunOptions): Promise<Outcome>;
  readonly remove: () => void;
}

/** A directory in which the package is installed. */
export function project(): Project {
  const directory = temporary();
  mkdirSync(join(directory.path, 'node_modules'));
  symlinkSync(ROOT, join(directory.path, 'node_modules/run-foreign'));
  symlinkSync(join(ROOT, 'node_modules/@types'), join(directory.path, 'node_modules/@types'));
  return {
    path: directory.path,
    remove: directory.remove,
    script(name, text, options = {}) {
      const env = { PATH: NODE_PATH, SAMPLES, ...options.env };
      return run(process.execPath, [directory.file(name, text)], { cwd: directory.path, ...options, env });
    },
  };
}
