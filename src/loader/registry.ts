/**
 * From a Source to a ProgramImage: ask every loader, unwrap what was wrapped, follow `#!`, until one
 * of them yields a program. Bounded: a file cannot make this loop for ever.
 */
import { about, ForeignError } from '../errors.ts';
import type { ProgramImage } from '../image/image.ts';
import type { Source } from '../source/source.ts';
import type { LoadContext, Loaded, LoaderPlugin } from './contract.ts';

/** How many wrappers (a `#!` line of ours, later ciphers and compressors) may lie inside each other. */
const MAX_UNWRAP_DEPTH = 8;
/** How many interpreters execve(2) follows before ELOOP (fs/exec.c, exec_binprm). */
const MAX_INTERPRETER_DEPTH = 5;

export interface Resolution {
  readonly image: ProgramImage;
  /** The file the image came from: what /proc/PID/exe is to name. */
  readonly source: Source;
  /** argv with every interpreter put before it, as execve does. */
  readonly argv: readonly Uint8Array[];
}

export interface ResolveRequest {
  readonly source: Source;
  readonly argv: readonly Uint8Array[];
  /** The name the program is known by; interpreters get it as an argument. */
  readonly execfn: Uint8Array;
  readonly loaders: readonly LoaderPlugin[];
  readonly context: LoadContext;
  /** `--format`: this loader and no other, for the file itself and not for its interpreters. */
  readonly format?: string | undefined;
}

/** Throws UNKNOWN_FORMAT, AMBIGUOUS_FORMAT, NESTED_TOO_DEEP, or what a loader found wrong. */
export async function resolveProgram(request: ResolveRequest): Promise<Resolution> {
  let { source, argv, execfn, format } = request;
  let file = source;
  let interpreters = 0;
  let unwraps = 0;
  for (;;) {
    const at = source;
    const { loader, loaded } = await about(at.name, async () => {
      const loader = await chooseLoader(at, request.loaders, format);
      return { loader, loaded: await loadCarefully(loader, at, request.context) };
    });
    if (loaded.kind === 'image') return { image: loaded.image, source: file, argv };
    if (loaded.kind === 'unwrap') {
      if (++unwraps > MAX_UNWRAP_DEPTH) throw tooDeep(source, `more than ${MAX_UNWRAP_DEPTH} wrappers`);
      if (source.confidential && !loaded.source.confidential) {
        throw new ForeignError('INTERNAL', `loader ${loader.name} made confidential bytes public`);
      }
      source = loaded.source;
      continue;
    }
    if (at.file === undefined) throw noFileToInterpret(source, loaded.path);
    if (++interpreters > MAX_INTERPRETER_DEPTH) {
      throw tooDeep(source, `more than ${MAX_INTERPRETER_DEPTH} interpreters name each other (ELOOP)`);
    }
    argv = [loaded.path, ...loaded.args, execfn, ...argv.slice(1)];
    execfn = loaded.path;
    source = request.context.open(loaded.path);
    file = source;
    format = undefined;
    unwraps = 0;
  }
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

/** An interpreter opens its script by name, and what has that name here is another file. */
function noFileToInterpret(source: Source, path: Uint8Array): ForeignError {
  const message = `is a script that lies in no file, so that its interpreter, ${Buffer.from(path)}, could not open it`;
  return new ForeignError('UNSUPPORTED', message, {
    subject: source.name,
    hint: 'save it as a file and run that',
  });
}

function tooDeep(source: Source, what: string): ForeignError {
  return new ForeignError('NESTED_TOO_DEEP', what, { subject: source.name });
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
