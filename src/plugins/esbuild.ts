/** esbuild, which compiles loaders: a package that an installation may have left out, and that only they need. */
import { createRequire } from 'node:module';
import { ForeignError } from '../errors.ts';

type Esbuild = typeof import('esbuild');

/** Told to start its program anew for each call instead of leaving one at work for the next. Throws LOADER_FAILED. */
export function compiler(): Esbuild {
  const variable = 'ESBUILD_WORKER_THREADS';
  const before = process.env[variable];
  process.env[variable] = '0';
  try {
    return required('esbuild') as Esbuild;
  } finally {
    if (before === undefined) delete process.env[variable];
    else process.env[variable] = before;
  }
}

/** Throws LOADER_FAILED. */
export function compilerVersion(): string {
  return (required('esbuild/package.json') as { version: string }).version;
}

function required(name: string): unknown {
  try {
    return createRequire(import.meta.filename)(name);
  } catch (cause) {
    throw new ForeignError('LOADER_FAILED', 'cannot be compiled, because there is no package esbuild', {
      hint: 'install run-foreign with its optional dependencies',
      cause,
    });
  }
}
