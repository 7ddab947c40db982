/** A name and its arguments → a plan: opens the program, asks the loaders, lays it out. Runs nothing. */
import { constants, openSync, realpathSync } from 'node:fs';
import { about, ForeignError, hex, partError } from '../errors.ts';
import type { IdentityName, LoaderPlugin, Secrets } from '../loader/contract.ts';
import { discreetError } from '../loader/discreet.ts';
import type { GivenOption } from '../loader/options.ts';
import { resolveProgram } from '../loader/registry.ts';
import type { Guests, HostContext, Resolution } from '../loader/walk.ts';
import { hostFacts } from '../native/host-facts.ts';
import { mapRefusal } from '../native/libc.ts';
import { isConfidential } from '../plan/materials.ts';
import type { AnyPlan, Plan, ReusablePlan } from '../plan/plan.ts';
import { type Invocation, planProgram } from '../plan/planner.ts';
import type { ResumePlan } from '../plan/resume-plan.ts';
import { planReusable } from '../plan/reusable.ts';
import { PAGE_SIZE } from '../process/address-space.ts';
import type { HostFacts } from '../process/host.ts';
import type { FileSource } from '../source/file.ts';
import { type BackingFile, DEFAULT_MAX_SIZE, type OnProgress, type Source } from '../source/source.ts';
import { type Trace, timed, timedNow } from '../trace.ts';
import { withDefaults } from './environment.ts';
import { followProgram, type Watch } from './follow.ts';
import {
  type FoundProgram,
  findCommand,
  findProgram,
  type NameOptions,
  type NetworkOptions,
  shownName,
} from './names.ts';
import { openExecutable } from './open.ts';
import type { PlannedResumption, ResumeWishes } from './resumption.ts';

/** What is to be run, all of it as bytes: nothing need be text. */
export interface ProgramRequest {
  /** As the user typed it: a path, a name to look up in PATH, or a URL. */
  readonly name: Uint8Array;
  /** The program itself, when its bytes are at hand: `name` is then only what it is known by. */
  readonly source?: Source | undefined;
  /** Without argv[0]. */
  readonly args: readonly Uint8Array[];
  /** argv[0], when it is not to be `name` (of a URL, the last part). */
  readonly argv0?: Uint8Array | undefined;
  /** `NAME=VALUE` strings. */
  readonly envp: readonly Uint8Array[];
  /** Variables that no file may add to it. */
  readonly withheld?: readonly Uint8Array[] | undefined;
  readonly format?: string | undefined;
  readonly loaders: readonly LoaderPlugin[];
  /** What the user gave of the loaders' own options. */
  readonly loaderOptions?: readonly GivenOption[] | undefined;
  /** Which of them are not to be relied on. */
  readonly guests?: Guests | undefined;
  /** The path of run-foreign itself, so that a `#!` line naming it is known. */
  readonly self?: string | undefined;
  /** The most a packed program may unpack to, bytes; 1 GiB unless given. */
  readonly maxSize?: number | undefined;
  /** Whether the stub reports what the kernel refused. */
  readonly report?: boolean;
  /** A file that is to be the program's standard input. */
  readonly stdin?: Uint8Array | undefined;
  readonly network?: NetworkOptions;
  /** What sealed programs are opened with; without it none can be. */
  readonly secrets?: Secrets | undefined;
  /** Those, and what a file names beside them. */
  readonly secretsWith?: ((identities: readonly IdentityName[]) => Secrets) | undefined;
  /** Whether what was decrypted is kept from everybody else; true unless given. */
  readonly confidential?: boolean | undefined;
  readonly progress?: OnProgress | undefined;
  /** Descriptors that keys come from: the program does not get them. */
  readonly keyDescriptors?: readonly number[] | undefined;
  /** What names count from, and what they may mean. */
  readonly names?: NameOptions | undefined;
  readonly watch?: Watch | undefined;
  /** Told of every step. */
  readonly trace?: Trace | undefined;
  /** How a process goes on, if that is what the program is. */
  readonly resume?: ResumeWishes | undefined;
  /** Whether it is to stop for its debugger before its first instruction, at addresses that are not random, as gdb has it. */
  readonly debugged?: boolean | undefined;
}

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

/** What a request led to, with the plan of its start. */
export interface PreparedProgram extends LoadedProgram {
  readonly plan: Plan;
  readonly host: HostFacts;
}

/** A process that goes on, with the plan for it. */
export interface PreparedResumption extends LoadedProgram, Omit<PlannedResumption, 'plan'> {
  readonly plan: ResumePlan;
  readonly host: HostFacts;
}

/** A plan for what begins, or for what goes on. */
export type StartPlan = Plan | ResumePlan;

/** The plan is made of nothing that was not authenticated. Throws UNSUPPORTED for a process that goes on. */
export async function prepareProgram(request: ProgramRequest): Promise<PreparedProgram> {
  const prepared = await prepareStart(request);
  if (!('lost' in prepared)) return prepared;
  throw new ForeignError('UNSUPPORTED', 'is a process that goes on, and no program that begins', {
    subject: prepared.plan.program,
  });
}

/** As prepareProgram, also for a process that goes on. */
export async function prepareStart(request: ProgramRequest): Promise<PreparedProgram | PreparedResumption> {
  // Before a key is read: afterwards this process may not open some of its own files in /proc.
  const host: HostFacts = { ...hostFacts(), ...(request.debugged === true && { randomizeVaSpace: 0 }) };
  const loaded = await loadProgram(request);
  if (request.debugged === true) refuseProcess(loaded, 'debugged from its start', GOES_ON);
  if (loaded.image.process === undefined)
    return { ...loaded, plan: await planLoaded(loaded, request, host), host };
  const { planResumption } = await import('./resumption.ts');
  const planned = await timed(
    request.trace,
    { event: 'plan' },
    () => planResumption(loaded, request, host),
    ({ plan }) => planFields(loaded, plan),
  );
  return { ...loaded, ...planned, host };
}

/** How much a plan is, unless that would say something of what is in it. */
const planFields = ({ image }: LoadedProgram, { steps }: StartPlan): { steps?: number } =>
  isConfidential(image) ? {} : { steps: steps.length };

/** The plan for what was loaded, whichever it is. */
export async function planStart(
  loaded: LoadedProgram,
  request: StartRequest,
  host: HostFacts,
): Promise<StartPlan> {
  if (loaded.image.process === undefined) return planLoaded(loaded, request, host);
  const { planResumption } = await import('./resumption.ts');
  return (await planResumption(loaded, request, host)).plan;
}

/** For what can be done with programs only. */
export function refuseProcess(
  { image }: LoadedProgram,
  what: string,
  hint = 'restore it: run-foreign FILE',
): void {
  if (image.process === undefined) return;
  throw new ForeignError('UNSUPPORTED', `is a process that goes on, which cannot be ${what}`, { hint });
}

const GOES_ON = 'open it in gdb as it is, a core file, or attach to it when it goes on: gdb -p PID';

/** What of a request says how a program that is loaded is run. */
export type StartRequest = Pick<
  ProgramRequest,
  | 'name'
  | 'envp'
  | 'withheld'
  | 'report'
  | 'guests'
  | 'stdin'
  | 'keyDescriptors'
  | 'resume'
  | 'debugged'
  | 'trace'
>;

/** The plan is made of nothing that was not authenticated. */
export async function planLoaded(
  loaded: LoadedProgram,
  request: StartRequest,
  host: HostFacts,
): Promise<Plan> {
  const program = shownName(request.name);
  return about(program, async () => {
    refuseProcess(loaded, 'planned as a program');
    const invocation = {
      program,
      argv: loaded.argv,
      envp: withDefaults(request.envp, loaded.env, request.withheld),
      execfn: loaded.path,
      exe: loaded.exe,
      report: request.report === true,
      stop: request.debugged === true,
      ...descriptorsFor(loaded, request),
    };
    const { guests, trace } = request;
    const make = () => {
      const planned = planProgram(loaded.image, invocation, host);
      checkOffsets(planned);
      return planned;
    };
    const plan = timedNow(
      trace,
      { event: 'plan' },
      () => discreetly(loaded, guests, make),
      (planned) => planFields(loaded, planned),
    );
    // Only now, so that what cannot be run anyhow is not fetched.
    await authenticate(loaded, trace);
    return plan;
  });
}

/**
 * A plan for any number of starts, made of nothing that was not authenticated. Undefined where each start needs a plan of
 * its own; so does a program that is confidential.
 */
export async function planLoadedOnce(
  loaded: LoadedProgram,
  name: Uint8Array,
  host: HostFacts,
): Promise<ReusablePlan | undefined> {
  const { image, exe, path } = loaded;
  if (isConfidential(image) || loaded.descriptor !== undefined || image.process !== undefined)
    return undefined;
  const program = shownName(name);
  return about(program, async () => {
    const plan = planReusable(image, { program, execfn: path, exe, portable: false }, host);
    if (plan === undefined) return undefined;
    checkOffsets(plan);
    await authenticate(loaded);
    return plan;
  });
}

/** What `plan` throws says nothing about what is confidential, and who is to blame for an image that is refused. */
export function discreetly<T>(
  { image, loader }: LoadedProgram,
  guests: Guests | undefined,
  plan: () => T,
): T {
  try {
    return plan();
  } catch (cause) {
    const refusal = guests?.loaders.has(loader) ? refusalOf(loader, cause) : cause;
    throw isConfidential(image) ? discreetError(refusal) : refusal;
  }
}

/** An image that cannot be is rather the loader's fault than the file's. */
function refusalOf({ name }: LoaderPlugin, cause: unknown): unknown {
  if (!(cause instanceof ForeignError) || cause.code !== 'IMAGE_REFUSED') return cause;
  return new ForeignError(cause.code, `${cause.message} (says the loader ${name})`, { cause });
}

/** What a program and the keys to it came through is not its own: as standard input it gets another, or nothing. */
export function descriptorsFor(
  { descriptor }: LoadedProgram,
  { stdin, keyDescriptors = [] }: StartRequest,
): Pick<Invocation, 'stdin' | 'closed'> {
  const taken = new Set(keyDescriptors);
  if (descriptor !== undefined) taken.add(descriptor);
  const path = stdin ?? (taken.delete(0) ? Buffer.from('/dev/null') : undefined);
  taken.delete(0);
  return { stdin: path === undefined ? undefined : openInput(path), closed: [...taken] };
}

function openInput(path: Uint8Array): BackingFile {
  try {
    return { fd: openSync(Buffer.from(path), constants.O_RDONLY | constants.O_NOCTTY), path, offset: 0 };
  } catch (cause) {
    const subject = Buffer.from(path).toString();
    const why = (cause as NodeJS.ErrnoException).code;
    throw new ForeignError('USAGE', `--stdin cannot be opened: ${why}`, { subject, cause });
  }
}

/** Up to here every file system counts. */
const OFFSETS_ALL_HAVE = 1n << 31n;

/** What a program maps past the end of its file may be past the end of any: then the stub could not map it. */
function checkOffsets(plan: AnyPlan): void {
  for (const step of plan.steps) {
    if (step.op !== 'mmap' || step.file === undefined) continue;
    const last = step.file.offset + step.size - PAGE_SIZE;
    const file = plan.files[step.file.index];
    if (file === undefined || !('fd' in file) || last < OFFSETS_ALL_HAVE) continue;
    const errno = mapRefusal(file.fd, last);
    if (errno === undefined) continue;
    const message = `cannot be run: ${step.what} reaches to file offset ${hex(last)}, which cannot be mapped (${errno})`;
    throw new ForeignError('IMAGE_REFUSED', message);
  }
}

/** The value of a variable in an environment block; the first one counts, as in getenv(3). */
export function environmentValue(envp: readonly Uint8Array[], name: string): Uint8Array | undefined {
  const prefix = Buffer.from(`${name}=`);
  const found = envp.find(
    (entry) => entry[0] === prefix[0] && prefix.equals(entry.subarray(0, prefix.length)),
  );
  return found?.subarray(prefix.length);
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
