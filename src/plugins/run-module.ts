/** Runs the files that loaders and configurations are in, in this process, and no longer than a loader may take. */
import { pathToFileURL } from 'node:url';
import { about, ForeignError } from '../errors.ts';
import { failureText, HANG_HINT, hangMessage } from '../loader/call.ts';
import { TimedCall, type TimeLimit } from '../loader/time-limit.ts';
import { Nonsense } from '../loader/value.ts';
import { type Cache, openCache, type Say } from './cache.ts';
import { type Compiled, compile } from './compile.ts';
import { evaluate } from './evaluate.ts';
import { importModule } from './import-module.ts';
import type { LoaderFile } from './names.ts';

export interface ModuleRunner {
  /** What `look` makes of what the module exports. Throws LOADER_FAILED; Nonsense of `look` is one of the module's faults. */
  run<T>(file: LoaderFile, look: (exported: unknown) => T): Promise<T>;
  /** The same with what there is already; `path` says where it came from. */
  look<T>(path: string, look: () => T): Promise<T>;
}

/** `env` says where the cache is. */
export function moduleRunner(env: NodeJS.ProcessEnv, limit: TimeLimit, say: Say): ModuleRunner {
  let cache: Cache | undefined;
  const compiled = async (path: string): Promise<Compiled> => {
    cache ??= openCache(env, say);
    const kept = cache.get(path);
    if (kept !== undefined) return kept;
    const made = compile(path);
    cache.put(path, made);
    return made;
  };
  return {
    run: ({ path, compiled: isCompiled }, look) =>
      about(path, async () => {
        const code = isCompiled ? (await compiled(path)).code : undefined;
        const read = () =>
          code === undefined ? importModule(pathToFileURL(path).href) : evaluate(code, path);
        return timed(path, limit, async () => look(await read()));
      }),
    look: (path, look) => about(path, () => timed(path, limit, look)),
  };
}

async function timed<T>(path: string, limit: TimeLimit, action: () => T | Promise<T>): Promise<T> {
  const late = () =>
    new ForeignError('LOADER_FAILED', hangMessage('it', limit.milliseconds), { hint: HANG_HINT });
  try {
    return await new TimedCall(limit, `the loader in ${path}`).run(action, late);
  } catch (cause) {
    if (cause instanceof ForeignError && cause.code === 'LOADER_FAILED') throw cause;
    const text = cause instanceof Nonsense ? cause.message : `fails: ${failureText(cause)}`;
    throw new ForeignError('LOADER_FAILED', text, { cause });
  }
}
