/**
 * The loaders that do not come with us, in the order in which they are asked: those of the command line, those of the
 * environment, those of the user's configuration. Each is code that runs in this process; what it does there is watched
 * like every other call of a loader.
 */
import { pathToFileURL } from 'node:url';
import { about, ForeignError } from '../errors.ts';
import { failureText, HANG_HINT, hangMessage } from '../loader/call.ts';
import type { LoaderPlugin } from '../loader/contract.ts';
import { TimedCall, type TimeLimit } from '../loader/time-limit.ts';
import { Nonsense } from '../loader/value.ts';
import { type Cache, openCache, type Say } from './cache.ts';
import { checkLoader } from './check-loader.ts';
import { compile } from './compile.ts';
import { configFile, readConfig } from './config.ts';
import { evaluate } from './evaluate.ts';
import { findLoaderFile, type LoaderFile, type NamedIn } from './names.ts';

export interface PluginRequest {
  /** `--loader`: files and packages. */
  readonly named: readonly string[];
  /** What relative paths among them count from. */
  readonly directory: string;
  /** RUN_FOREIGN_LOADERS: absolute paths and packages. */
  readonly fromEnvironment: readonly string[];
  /** The script of the command: packages are looked up from where it lies. */
  readonly script: string | undefined;
  /** HOME and the XDG directories. */
  readonly env: NodeJS.ProcessEnv;
  readonly limit: TimeLimit;
  /** Told what is of interest to whoever looks closely. */
  readonly say: Say;
  /** Told what the user should know at any rate. */
  readonly warn: Say;
}

/** Throws USAGE for what cannot be found, LOADER_FAILED for what is no loader. */
export async function loadPlugins(request: PluginRequest): Promise<LoaderPlugin[]> {
  const { env, say, warn, limit } = request;
  const from = request.script === undefined ? [] : [request.script];
  let cache: Cache | undefined;
  const read = (file: LoaderFile) => {
    cache ??= openCache(env, say);
    return moduleIn(file, cache);
  };
  const load = async (name: string, namedIn: NamedIn) => {
    const file = findLoaderFile(name, namedIn);
    return about(file.path, () => loaderOf(file.path, () => read(file), limit));
  };
  const plugins: LoaderPlugin[] = [];
  for (const name of request.named)
    plugins.push(await load(name, { what: '--loader', directory: request.directory, from }));
  for (const name of request.fromEnvironment)
    plugins.push(await load(name, { what: 'RUN_FOREIGN_LOADERS', directory: undefined, from }));
  const file = configFile(env);
  const run = (path: string) => read({ path, kind: 'file' });
  const config = file === undefined ? undefined : readConfig(file, run, warn);
  for (const each of config?.loaders ?? []) {
    const path = config?.path ?? '';
    const namedIn = { what: path, directory: path.slice(0, path.lastIndexOf('/')), from: [path, ...from] };
    if (typeof each === 'string') plugins.push(await load(each, namedIn));
    else plugins.push(await about(path, () => loaderOf(path, () => ({ default: each }), limit)));
  }
  return plugins;
}

/** What a module exports; of a file what it was compiled to, of a package what Node makes of it. */
function moduleIn({ path, kind }: LoaderFile, cache: Cache): unknown {
  if (kind === 'package') return import(pathToFileURL(path).href);
  let compiled = cache.get(path);
  if (compiled === undefined) {
    compiled = compile(path);
    cache.put(path, compiled);
  }
  return evaluate(compiled.code, path);
}

/** `read` runs the module. Throws LOADER_FAILED. */
async function loaderOf(path: string, read: () => unknown, limit: TimeLimit): Promise<LoaderPlugin> {
  const what = `the loader in ${path}`;
  const late = () =>
    new ForeignError('LOADER_FAILED', hangMessage('it', limit.milliseconds), { hint: HANG_HINT });
  try {
    return checkLoader(await new TimedCall(limit, what).run(read, late));
  } catch (cause) {
    if (cause instanceof ForeignError) throw cause;
    const text =
      cause instanceof Nonsense ? `is no loader: ${cause.message}` : `fails: ${failureText(cause)}`;
    throw new ForeignError('LOADER_FAILED', text, { cause });
  }
}
