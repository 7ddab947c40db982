/**
 * A process as it was → the steps that bring it back. Pure, as planner.ts. The order is that of necessity: what is in the way of
 * a later step comes after it, what takes rights away comes late, and what begins to run by itself last.
 */
import { ForeignError } from '../../errors.ts';
import type { ProgramImage, Segment } from '../../image/image.ts';
import type { Mapping, ProcessState } from '../../image/process-state.ts';
import { ADDRESS_SPACES } from '../../process/address-space.ts';
import { checkCpu } from '../../process/cpu.ts';
import type { ResumeHost } from '../../process/resume-host.ts';
import { Materials } from '../materials.ts';
import type { ResumePlan, ResumeStep } from '../resume-plan.ts';
import { asSegment, piecesIn } from './contents.ts';
import { Paths, type Piece, type ResumeContext, type ResumeInvocation } from './context.ts';
import { credentialSteps, lostCredentials } from './credentials.ts';
import { closeWorking, fileNumberSteps, numberAbove, numberSteps, openFileSteps } from './descriptors.ts';
import {
  attributeSteps,
  directorySteps,
  dumpableSteps,
  mmSteps,
  personalitySteps,
  rootSteps,
} from './identity.ts';
import { liftSteps, limitSteps } from './limits.ts';
import { holdsBytes, lockSteps, mappingSteps, wholeObjects } from './mappings.ts';
import { objectSteps, sealSteps } from './objects.ts';
import { Room } from './room.ts';
import { actionSteps, blockSignals, pendingSteps, queueSteps } from './signals.ts';
import { call } from './steps.ts';
import { frameFor, otherThread, threadNumber, threadSteps } from './threads.ts';
import { armSteps, timerSteps } from './timers.ts';
import { planVdso } from './vdso.ts';
import { lockedFileSteps, timerDescriptorSteps, watchSteps } from './watches.ts';

export interface Resumption {
  readonly plan: ResumePlan;
  /** What the process will lack, sentences for people. */
  readonly lost: readonly string[];
}

const SPACE = ADDRESS_SPACES.x86_64;

/** Throws IMAGE_REFUSED, MACHINE_REFUSED, USAGE. The image has been validated. */
export function planResume(image: ProgramImage, invocation: ResumeInvocation, host: ResumeHost): Resumption {
  if (image.process === undefined) throw new Error('an image of a program that begins');
  const { state } = image.process;
  const [first, ...others] = state.threads;
  if (first === undefined) throw new ForeignError('IMAGE_REFUSED', 'cannot go on: it has no threads');
  if (invocation.anyCpu !== true) checkCpu(state.machine.cpuFlags, host.cpu);
  const context = contextFor(image, invocation, host);
  const room = new Room(state, host);
  const stub = room.take(SPACE.stubReserve);
  const vdso = planVdso(state, host, stub, room);
  const whole = wholeObjects(state);
  const anonymous = new Set(whole.map(({ openFile }) => openFile));
  const leader = frameFor(context, first, room);
  const threads = others.map((thread) => otherThread(context, thread, room));
  const objects = objectSteps(context, anonymous);
  const steps: ResumeStep[] = [
    ...mappingSteps(context, whole),
    ...afterReading(context),
    ...sealSteps(context, 'after mapping'),
    ...lockSteps(context),
    ...leader.extra,
    ...threads.flatMap(({ extra }) => extra),
    ...openFileSteps(context),
    ...numberSteps(context, 'others'),
    ...personalitySteps(context),
    ...mmSteps(context),
    ...directorySteps(context),
    ...attributeSteps(context),
    ...actionSteps(context),
    call('getpid', [], 'get the number of the process', { keep: 'pid' }),
    ...threadSteps(context, first),
    { op: 'threads' },
    ...queueSteps(first.pending, threadNumber(first.tid)),
    ...pendingSteps(context),
    ...timerSteps(context),
    ...limitSteps(context, 'others'),
    ...credentialSteps(context),
    // From here on nothing is told.
    ...numberSteps(context, 'standard'),
    ...limitSteps(context, 'descriptors'),
    ...closeWorking(context),
    ...watchSteps(context),
    ...lockedFileSteps(context),
    ...dumpableSteps(context),
    ...timerDescriptorSteps(context),
    ...armSteps(context),
  ];
  // What refers to files is made first: they must be numbered before.
  const before: ResumeStep[] = [
    ...(invocation.newPid === true ? [] : [newProcess(state)]),
    blockSignals(),
    ...liftSteps(context),
    ...fileNumberSteps(context),
    ...vdso.park,
    call('munmap', [0n, stub.start], 'unmap what was there'),
    call('munmap', [stub.end, SPACE.taskSize - stub.end], 'unmap what was there'),
    ...vdso.place,
    ...rootSteps(context),
    ...objects,
    ...sealSteps(context, 'before mapping'),
  ];
  return {
    plan: {
      kind: 'resume',
      arch: 'x86_64',
      program: invocation.program,
      comm: first.comm,
      stub: stub.start,
      room: stub.end - stub.start,
      files: context.materials.files,
      vdso: vdso.address,
      report: invocation.report === true,
      steps: [...before, ...steps],
      threads: [
        { tid: first.tid, steps: [], frame: leader.frame },
        ...threads.map(({ tid, steps: own, frame }) => ({ tid, steps: own, frame })),
      ],
    },
    lost: [...state.lost, ...lostCredentials(context)],
  };
}

function newProcess({ ids }: ProcessState): ResumeStep {
  return { op: 'new process', pid: ids.pid, what: `get the number ${ids.pid}` };
}

/** Tells with a byte that nothing of the original's memory is needed any more. */
function afterReading({ invocation: { afterReading: file }, materials }: ResumeContext): ResumeStep[] {
  if (file === undefined) return [];
  const what = 'tell that memory has been read';
  const descriptor = { kept: `file ${materials.file(file)}` };
  return [
    call('write', [descriptor, { bytes: Buffer.from('r') }, 1n], what),
    call('close', [descriptor], what),
  ];
}

function contextFor(image: ProgramImage, invocation: ResumeInvocation, host: ResumeHost): ResumeContext {
  const { state, objects } = image.process ?? refuse();
  const segments = [...image.segments].sort((one, other) => (one.address < other.address ? -1 : 1));
  const pieces = piecesOf(state, segments, invocation);
  const contents = [...[...pieces.values()].flat(), ...objects.flat()].map(({ content }) =>
    asSegment(content),
  );
  return {
    state,
    objects,
    invocation,
    host,
    materials: new Materials(contents),
    pieces,
    paths: new Paths(),
    above: numberAbove(state.descriptors),
  };
}

function refuse(): never {
  throw new Error('an image of a program that begins');
}

function piecesOf(
  { mappings }: ProcessState,
  segments: readonly Segment[],
  invocation: ResumeInvocation,
): Map<Mapping, Piece[]> {
  const held = mappings.filter((mapping) => holdsBytes(mapping, { invocation }));
  return new Map(held.map((mapping) => [mapping, piecesIn(segments, mapping.start, mapping.end)]));
}
