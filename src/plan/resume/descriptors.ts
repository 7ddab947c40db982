/**
 * The descriptors of a process. All that is opened first gets a number above all that the process has, and in the end its own: so
 * nothing ever gets in the way of anything, whatever numbers are open when the stub begins.
 */

import { ForeignError } from '../../errors.ts';
import type { Descriptor } from '../../image/process-state.ts';
import type { ResumeStep, Value } from '../resume-plan.ts';
import type { ResumeContext } from './context.ts';
import { F, O } from './kernel.ts';
import { openAbove } from './objects.ts';
import { opened, openSteps, type Pipes } from './open-files.ts';
import { call } from './steps.ts';

const STANDARD = [0, 1, 2];
/** The least number for what the steps work with: most processes have fewer descriptors. */
const LEAST_ABOVE = 64;
const LAST = 0xffff_ffffn;
const FD_CLOEXEC = 1;
const F_SETFD = 2;

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

/** Everything that descriptors are open on, and then the descriptors. */
export function descriptorSteps(context: ResumeContext): ResumeStep[] {
  const { state, invocation, materials, above } = context;
  const { descriptors } = state;
  const stdin: Value | undefined =
    invocation.stdin === undefined ? undefined : { kept: `file ${materials.file(invocation.stdin)}` };
  const input = stdin === undefined ? [] : [call('dup3', [stdin, 0, 0], 'set standard input')];
  if (descriptors === undefined) return input;
  const inherited = new Set(
    descriptors.filter((each) => isInherited(each, context)).map(({ number }) => number),
  );
  const pipes: Pipes = new Map();
  const steps: ResumeStep[] = [];
  for (const index of state.openFiles.keys()) {
    const uses = descriptors.filter(({ openFile }) => openFile === index);
    const own = uses.filter(({ number }) => !inherited.has(number));
    const source = uses.find(({ number }) => inherited.has(number));
    if (own.length === 0) continue;
    if (source === undefined) steps.push(...openSteps(index, own[0]?.number ?? 0, context, pipes));
    else {
      const duplicate = call('fcntl', [source.number, F.DUPFD_CLOEXEC, above], 'duplicate a descriptor', {
        keep: 'low',
      });
      steps.push(...openAbove([duplicate], opened(index), above));
    }
  }
  return [
    ...steps,
    ...numberSteps(descriptors, inherited, context),
    ...(inherited.has(0) || own0(descriptors) ? input : []),
  ];
}

const own0 = (descriptors: readonly Descriptor[]): boolean => descriptors.some(({ number }) => number === 0);

function numberSteps(
  descriptors: readonly Descriptor[],
  inherited: ReadonlySet<number>,
  { state }: ResumeContext,
): ResumeStep[] {
  const steps: ResumeStep[] = [];
  for (const number of STANDARD) {
    const has = descriptors.some((each) => each.number === number && !isSkipped(each, state));
    if (!has) steps.push(call('close', [number], `close descriptor ${number}`, { onError: 'ignore' }));
  }
  for (const each of descriptors) {
    const { number, openFile, closeOnExec } = each;
    if (isSkipped(each, state)) continue;
    const what = `open descriptor ${number}`;
    if (!inherited.has(number))
      steps.push(call('dup3', [{ kept: opened(openFile) }, number, closeOnExec ? O.CLOEXEC : 0], what));
    else if (closeOnExec)
      steps.push(call('fcntl', [number, F_SETFD, FD_CLOEXEC], what, { onError: 'ignore' }));
  }
  return steps;
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
