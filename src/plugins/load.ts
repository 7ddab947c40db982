/**
 * The loaders that do not come with us, in the order in which they are asked: those of the command line, those of the
 * environment, those of the user's configuration. Each is code that runs in this process; what it does there is watched
 * like every other call of a loader.
 */
import { dirname } from 'node:path';
import type { LoaderPlugin } from '../loader/contract.ts';
import type { TimeLimit } from '../loader/time-limit.ts';
import type { Value } from '../loader/value.ts';
import type { Say } from './cache.ts';
import { checkLoader, readLoader } from './check-loader.ts';
import { guardProcess } from './guard.ts';
import { findLoaderFile, type NamedIn } from './names.ts';
import { moduleRunner } from './run-module.ts';

/** The loaders of the user's configuration. */
export interface ConfiguredLoaders {
  /** The file: what relative names count from. */
  readonly path: string;
  /** Names, and in a script loaders themselves. */
  readonly loaders: readonly (string | Value)[];
}

export interface PluginRequest {
  /** `--loader`: files and packages. */
  readonly named: readonly string[];
  /** What relative paths among them count from, and where packages are looked up; undefined where there is no such place. */
  readonly directory: string | undefined;
  /** RUN_FOREIGN_LOADERS: absolute paths and packages. */
  readonly fromEnvironment: readonly string[];
  readonly configured: ConfiguredLoaders | undefined;
  /** Where run-foreign lies: packages are looked up there, too. */
  readonly ownDirectory: string | undefined;
  /** HOME and the XDG directories. */
  readonly env: NodeJS.ProcessEnv;
  readonly limit: TimeLimit;
  /** Told what is of interest to whoever looks closely. */
  readonly say: Say;
}

/** A loader that does not come with us. */
export interface Plugin {
  readonly loader: LoaderPlugin;
  /** The file that it is in. */
  readonly file: string;
}

/** Throws USAGE for what cannot be found, LOADER_FAILED for what is no loader. */
export async function loadPlugins(request: PluginRequest): Promise<Plugin[]> {
  const own = request.ownDirectory === undefined ? [] : [request.ownDirectory];
  const from = (directory: string | undefined) => (directory === undefined ? own : [directory, ...own]);
  const modules = moduleRunner(request.env, request.limit, request.say);
  const load = async (name: string, namedIn: NamedIn): Promise<Plugin> => {
    const file = findLoaderFile(name, namedIn);
    return {
      loader: await modules.run(file, checkLoader),
      file: file.path,
    };
  };
  guardProcess();
  const plugins: Plugin[] = [];
  const { directory } = request;
  for (const name of request.named)
    plugins.push(await load(name, { what: '--loader', directory, packagesFrom: from(directory) }));
  for (const name of request.fromEnvironment)
    plugins.push(await load(name, { what: 'RUN_FOREIGN_LOADERS', directory: undefined, packagesFrom: own }));
  if (request.configured === undefined) return plugins;
  const { path, loaders } = request.configured;
  const place = dirname(path);
  for (const each of loaders) {
    if (typeof each === 'string')
      plugins.push(await load(each, { what: path, directory: place, packagesFrom: from(place) }));
    else plugins.push({ loader: await modules.look(path, () => readLoader(each)), file: path });
  }
  return plugins;
}
