/**
 * Calling loaders, which may be anybody's. Whatever one does, its caller gets a verdict, something that has the shape it
 * must have, or an error that names the loader; what the file itself is to blame for stays an error about the file.
 */
import { ForeignError } from '../errors.ts';
import type { FirstStackLayout, ProgramImage } from '../image/image.ts';
import type { Source } from '../source/source.ts';
import type { LoadContext, Loaded, LoaderPlugin, ProbeContext, Verdict } from './contract.ts';
import { type Calling, foreignSource } from './foreign-source.ts';
import { lendContext, lendCopies, lendSource, noting, type Through } from './lent.ts';
import { checkError, readFirstStack, readLoaded, readVerdict } from './shape.ts';
import { NO_LIMIT, TimedCall, type TimeLimit } from './time-limit.ts';
import { Nonsense, Value } from './value.ts';

/** Throws LOADER_FAILED, and what reading the source does. */
export async function askLoader(
  loader: LoaderPlugin,
  source: Source,
  context: ProbeContext,
  limit: TimeLimit = NO_LIMIT,
): Promise<Verdict> {
  const ofReading = new Set<unknown>();
  const note = noting((cause) => ofReading.add(cause));
  const call = new TimedCall(limit, `the loader ${loader.name}`);
  // A loader that says "not mine" must not have changed what the next one reads.
  const lent = lendCopies(lendSource(source, (action) => call.through(() => note(action))));
  try {
    const verdict: unknown = await call.run(
      () => loader.probe(lent, context),
      () => hangs(loader, limit),
    );
    return readVerdict(new Value(verdict, 'its verdict'));
  } catch (cause) {
    throw ofReading.has(cause) ? cause : loaderFailure(loader, cause);
  }
}

/** Throws LOADER_FAILED, and what the loader finds wrong with the file. */
export async function callLoader(
  loader: LoaderPlugin,
  source: Source,
  context: LoadContext,
  limit: TimeLimit = NO_LIMIT,
): Promise<Loaded> {
  const call = new TimedCall(limit, `the loader ${loader.name}`);
  const through: Through = (action) => call.through(action);
  const lent = lendSource(source, through);
  /** What a loader returns of these is what it was lent, and needs no look. */
  const sources = new Map<unknown, Source>([[lent, source]]);
  const calling = callingOf(loader, limit);
  const readSource = (value: Value): Source => {
    const object = value.object();
    const found = sources.get(object) ?? foreignSource(value, source.confidential, sources.values(), calling);
    sources.set(object, found);
    return found;
  };
  const lentContext = lendContext(context, through, (opened) => sources.set(opened, opened));
  try {
    const loaded: unknown = await call.run(
      () => loader.load(lent, lentContext),
      () => hangs(loader, limit),
    );
    const read = readLoaded(new Value(loaded, ''), loader.name, readSource);
    return read.kind === 'image' ? { ...read, image: withOwnStack(loader, read.image, limit) } : read;
  } catch (cause) {
    throw thrownBy(loader, cause);
  }
}

/** Calls what a loader has made and left, a Source, as the loader itself is called. */
function callingOf(loader: LoaderPlugin, limit: TimeLimit): Calling {
  const blame = (cause: unknown): never => {
    throw thrownBy(loader, cause);
  };
  return <T>(action: () => T): T => {
    const call = new TimedCall(limit, `the loader ${loader.name}`);
    try {
      const result = call.runEither(action, () => hangs(loader, limit));
      return result instanceof Promise ? (result.catch(blame) as T) : result;
    } catch (cause) {
      return blame(cause);
    }
  };
}

/** The error to tell: the loader's own verdict on the file, if it is one, or that the loader has failed. */
export function thrownBy(loader: LoaderPlugin, cause: unknown): unknown {
  if (!(cause instanceof ForeignError)) return loaderFailure(loader, cause);
  try {
    checkError(new Value(cause, 'the error that it threw'));
    return cause;
  } catch (odd) {
    return loaderFailure(loader, odd);
  }
}

/** The image with a first stack that is looked at, too, if the loader makes it. */
function withOwnStack(loader: LoaderPlugin, image: ProgramImage, limit: TimeLimit): ProgramImage {
  const { layout } = image.stack;
  if (typeof layout !== 'function') return image;
  const checked: FirstStackLayout = (request) => {
    try {
      const call = new TimedCall(limit, `the loader ${loader.name}`);
      return readFirstStack(
        new Value(
          call.runEither(
            () => layout(request),
            () => hangs(loader, limit),
          ),
          'firstStack',
        ),
      );
    } catch (cause) {
      throw loaderFailure(loader, cause);
    }
  };
  return { ...image, stack: { ...image.stack, layout: checked } };
}

/** What becomes of a loader that does not end. */
export function hangs(loader: LoaderPlugin, { milliseconds }: TimeLimit): ForeignError {
  return new ForeignError('LOADER_FAILED', hangMessage(`the loader ${loader.name}`, milliseconds), {
    hint: HANG_HINT,
    harmless: true,
  });
}

/** Also for whoever stops a loader from outside. */
export function hangMessage(what: string, milliseconds: number): string {
  return `${what} hangs: it has not ended after ${milliseconds / 1000} s of its own time`;
}
export const HANG_HINT = 'if it only needs longer, --loader-timeout gives it more';

/** An error that `loader` is to blame for. */
export function loaderFailure(loader: Pick<LoaderPlugin, 'name'>, cause: unknown): ForeignError {
  if (cause instanceof ForeignError && cause.code === 'LOADER_FAILED') return cause;
  if (cause instanceof Nonsense) {
    const message = `the loader ${loader.name} returned nonsense: ${cause.message}`;
    return new ForeignError('LOADER_FAILED', message, { cause, harmless: true });
  }
  return new ForeignError('LOADER_FAILED', `the loader ${loader.name} failed: ${failureText(cause)}`, {
    cause,
  });
}

/** What was thrown and where, as far as that is known. */
export function failureText(cause: unknown): string {
  if (!(cause instanceof Error)) return `it threw ${typeof cause} ${String(cause)}`.slice(0, MAX_TEXT);
  const frame = /^\s+at (?:.*\()?((?:file:\/\/)?\/[^()]*:\d+:\d+)\)?$/m.exec(cause.stack ?? '')?.[1];
  const text = `${cause.name}: ${cause.message}`.slice(0, MAX_TEXT);
  return frame === undefined ? text : `${text} (${frame})`;
}

const MAX_TEXT = 500;
