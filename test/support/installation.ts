/** What a machine needs to run the command besides Node: for copies of it elsewhere. */
import { chmodSync, copyFileSync, cpSync, existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { NODE_PATH, ROOT, SAMPLES } from './run.ts';

/** Paths below ROOT: what was built, and the packages it needs at run time. */
export function installedPaths(): string[] {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>;
  };
  const packages = Object.entries(lock.packages).flatMap(([path, { dev }]) =>
    // Of an optional package for another machine there is nothing.
    path === '' || dev === true || !existsSync(join(ROOT, path)) ? [] : [path],
  );
  return ['dist', 'package.json', ...packages];
}

export interface Installation {
  readonly command: string;
  /** For those who run it: a PATH on which this Node is found first. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Copies the command, Node and `samples` to where everybody can reach them; samples go right into `directory`. */
export function installAt(directory: string, samples: readonly string[]): Installation {
  chmodSync(directory, 0o755);
  for (const path of installedPaths()) {
    cpSync(join(ROOT, path), join(directory, path), {
      recursive: true,
      dereference: true,
      force: true,
      errorOnExist: false,
    });
  }
  for (const sample of samples) {
    const copy = join(directory, basename(sample));
    copyFileSync(join(SAMPLES, sample), copy);
    chmodSync(copy, 0o755);
  }
  copyFileSync(process.execPath, join(directory, 'node'));
  return {
    command: join(directory, 'dist/run-foreign'),
    environment: { PATH: `${directory}:${NODE_PATH}` },
  };
}
