/** An image of a process → the plan by which it goes on here: files are checked and opened, and what it will lack is listed. */
import { openSync } from 'node:fs';
import { about, ForeignError } from '../errors.ts';
import type { ProgramImage } from '../image/image.ts';
import { validateImage } from '../image/validate.ts';
import { resumeHost } from '../native/resume-host.ts';
import type { ResumeInvocation } from '../plan/resume/context.ts';
import { planResume, type Resumption } from '../plan/resume/resume.ts';
import { pathKey } from '../plan/resume/steps.ts';
import { ADDRESS_SPACES } from '../process/address-space.ts';
import type { HostFacts } from '../process/host.ts';
import type { BackingFile } from '../source/source.ts';
import { discreetly } from './blame.ts';
import { descriptorsFor } from './inputs.ts';
import { authenticate, type LoadedProgram } from './load.ts';
import { shownName } from './names.ts';
import { checkRecordedFiles, reach } from './recorded-files.ts';
import type { StartRequest } from './request.ts';

/** What is told with --verbose, beside what the process will lack. */
export interface PlannedResumption extends Resumption {
  readonly notes: readonly string[];
}

/** Throws MACHINE_REFUSED, IMAGE_REFUSED and USAGE. Nothing of what was not authenticated has had any effect. */
export async function planResumption(
  loaded: LoadedProgram,
  request: StartRequest,
  host: Pick<HostFacts, 'random'>,
): Promise<PlannedResumption> {
  const program = shownName(request.name);
  return about(program, async () => {
    if (loaded.argv.length > 1)
      throw new ForeignError('USAGE', 'is a process that goes on, and takes no arguments');
    await authenticate(loaded);
    const planned = discreetly(loaded, request.guests, () => plan(loaded, program, request, host));
    return planned;
  });
}

function plan(
  loaded: LoadedProgram,
  program: string,
  request: StartRequest,
  host: Pick<HostFacts, 'random'>,
): PlannedResumption {
  const { image } = loaded;
  // Before any of the paths in it is looked at.
  validateImage(image, ADDRESS_SPACES[image.arch].taskSize);
  const { replaced, notes } = checkRecordedFiles(image, request.resume?.stdio);
  const exe = openExe(image, replaced);
  const invocation: ResumeInvocation = {
    ...request.resume,
    program,
    replaced,
    exe: exe.file,
    report: request.report === true,
    ...descriptorsFor(loaded, request),
  };
  return { ...planResume(image, invocation, resumeHost(host)), notes: [...notes, ...exe.notes] };
}

/** What /proc/PID/exe names. Without it a process can go on. */
function openExe(
  { process }: ProgramImage,
  replaced: ReadonlySet<string>,
): { file: BackingFile | undefined; notes: string[] } {
  const { exe, root } = process?.state ?? {};
  if (exe === undefined || root === undefined || exe.path.length === 0) return { file: undefined, notes: [] };
  if (replaced.has(pathKey(exe.path))) return { file: undefined, notes: [] };
  try {
    return { file: { fd: openSync(reach(exe.path, root), 'r'), path: exe.path, offset: 0 }, notes: [] };
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code;
    return { file: undefined, notes: [`/proc/PID/exe is not what it was: ${Buffer.from(exe.path)}: ${why}`] };
  }
}
