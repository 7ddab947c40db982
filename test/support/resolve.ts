/** From bytes to an image through the real registry and the built-in loaders, with files from a map. */
import { builtinLoaders } from '../../loaders/index.ts';
import { ForeignError } from '../../src/errors.ts';
import type { ProgramImage } from '../../src/image/image.ts';
import type { LoadContext, LoaderPlugin, ProbeContext, Secrets } from '../../src/loader/contract.ts';
import { resolveProgram } from '../../src/loader/registry.ts';
import type { Follow, Resolution } from '../../src/loader/walk.ts';
import type { Source } from '../../src/source/source.ts';
import { DEFAULT_MAX_SIZE } from '../../src/source/source.ts';
import type { Handmade } from './handmade.ts';
import { fileLike, text } from './sources.ts';

/** What PROGRAM is open as; the files it names come after it. */
export const PROGRAM_FD = 10;

/** A context's part for sealed files, where there are no keys. */
export const NO_KEYS: Pick<LoadContext, 'secrets' | 'confidential' | 'progress'> = {
  secrets: {
    identities: () => Promise.resolve([]),
    passphrase: () => Promise.reject(new ForeignError('KEY_NEEDED', 'needs a passphrase')),
  },
  confidential: true,
  progress: () => {},
};

/** What a loader is told where the user gave none of its options. */
export const NO_OPTIONS: ProbeContext = { options: {} };

/** Opens what the map has; everything else is not found. `run-foreign` is ourselves. */
export function contextOf(
  files: Readonly<Record<string, Uint8Array>>,
  maxSize = DEFAULT_MAX_SIZE,
): LoadContext {
  return {
    limits: { maxSize },
    ...NO_KEYS,
    ...NO_OPTIONS,
    argv: [],
    find: () => undefined,
    open(path) {
      const name = Buffer.from(path).toString('latin1');
      const index = Object.keys(files).indexOf(name);
      const bytes = files[name];
      if (bytes === undefined) throw new ForeignError('PROGRAM_NOT_FOUND', 'no such file', { subject: name });
      return fileLike(bytes, PROGRAM_FD + 1 + index, name);
    },
    isSelf: (command) => /(^|\/)run-foreign$/.test(Buffer.from(command).toString('latin1')),
  };
}

export interface ResolveOptions {
  readonly argv?: readonly string[];
  readonly format?: string;
  readonly loaders?: readonly LoaderPlugin[];
  readonly maxSize?: number;
  readonly secrets?: Secrets;
  readonly follow?: Follow;
}

export function resolveSource(
  source: Source,
  files: Readonly<Record<string, Uint8Array>> = {},
  options: ResolveOptions = {},
): Promise<Resolution> {
  return resolveProgram({
    source,
    argv: (options.argv ?? [source.name]).map(text),
    execfn: text(source.name),
    loaders: options.loaders ?? builtinLoaders,
    context: {
      ...contextOf(files, options.maxSize),
      ...(options.secrets && { secrets: options.secrets }),
    },
    format: options.format,
    follow: options.follow,
  });
}

/** The image of a handmade program, whose bytes are a file's. */
export async function imageOf({ name, bytes, files }: Handmade): Promise<ProgramImage> {
  const { image } = await resolveSource(fileLike(bytes, PROGRAM_FD, `/handmade/${name}`), files);
  return image;
}
