/** A request → what the loaders make of the program: finds it, opens it, asks them. Plans nothing. */
import { realpathSync } from 'node:fs';
import { about, ForeignError, partError } from '../errors.ts';
import type { Secrets } from '../loader/contract.ts';
import { resolveProgram } from '../loader/registry.ts';
import type { HostContext, Resolution } from '../loader/walk.ts';
import type { FileSource } from '../source/file.ts';
import { DEFAULT_MAX_SIZE, type Source } from '../source/source.ts';
import { type Trace, timed } from '../trace.ts';
import { environmentValue } from './environment.ts';
import { followProgram } from './follow.ts';
import { type FoundProgram, findCommand, findProgram, shownName } from './names.ts';
import { openExecutable } from './open.ts';
import type { ProgramRequest } from './request.ts';

/** What a request led to. Its sources stay open. */
export interface LoadedProgram extends Resolution {
  readonly path: Uint8Array;
  /** The caller's descriptor that it came through: the program does not get it. */
  readonly descriptor: number | undefined;
}

/**
 * Of a program from the network only what the loaders looked at was fetched, and nothing of it was checked: call
 * `authenticate` before anything else is done with it.
 */
export async function loadProgram(request: ProgramRequest): Promise<LoadedProgram> {
  return about(shownName(request.name), async () => {
    const { network, maxSize, progress, secretsWith } = request;
    const found = await openRequested(request);
    const { source, path, exe } = found;
    const resolution = await resolveProgram({
      source,
      exe,
      argv: [request.argv0 ?? found.argv0, ...request.args],
      ownArgv0: request.argv0 !== undefined,
      execfn: path,
      loaders: request.loaders,
      context: hostContext(request),
      format: request.format,
      options: request.loaderOptions,
      guests: request.guests,
      trace: request.trace,
      follow: (named, from) =>
        followProgram(named, from, {
          extraCa: network?.extraCa,
          maxSize,
          progress,
          secretsWith,
          watch: request.watch,
        }),
    });
    return { descriptor: found.descriptor, path, ...resolution };
  });
}

async function openRequested(
  request: ProgramRequest,
): Promise<Omit<FoundProgram, 'source'> & { source: Source }> {
  const { name, source, envp, network, maxSize, progress, names, watch, trace } = request;
  if (source !== undefined) return { source, path: name, argv0: name };
  const path = environmentValue(envp, 'PATH');
  const found = await timed(
    trace,
    { event: 'open', file: shownName(name), as: 'program' },
    () => findProgram(name, path, network, maxSize, progress, names),
    (program) => ({ path: shownName(program.path), bytes: program.source.size }),
  );
  watch?.opened(found.source);
  return found;
}

/** Fetches and checks all that came from the network on the way to a program. Throws UNAUTHENTICATED. */
export async function authenticate({ unauthenticated }: LoadedProgram, trace?: Trace): Promise<void> {
  for (const source of unauthenticated) {
    const step = { event: 'authenticate', file: source.name, bytes: source.size } as const;
    await timed(
      source.confidential ? undefined : trace,
      step,
      () => source.authenticate?.() ?? Promise.resolve(),
    );
  }
}

const NO_SECRETS: Secrets = {
  identities: () => Promise.resolve([]),
  passphrase: () => Promise.reject(new ForeignError('KEY_NEEDED', 'needs a passphrase')),
};

function hostContext(request: ProgramRequest): HostContext {
  const { envp, self, maxSize = DEFAULT_MAX_SIZE, secrets = NO_SECRETS, confidential = true } = request;
  const { names, watch } = request;
  const own = new Set(['run-foreign']);
  if (self !== undefined) own.add(self);
  return {
    limits: { maxSize },
    secrets,
    confidential,
    progress: request.progress ?? (() => {}),
    open(path) {
      try {
        const source = openInterpreter(path, names?.cwd);
        watch?.opened(source);
        return source;
      } catch (cause) {
        watch?.unsettled();
        throw cause;
      }
    },
    find(command) {
      watch?.unsettled();
      return findCommand(Buffer.from(command), environmentValue(envp, 'PATH'), names?.cwd);
    },
    isSelf(command) {
      const path = Buffer.from(command).toString();
      return own.has(path) || path.endsWith('/run-foreign') || own.has(resolved(path));
    },
  };
}

/** What the program needs and lacks is an error about the program, so no subject is set. */
function openInterpreter(path: Uint8Array, cwd: Uint8Array | undefined): FileSource {
  try {
    // To open_exec in fs/exec.c an empty name is the current directory.
    return openExecutable(path.length === 0 ? Buffer.from('.') : path, cwd);
  } catch (cause) {
    throw partError('its interpreter', cause);
  }
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
