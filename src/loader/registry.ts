/**
 * From a Source to a ProgramImage: ask every loader, unwrap what was wrapped, follow `#!` and manifests, until one
 * of them yields a program. Bounded: see Walk.
 */
import { about, ForeignError } from '../errors.ts';
import type { ProgramImage } from '../image/image.ts';
import type { Source } from '../source/source.ts';
import type { LoadContext, Loaded, LoaderPlugin } from './contract.ts';
import { discreetly } from './discreet.ts';
import { type Resolution, type ResolveRequest, Walk } from './walk.ts';

/** Throws UNKNOWN_FORMAT, AMBIGUOUS_FORMAT, NESTED_TOO_DEEP, or what a loader found wrong. */
export async function resolveProgram(request: ResolveRequest): Promise<Resolution> {
  const walk = new Walk(request);
  for (;;) {
    const { source } = walk;
    const image = await about(source.name, () =>
      discreetly(source, (readable) => takeStep(walk, readable, request.loaders)),
    );
    if (image !== undefined) return walk.end(image);
  }
}

/** The image, if the walk ends here. `source` is the walk's. */
async function takeStep(
  walk: Walk,
  source: Source,
  loaders: readonly LoaderPlugin[],
): Promise<ProgramImage | undefined> {
  const loader = await chooseLoader(source, loaders, walk.format);
  const loaded = await loadCarefully(loader, source, walk.context);
  if (loaded.kind === 'image') return loaded.image;
  if (loaded.kind === 'unwrap') walk.unwrap(loader, loaded.source);
  else if (loaded.kind === 'interpreter') walk.interpret(loaded);
  else await walk.follow(loader, loaded);
  return undefined;
}

/**
 * Loads from a source that may be anybody's. Its headers may be read, so that a file that cannot be run is not
 * fetched for nothing; but no other file is opened because of them (on some devices that alone has effects), and
 * nothing is unpacked, before all of it was found to be what the user wants.
 */
async function loadCarefully(loader: LoaderPlugin, source: Source, context: LoadContext): Promise<Loaded> {
  if (source.authenticate === undefined) return loader.load(source, context);
  if (loader.kind === 'program') {
    let wanted = false;
    const closed: LoadContext = {
      ...context,
      open() {
        wanted = true;
        throw new ForeignError('INTERNAL', 'a file was opened for a program that was not authenticated');
      },
    };
    try {
      const loaded = await loader.load(source, closed);
      // What was inside would be a source of its own, and nobody would know where it came from.
      if (!wanted && loaded.kind === 'image') return loaded;
    } catch (error) {
      if (!wanted) throw error;
    }
  }
  await source.authenticate();
  return loader.load(source, context);
}

async function chooseLoader(
  source: Source,
  loaders: readonly LoaderPlugin[],
  format: string | undefined,
): Promise<LoaderPlugin> {
  const named = format === undefined ? undefined : findLoader(loaders, format);
  const claims: Record<'exact' | 'likely', LoaderPlugin[]> = { exact: [], likely: [] };
  for (const loader of loaders) {
    const verdict = await loader.probe(source);
    if (verdict !== null) claims[verdict].push(loader);
  }
  const wrappers = claims.exact.filter((loader) => loader.kind === 'wrapper');
  if (named !== undefined) return wrappers[0] ?? named;
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
