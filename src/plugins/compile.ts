/**
 * A loader's source files become one piece of code: esbuild takes the types off and puts what it imports with it. Nothing
 * but those files decides what comes of it: no tsconfig.json is looked at.
 */
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BuildFailure } from 'esbuild';
import { ForeignError } from '../errors.ts';
import { compiler } from './esbuild.ts';

/** What a loader imports; it gets ours, wherever it lies. */
export const CONTRACT = 'run-foreign/loader';

export interface Compiled {
  /** A program whose value is a function of `require`, `module` and `exports` (see evaluate.ts). */
  readonly code: string;
  /** The absolute paths of all files it was made of. */
  readonly inputs: readonly string[];
}

/** `file` is absolute. When it returns, nothing of the compiler runs any more. Throws LOADER_FAILED. */
export function compile(file: string): Compiled {
  const { buildSync } = compiler();
  try {
    const { outputFiles, metafile } = buildSync({
      entryPoints: [file],
      absWorkingDir: dirname(file),
      bundle: true,
      write: false,
      metafile: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20.19',
      sourcemap: 'inline',
      tsconfigRaw: '{}',
      external: [CONTRACT, '*.node'],
      // An import() of the contract is answered like any other of it.
      supported: { 'dynamic-import': false },
      define: { 'import.meta.url': JSON.stringify(pathToFileURL(file).href) },
      banner: { js: '(function (require, module, exports) {' },
      footer: { js: '})' },
      logLevel: 'silent',
    });
    const inputs = Object.keys(metafile.inputs).map((path) => resolve(dirname(file), path));
    return { code: outputFiles[0]?.text ?? '', inputs };
  } catch (cause) {
    throw new ForeignError('LOADER_FAILED', `cannot be compiled: ${firstProblem(cause)}`, {
      subject: file,
      cause,
    });
  }
}

function firstProblem(cause: unknown): string {
  const [first] = (cause as Partial<BuildFailure>).errors ?? [];
  if (first === undefined) return cause instanceof Error ? cause.message : String(cause);
  const { text, location } = first;
  return location === null ? text : `${text} (${location.file}:${location.line}:${location.column + 1})`;
}
