/**
 * Which loaders there are for a start. Ours come with the command; what finds and compiles others is loaded when there is
 * one, and to know that takes no more than looking for the user's configuration.
 */
import { builtinLoaders } from '../../loaders/index.ts';
import { errorLine, ForeignError, printable } from '../errors.ts';
import { environmentValue, type ProgramRequest } from '../launch/prepare.ts';
import type { LoaderPlugin } from '../loader/contract.ts';
import { configFile } from '../plugins/config.ts';
import { listIn } from './lists.ts';
import { writeLine } from './output.ts';
import { type RunOptions, TWIN_PREFIX } from './run-options.ts';
import { self } from './self.ts';

/** Milliseconds that a loader from elsewhere may take for a call. */
const DEFAULT_TIMEOUT = 30_000;

type LoaderSettings = Pick<ProgramRequest, 'loaders' | 'loaderOptions' | 'guests'>;

/** Of two of a name the first is asked. Throws USAGE and LOADER_FAILED. */
export async function loaderSettings(
  options: RunOptions,
  envp: readonly Uint8Array[],
): Promise<LoaderSettings> {
  const { loaders: named = [], loaderOptions, loaderTimeout = DEFAULT_TIMEOUT } = options;
  const variable = environmentValue(envp, `${TWIN_PREFIX}LOADERS`);
  const fromEnvironment = variable === undefined ? [] : listIn(Buffer.from(variable).toString());
  if (named.length + fromEnvironment.length === 0 && configFile(process.env) === undefined)
    return { loaders: builtinLoaders, loaderOptions };
  const { loadPlugins } = await import('../plugins/load.ts');
  const { watchedLimit } = await import('../plugins/watchdog.ts');
  const limit = watchedLimit(loaderTimeout);
  const warn = (text: string) => writeLine(2, printable(`run-foreign: ${text}`));
  const say = (text: string) => {
    if (options.verbose === true) warn(text);
  };
  reportStrayFailures();
  const guests = await loadPlugins({
    named,
    directory: options.loaderDirectory ?? process.cwd(),
    fromEnvironment,
    script: self(),
    env: process.env,
    limit,
    say,
    warn,
  });
  return {
    loaders: firstOfEachName([...guests, ...builtinLoaders], say),
    loaderOptions,
    guests: {
      loaders: new Set(guests),
      limit,
      onFailure(failure) {
        if (failure instanceof ForeignError) writeLine(2, errorLine(failure));
      },
    },
  };
}

function firstOfEachName(all: readonly LoaderPlugin[], say: (text: string) => void): LoaderPlugin[] {
  const loaders = new Map<string, LoaderPlugin>();
  for (const loader of all) {
    if (loaders.has(loader.name)) say(`there are two loaders called ${loader.name}: the first one is asked`);
    else loaders.set(loader.name, loader);
  }
  return [...loaders.values()];
}

/** What a loader leaves behind that fails when nobody waits for it any more. */
function reportStrayFailures(): void {
  const report = (cause: unknown) => {
    const text = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    const message = `a loader failed after it had ended: ${text}`;
    const error = new ForeignError('LOADER_FAILED', message);
    writeLine(2, errorLine(error));
    process.exit(error.exitCode);
  };
  process.on('unhandledRejection', report);
  process.on('uncaughtException', report);
}
