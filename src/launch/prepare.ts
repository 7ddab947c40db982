/** A request → a plan: what was loaded is laid out. Runs nothing. */
import { about, ForeignError, hex } from '../errors.ts';
import { hostFacts } from '../native/host-facts.ts';
import { mapRefusal } from '../native/libc.ts';
import { isConfidential } from '../plan/materials.ts';
import type { AnyPlan, Plan, ReusablePlan } from '../plan/plan.ts';
import { planProgram } from '../plan/planner.ts';
import type { ResumePlan } from '../plan/resume-plan.ts';
import { planReusable } from '../plan/reusable.ts';
import { PAGE_SIZE } from '../process/address-space.ts';
import type { HostFacts } from '../process/host.ts';
import { timed, timedNow } from '../trace.ts';
import { discreetly } from './blame.ts';
import { withDefaults } from './environment.ts';
import { descriptorsFor } from './inputs.ts';
import { authenticate, type LoadedProgram, loadProgram } from './load.ts';
import { shownName } from './names.ts';
import type { ProgramRequest, StartRequest } from './request.ts';
import type { PlannedResumption } from './resumption.ts';

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
