/**
 * Which loaders there are for a start. Ours come with the command; what finds and compiles others is loaded when there is
 * one.
 */
import { dirname } from 'node:path';
import { builtinLoaders } from '../../loaders/index.ts';
import { errorLine, ForeignError, printable } from '../errors.ts';
import { exit } from '../exit.ts';
import { environmentValue } from '../launch/environment.ts';
import type { ProgramRequest } from '../launch/request.ts';
import type { LoaderPlugin } from '../loader/contract.ts';
import type { TimeLimit } from '../loader/time-limit.ts';
import type { Plugin } from '../plugins/load.ts';
import { listIn } from './lists.ts';
import { writeLine } from './output.ts';
import { type RunOptions, TWIN_PREFIX } from './run-options.ts';
import { self } from './self.ts';
import { lineDirectory } from './shebang-options.ts';

/** Milliseconds that a loader from elsewhere may take for a call. */
const DEFAULT_TIMEOUT = 30_000;

export interface LoaderSettings extends Pick<ProgramRequest, 'loaders' | 'loaderOptions' | 'guests'> {
  /** The files of those that do not come with us. */
  readonly files: ReadonlyMap<LoaderPlugin, string>;
}

/** `program` is what is to be started, if anything is. Of two of a name the first is asked. Throws USAGE and LOADER_FAILED. */
export async function loaderSettings(
  options: RunOptions,
  envp: readonly Uint8Array[],
  program?: Uint8Array,
): Promise<LoaderSettings> {
  const { loaders: named = [], loaderOptions, configured } = options;
  const variable = environmentValue(envp, `${TWIN_PREFIX}LOADERS`);
  const fromEnvironment = variable === undefined ? [] : listIn(Buffer.from(variable).toString());
  if (named.length + fromEnvironment.length + (configured?.loaders.length ?? 0) === 0)
    return { loaders: builtinLoaders, loaderOptions, files: new Map() };
  const { loadPlugins } = await import('../plugins/load.ts');
  const limit = await moduleLimit(options);
  const warn = (text: string) => writeLine(2, printable(`run-foreign: ${text}`));
  const say = (text: string) => {
    if (options.verbose === true) warn(text);
  };
  const script = self();
  const directory = named.length === 0 ? undefined : directoryOf(program);
  reportStrayFailures();
  const plugins = await loadPlugins({
    named,
    directory,
    fromEnvironment,
    configured,
    ownDirectory: script === undefined ? undefined : dirname(script),
    env: process.env,
    limit,
    say,
  });
  return {
    loaders: firstOfEachName(plugins, say),
    loaderOptions,
    files: new Map(plugins.map(({ loader, file }) => [loader, file])),
    guests: {
      loaders: new Set(plugins.map(({ loader }) => loader)),
      limit,
      onFailure(failure) {
        if (failure instanceof ForeignError) writeLine(2, errorLine(failure));
      },
    },
  };
}

/** How long code from elsewhere may take. */
export async function moduleLimit({ loaderTimeout = DEFAULT_TIMEOUT }: RunOptions): Promise<TimeLimit> {
  const { watchedLimit } = await import('../plugins/watchdog.ts');
  return watchedLimit(loaderTimeout);
}

/** What relative names of loaders count from: the current directory, if there is one, for those that were typed. */
function directoryOf(program: Uint8Array | undefined): string | undefined {
  const directory = program && lineDirectory(program);
  if (directory !== undefined) return directory;
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

function firstOfEachName(plugins: readonly Plugin[], say: (text: string) => void): LoaderPlugin[] {
  const loaders = new Map<string, LoaderPlugin>();
  for (const { loader, file } of plugins) {
    if (loaders.has(loader.name))
      say(`the loader ${loader.name} in ${file} is not asked: another has its name`);
    else loaders.set(loader.name, loader);
  }
  for (const loader of builtinLoaders) {
    if (loaders.has(loader.name)) say(`another loader takes the place of our own ${loader.name}`);
    else loaders.set(loader.name, loader);
  }
  return [...loaders.values()];
}

let reporting = false;

/** What a loader leaves behind that fails when nobody waits for it any more. */
export function reportStrayFailures(): void {
  if (reporting) return;
  reporting = true;
  const report = (cause: unknown) => {
    const text = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    const message = `a loader failed after it had ended: ${text}`;
    const error = new ForeignError('LOADER_FAILED', message);
    writeLine(2, errorLine(error));
    exit(error.exitCode);
  };
  process.on('unhandledRejection', report);
  process.on('uncaughtException', report);
}
