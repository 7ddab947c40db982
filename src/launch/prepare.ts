/** A name and its arguments → a plan: opens the file, asks the loaders, lays it out. Runs nothing. */
import { realpathSync } from 'node:fs';
import { about, ForeignError, hex } from '../errors.ts';
import type { ProgramImage } from '../image/image.ts';
import type { LoadContext, LoaderPlugin } from '../loader/contract.ts';
import { resolveProgram } from '../loader/registry.ts';
import { DEFAULT_MAX_SIZE } from '../loader/unpacked.ts';
import { hostFacts } from '../native/host-facts.ts';
import { mapRefusal } from '../native/libc.ts';
import type { Plan } from '../plan/plan.ts';
import { planProgram } from '../plan/planner.ts';
import { PAGE_SIZE } from '../process/address-space.ts';
import type { Source } from '../source/source.ts';
import { findProgram } from './names.ts';
import { openExecutable } from './open.ts';

export interface ProgramRequest {
  /** As the user typed it: a path, or a name to look up in PATH. */
  readonly name: Uint8Array;
  /** Without argv[0]. */
  readonly args: readonly Uint8Array[];
  /** argv[0], when it is not to be `name`. */
  readonly argv0?: Uint8Array | undefined;
  /** `NAME=VALUE` strings. */
  readonly envp: readonly Uint8Array[];
  readonly format?: string | undefined;
  readonly loaders: readonly LoaderPlugin[];
  /** The path of run-foreign itself, so that a `#!` line naming it is known. */
  readonly self?: string | undefined;
  /** The most a packed program may unpack to, bytes; 1 GiB unless given. */
  readonly maxSize?: number | undefined;
  /** Whether the stub reports what the kernel refused. */
  readonly report?: boolean;
}

export interface LoadedProgram {
  readonly path: Uint8Array;
  readonly image: ProgramImage;
  /** The file that the image was found in. */
  readonly source: Source;
  readonly argv: readonly Uint8Array[];
}

export async function loadProgram(request: ProgramRequest): Promise<LoadedProgram> {
  return about(Buffer.from(request.name).toString(), async () => {
    const { source, path } = findProgram(request.name, environmentValue(request.envp, 'PATH'));
    const resolution = await resolveProgram({
      source,
      argv: [request.argv0 ?? request.name, ...request.args],
      execfn: path,
      loaders: request.loaders,
      context: loadContext(request),
      format: request.format,
    });
    return { path, ...resolution };
  });
}

export async function prepareProgram(request: ProgramRequest): Promise<LoadedProgram & { plan: Plan }> {
  const loaded = await loadProgram(request);
  return about(Buffer.from(request.name).toString(), async () => {
    const invocation = {
      program: Buffer.from(request.name).toString(),
      argv: loaded.argv,
      envp: request.envp,
      execfn: loaded.path,
      exe: loaded.source.file,
      report: request.report === true,
    };
    const plan = planProgram(loaded.image, invocation, hostFacts());
    checkOffsets(plan);
    return { ...loaded, plan };
  });
}

/** Up to here every file system counts. */
const OFFSETS_ALL_HAVE = 1n << 31n;

/** What a program maps past the end of its file may be past the end of any: then the stub could not map it. */
function checkOffsets(plan: Plan): void {
  for (const step of plan.steps) {
    if (step.op !== 'mmap' || step.file === undefined) continue;
    const last = step.file.offset + step.size - PAGE_SIZE;
    const fd = plan.files[step.file.index]?.fd;
    if (fd === undefined || last < OFFSETS_ALL_HAVE) continue;
    const errno = mapRefusal(fd, last);
    if (errno === undefined) continue;
    const message = `cannot be run: ${step.what} reaches to file offset ${hex(last)}, which cannot be mapped (${errno})`;
    throw new ForeignError('IMAGE_REFUSED', message);
  }
}

/** The value of a variable in an environment block; the first one counts, as in getenv(3). */
export function environmentValue(envp: readonly Uint8Array[], name: string): Uint8Array | undefined {
  const prefix = Buffer.from(`${name}=`);
  const found = envp.find((entry) => prefix.equals(entry.subarray(0, prefix.length)));
  return found?.subarray(prefix.length);
}

function loadContext({ self, maxSize = DEFAULT_MAX_SIZE }: ProgramRequest): LoadContext {
  const own = new Set(['run-foreign']);
  if (self !== undefined) own.add(self);
  return {
    limits: { maxSize },
    open: openInterpreter,
    isSelf(command) {
      const path = Buffer.from(command).toString();
      return own.has(path) || path.endsWith('/run-foreign') || own.has(resolved(path));
    },
  };
}

/** What the program needs and lacks is an error about the program, so no subject is set. */
function openInterpreter(path: Uint8Array): Source {
  try {
    // To open_exec in fs/exec.c an empty name is the current directory.
    return openExecutable(path.length === 0 ? Buffer.from('.') : path);
  } catch (cause) {
    if (!(cause instanceof ForeignError)) throw cause;
    const { code, message, subject, hint } = cause;
    throw new ForeignError(code, `its interpreter ${subject}: ${message}`, {
      cause,
      ...(hint !== undefined && { hint }),
    });
  }
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
