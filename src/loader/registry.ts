/**
 * From a Source to a ProgramImage: ask every loader, unwrap what was wrapped, follow `#!` and manifests, until one
 * of them yields a program. Bounded: see Walk.
 */
import { about, ForeignError } from '../errors.ts';
import type { Source } from '../source/source.ts';
import { type Trace, timed, timedNow } from '../trace.ts';
import { askLoader, callLoader } from './call.ts';
import type { LoadContext, Loaded, LoaderPlugin } from './contract.ts';
import { discreetError, discreetly } from './discreet.ts';
import { checkGivenOptions, valuesFor } from './options.ts';
import { loadedFields, tracedContext, traceOf } from './traced.ts';
import { type Resolution, type ResolveRequest, Walk } from './walk.ts';

/** Throws UNKNOWN_FORMAT, AMBIGUOUS_FORMAT, NESTED_TOO_DEEP, or what a loader found wrong. */
export async function resolveProgram(request: ResolveRequest): Promise<Resolution> {
  checkGivenOptions(request.options ?? [], request.loaders);
  const walk = new Walk(request);
  for (;;) {
    const { source } = walk;
    const end = await about(source.name, () =>
      discreetly(source, (readable) => takeStep(walk, readable, request)),
    );
    if (end !== undefined) return end;
  }
}

/** What the walk leads to, if it ends here. `source` is the walk's. */
async function takeStep(
  walk: Walk,
  source: Source,
  request: ResolveRequest,
): Promise<Resolution | undefined> {
  const loader = await chooseLoader(source, request, walk.format);
  // It was about this wrapper, and not about what is in it.
  if (loader.kind === 'wrapper' && loader.name === walk.format) walk.format = undefined;
  const options = valuesFor(loader, request.options ?? []);
  const trace = traceOf(source, request.trace);
  const context = { ...tracedContext(walk.context, trace), options };
  const loaded = await timed(
    trace,
    { event: 'load', loader: loader.name, file: source.name },
    () => loadCarefully(loader, source, context, request),
    loadedFields,
  );
  if (loaded.kind === 'image') return walk.end(loader, loaded.image);
  if (loaded.kind === 'unwrap') walk.unwrap(loaded.source);
  else await goOn(walk, loader, loaded, trace);
  return undefined;
}

/** Goes on with another file that this one names. */
async function goOn(
  walk: Walk,
  loader: LoaderPlugin,
  loaded: Exclude<Loaded, { kind: 'image' | 'unwrap' }>,
  trace: Trace | undefined,
): Promise<void> {
  const opened = () => ({ bytes: walk.source.size });
  if (loaded.kind === 'interpreter') {
    const step = { event: 'open', file: Buffer.from(loaded.path).toString(), as: 'interpreter' } as const;
    timedNow(trace, step, () => walk.interpret(loaded), opened);
  } else {
    const step = { event: 'open', file: Buffer.from(loaded.name).toString(), as: 'program' } as const;
    await timed(trace, step, () => walk.follow(loader, loaded), opened);
  }
}

/**
 * Loads from a source that may be anybody's. Its headers may be read, so that a file that cannot be run is not
 * fetched for nothing; but no other file is opened because of them (on some devices that alone has effects), and
 * nothing is unpacked, before all of it was found to be what the user wants.
 */
async function loadCarefully(
  loader: LoaderPlugin,
  source: Source,
  context: LoadContext,
  { guests, trace }: ResolveRequest,
): Promise<Loaded> {
  const limit = guests?.loaders.has(loader) ? guests.limit : undefined;
  if (source.authenticate === undefined) return callLoader(loader, source, context, limit);
  if (loader.kind === 'program') {
    let wanted = false;
    const refuse = (): never => {
      wanted = true;
      throw new ForeignError('INTERNAL', 'a file was opened for a program that was not authenticated');
    };
    try {
      const loaded = await callLoader(loader, source, { ...context, open: refuse, find: refuse }, limit);
      // What was inside would be a source of its own, and nobody would know where it came from.
      if (!wanted && loaded.kind === 'image') return loaded;
    } catch (error) {
      if (!wanted) throw error;
    }
  }
  const step = { event: 'authenticate', file: source.name, bytes: source.size } as const;
  await timed(traceOf(source, trace), step, () => source.authenticate?.() ?? Promise.resolve());
  return callLoader(loader, source, context, limit);
}

async function chooseLoader(
  source: Source,
  request: ResolveRequest,
  format: string | undefined,
): Promise<LoaderPlugin> {
  const { loaders } = request;
  const named = format === undefined ? undefined : findLoader(loaders, format);
  const late = (loader: LoaderPlugin) => loader.order === 'post';
  const first = await claimsOf(
    loaders.filter((loader) => !late(loader)),
    source,
    request,
  );
  const wrappers = first.exact.filter((loader) => loader.kind === 'wrapper');
  if (named !== undefined) return wrappers.includes(named) ? named : (wrappers[0] ?? named);
  const claimed = first.exact.length + first.likely.length > 0;
  const claims = claimed ? first : await claimsOf(loaders.filter(late), source, request);
  const candidates = claims.exact.length > 0 ? claims.exact : claims.likely;
  const [only, ...others] = candidates;
  if (only === undefined) throw unknownFormat(source, loaders);
  if (others.length > 0) {
    const names = candidates.map((loader) => loader.name).join(' and ');
    throw new ForeignError('AMBIGUOUS_FORMAT', `is claimed by the loaders ${names}`, {
      subject: source.name,
      hint: `say which with --format ${only.name}`,
    });
  }
  return only;
}

type Claims = Record<'exact' | 'likely', LoaderPlugin[]>;

/** A guest that fails here has said "not mine". */
async function claimsOf(
  loaders: readonly LoaderPlugin[],
  source: Source,
  { options = [], guests, trace }: ResolveRequest,
): Promise<Claims> {
  const claims: Claims = { exact: [], likely: [] };
  for (const loader of loaders) {
    const guest = guests?.loaders.has(loader) ? guests : undefined;
    try {
      const context = { options: valuesFor(loader, options) };
      const verdict = await timed(
        traceOf(source, trace),
        { event: 'ask', loader: loader.name, file: source.name },
        () => askLoader(loader, source, context, guest?.limit),
        (said) => ({ verdict: said ?? 'none' }),
      );
      if (verdict !== null) claims[verdict].push(loader);
    } catch (cause) {
      const failed = cause instanceof ForeignError && cause.code === 'LOADER_FAILED';
      if (!failed || guest === undefined) throw cause;
      cause.subject ??= source.name;
      guest.onFailure(source.confidential ? discreetError(cause) : cause);
    }
  }
  return claims;
}

function findLoader(loaders: readonly LoaderPlugin[], name: string): LoaderPlugin {
  const loader = loaders.find((candidate) => candidate.name === name);
  if (loader !== undefined) return loader;
  throw new ForeignError('USAGE', `there is no loader for the format '${name}'`, {
    hint: `the formats are ${loaders.map((each) => each.name).join(', ')}`,
  });
}

function unknownFormat(source: Source, loaders: readonly LoaderPlugin[]): ForeignError {
  const names = loaders.map((loader) => loader.name).join(', ');
  const what = source.size === 0 ? 'is empty' : `is in no format that run-foreign knows (${names})`;
  return new ForeignError('UNKNOWN_FORMAT', what, { subject: source.name });
}
