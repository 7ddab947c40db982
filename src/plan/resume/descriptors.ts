/**
 * The descriptors of a process. All that is opened first gets a number above all that the process has, and in the end its own: so
 * nothing ever gets in the way of anything, whatever numbers are open when the stub begins.
 */

import { ForeignError } from '../../errors.ts';
import type { Descriptor } from '../../image/process-state.ts';
import type { ResumeStep, Value } from '../resume-plan.ts';
import type { ResumeContext } from './context.ts';
import { F, O } from './kernel.ts';
import { opened, openSteps, type Pipes } from './open-files.ts';
import { call } from './steps.ts';

const STANDARD = [0, 1, 2];
/** The least number for what the steps work with: most processes have fewer descriptors. */
const LEAST_ABOVE = 64;
const LAST = 0xffff_ffffn;
const FD_CLOEXEC = 1;

/** The first number that no descriptor of the process has, and none after it; the one before is free too. */
export function numberAbove(descriptors: readonly Descriptor[] | undefined): number {
  if (descriptors === undefined) return STANDARD.length;
  return Math.max(LEAST_ABOVE, ...descriptors.map(({ number }) => number + 2));
}

/**
 * Gives the files of the plan numbers above, kept as `file N`, and closes what the stub has inherited and the process did not
 * have. Where the process inherits, only the plan's files go.
 */
export function fileNumberSteps({ state, materials, above, invocation }: ResumeContext): ResumeStep[] {
  const steps: ResumeStep[] = materials.files.map((_, file) =>
    call('fcntl', [{ file }, F.DUPFD_CLOEXEC, above], 'number a file', { keep: `file ${file}` }),
  );
  if (state.descriptors === undefined) {
    const closed = (invocation.closed ?? []).map((number) => BigInt(number));
    const files = materials.files.map((_, file): Value => ({ file }));
    return [...steps, ...[...files, ...closed].map((fd) => call('close', [fd], 'close a file'))];
  }
  let from: Value = 3n;
  for (const index of materials.files.keys()) {
    const kept = `file ${index}`;
    steps.push(closeRange(from, { kept, plus: -1n }));
    from = { kept, plus: 1n };
  }
  return [...steps, closeRange(from, LAST)];
}

/** An empty range is an error, and none of ours. */
function closeRange(from: Value, to: Value): ResumeStep {
  return call('close_range', [from, to, 0], 'close what was inherited', { onError: 'ignore' });
}

/** When nothing is opened any more. */
export function closeWorking({ state, materials, above }: ResumeContext): ResumeStep[] {
  if (state.descriptors !== undefined) return [closeRange(BigInt(above - 1), LAST)];
  return materials.files.map((_, file) =>
    // The one that told that memory has been read is closed already.
    call('close', [{ kept: `file ${file}` }], 'close a file', { onError: 'ignore' }),
  );
}

/** Opens everything that descriptors are open on. */
export function openFileSteps(context: ResumeContext): ResumeStep[] {
  const { state, above } = context;
  const { descriptors = [] } = state;
  const pipes: Pipes = new Map();
  return [...state.openFiles.keys()].flatMap((index) => {
    const uses = descriptors.filter(({ openFile }) => openFile === index);
    const own = uses.find((each) => !isInherited(each, context));
    const source = uses.find((each) => isInherited(each, context));
    if (own === undefined) return [];
    if (source === undefined) return openSteps(index, own.number, context, pipes);
    const args = [source.number, F.DUPFD_CLOEXEC, above];
    return [call('fcntl', args, 'duplicate a descriptor', { keep: opened(index), onError: 'ignore' })];
  });
}

/**
 * Gives all descriptors their numbers: the standard streams last, when nothing is told any more, for what is told would go to
 * the process's own file.
 */
export function numberSteps(context: ResumeContext, which: 'standard' | 'others'): ResumeStep[] {
  const { descriptors = [] } = context.state;
  const steps = descriptors
    .filter(({ number }) => STANDARD.includes(number) === (which === 'standard'))
    .flatMap((each) => numberStep(each, context));
  return which === 'others' ? steps : [...closeStandard(context), ...steps, ...standardInput(context)];
}

function numberStep(each: Descriptor, context: ResumeContext): ResumeStep[] {
  const { number, openFile, closeOnExec } = each;
  const what = `open descriptor ${number}`;
  if (isSkipped(each, context.state)) return [];
  if (isInherited(each, context)) {
    const set = call('fcntl', [number, F.SETFD, FD_CLOEXEC], what, { onError: 'ignore' });
    return closeOnExec ? [set] : [];
  }
  const shares = context.state.descriptors?.some(
    (other) => other.openFile === openFile && isInherited(other, context),
  );
  // Who was started without it has to do without it.
  const onError = shares ? 'ignore' : 'stop';
  return [call('dup3', [{ kept: opened(openFile) }, number, closeOnExec ? O.CLOEXEC : 0], what, { onError })];
}

function closeStandard({ state }: ResumeContext): ResumeStep[] {
  const { descriptors } = state;
  if (descriptors === undefined) return [];
  return STANDARD.filter(
    (number) => !descriptors.some((each) => each.number === number && !isSkipped(each, state)),
  ).map((number) => call('close', [number], `close descriptor ${number}`, { onError: 'ignore' }));
}

function standardInput({ invocation: { stdin }, materials }: ResumeContext): ResumeStep[] {
  if (stdin === undefined) return [];
  return [call('dup3', [{ kept: `file ${materials.file(stdin)}` }, 0, 0], 'set standard input')];
}

function isSkipped({ openFile }: Descriptor, { openFiles }: ResumeContext['state']): boolean {
  const kind = openFiles[openFile]?.kind;
  return kind === undefined || kind === 'skipped';
}

/** Whether a descriptor is the caller's. Throws USAGE where that is not wanted, and there is nothing else. */
function isInherited({ number, openFile }: Descriptor, { state, invocation }: ResumeContext): boolean {
  const file = state.openFiles[openFile];
  if (!STANDARD.includes(number)) return false;
  const led = file?.kind === 'standard stream';
  if (invocation.stdio === 'recorded' && led) {
    throw new ForeignError('USAGE', `descriptor ${number} was ${file.what}, which cannot be opened again`, {
      hint: 'leave --stdio recorded out: it gets yours',
    });
  }
  if (invocation.stdio === 'recorded') return false;
  return invocation.stdio === 'inherit' || led || (file?.kind === 'device' && file.terminal);
}
