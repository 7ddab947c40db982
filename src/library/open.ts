/** From what the user gives as a program to one that is loaded. */
import { fileURLToPath } from 'node:url';
import { about, ForeignError } from '../errors.ts';
import { loadProgram } from '../launch/load.ts';
import { shownName } from '../launch/names.ts';
import type { ProgramRequest } from '../launch/request.ts';
import { isConfidential } from '../plan/materials.ts';
import { isHttpUrl } from '../source/http-url.ts';
import { memorySource } from '../source/memory.ts';
import type { Trace } from '../trace.ts';
import { argumentError, cString, directoryBytes, environmentBytes } from './invocation.ts';
import {
  confidentialRefusal,
  givenOptions,
  type LoadOptions,
  loadersFor,
  NAMELESS,
  publicSecrets,
} from './options.ts';
import { type OpenedSource, Program } from './program.ts';

/** A name, a URL, or the bytes themselves. */
export type ProgramLocation = string | URL | Uint8Array;

export interface OpenWishes {
  readonly args?: readonly Uint8Array[];
  /** Told when more was asked on the way than the files that were opened. */
  readonly onUnsettled?: () => void;
  /** Whether whoever asks can keep it confidential, if it is. */
  readonly secluded?: boolean;
}

/** Whoever gets it releases it. Throws what loadProgram does, and UNSUPPORTED for what is confidential. */
export async function openForeign(
  program: ProgramLocation,
  options: LoadOptions,
  { args = [], onUnsettled, secluded = false }: OpenWishes = {},
): Promise<Program> {
  const opened: OpenedSource[] = [];
  const watch = {
    opened: (source: OpenedSource) => void opened.push(source),
    unsettled: () => onUnsettled?.(),
  };
  try {
    const secrets = secluded ? options.secrets : publicSecrets(options);
    const request = { ...loadRequest(program, options), args, watch, secrets };
    const loaded = await loadProgram(request);
    const { image } = loaded;
    if (isConfidential(image) && !secluded)
      await about(shownName(request.name), () => Promise.reject(confidentialRefusal()));
    return new Program(request, loaded, opened);
  } catch (cause) {
    for (const source of opened) source.close();
    throw cause;
  }
}

/** All of a request but what it is called with. */
export function loadRequest(program: ProgramLocation, options: LoadOptions): Omit<ProgramRequest, 'args'> {
  const { argv0, network = {} } = options;
  return {
    ...named(program, options),
    argv0: argv0 === undefined ? undefined : cString(argv0, 'options.argv0'),
    envp: environmentBytes(options),
    format: options.format,
    loaders: loadersFor(options),
    loaderOptions: givenOptions(options),
    maxSize: options.maxSize,
    trace: traceOption(options),
    confidential: options.confidential,
    network: { ...network, demanded: network.sha256 !== undefined || network.verifyKey !== undefined },
    names: { cwd: directoryBytes(options), descriptors: false },
  };
}

function traceOption({ trace }: LoadOptions): Trace | undefined {
  if (trace === undefined || typeof trace === 'function') return trace;
  throw argumentError('options.trace must be a function', 'ERR_INVALID_ARG_TYPE');
}

function named(
  program: ProgramLocation,
  { name = NAMELESS, network }: LoadOptions,
): Pick<ProgramRequest, 'name' | 'source'> {
  if (typeof program === 'string') return { name: cString(program, 'program') };
  if (program instanceof URL) return { name: Buffer.from(urlName(program)) };
  if (!(program instanceof Uint8Array)) {
    const message = 'program must be a string, a URL, a Uint8Array or a LoadedImage';
    throw argumentError(message, 'ERR_INVALID_ARG_TYPE');
  }
  if (network?.sha256 !== undefined || network?.verifyKey !== undefined) {
    const hint = 'check the bytes before';
    throw new ForeignError('USAGE', 'bytes are taken as they are, without a digest or a key', { hint });
  }
  // The caller may change what is theirs.
  return { name: cString(name, 'options.name'), source: memorySource(Buffer.from(program), name) };
}

function urlName(url: URL): string {
  if (url.protocol === 'file:') return fileURLToPath(url);
  if (isHttpUrl(url.href)) return url.href;
  throw new ForeignError('USAGE', 'is no scheme that programs come by: only file:, http: and https: are', {
    subject: url.protocol,
  });
}
