/** What each thread of a process has for itself, and the frame by which it goes on. */
import type { ThreadState } from '../../image/process-state.ts';
import { fittingXstate } from '../../process/cpu.ts';
import { restarted } from '../../process/restart.ts';
import { type SignalFrame, signalFrame } from '../../process/signal-frame.ts';
import type { ResumeStep, ThreadPlan, Value } from '../resume-plan.ts';
import type { ResumeContext } from './context.ts';
import { credentialSteps } from './credentials.ts';
import { nameStep } from './identity.ts';
import { ARCH_SET_FS, ARCH_SET_GS, PR } from './kernel.ts';
import type { Room } from './room.ts';
import { queueSteps } from './signals.ts';
import { call, u32s } from './steps.ts';

const SCHED_OTHER = 0;
const PRIO_PROCESS = 0;
const DEFAULT_SLACK = 50_000n;
/** SCHED_RESET_ON_FORK is a bit of the policy, sched(7). */
const NEEDS_PRIORITY: readonly number[] = [1, 2];

/** The number a thread has now. */
export const threadNumber = (tid: number): Value => ({ kept: `tid ${tid}` });

/** How far below the end of its mapping, or of the room that a stack has to grow, a frame must stay. */
const MARGIN = 256n;
const LARGEST_FRAME_GROWTH = 0x10_0000n;

/** For the first thread these come among the others; the rest do them themselves. */
export function threadSteps(context: ResumeContext, thread: ThreadState): ResumeStep[] {
  const { registers, clearChildTid, robustList, rseq } = thread;
  const number = threadNumber(thread.tid);
  const steps: ResumeStep[] = [
    call('gettid', [], 'get the number of a thread', { keep: `tid ${thread.tid}` }),
    call('set_tid_address', [clearChildTid], 'set the address of a thread’s number'),
  ];
  // glibc keeps a thread's number there, and the kernel writes it there for fork(2) and clone(2).
  if (isOwnWord(context, clearChildTid))
    steps.push({ op: 'replace', value: number, to: clearChildTid, if: BigInt(thread.tid), size: 4 });
  if (robustList !== undefined)
    steps.push(call('set_robust_list', [robustList.head, robustList.size], 'set the list of robust futexes'));
  if (rseq !== undefined) {
    const args = [rseq.address, rseq.size, rseq.flags, rseq.signature];
    steps.push(call('rseq', args, 'register restartable sequences'));
  }
  steps.push(call('arch_prctl', [ARCH_SET_FS, registers.fs_base], 'set the base of fs'));
  if (registers.gs_base !== 0n)
    steps.push(call('arch_prctl', [ARCH_SET_GS, registers.gs_base], 'set the base of gs'));
  steps.push(nameStep(thread.comm), ...scheduleSteps(context, thread));
  if (thread.timerSlackNs !== undefined && thread.timerSlackNs !== DEFAULT_SLACK)
    steps.push(call('prctl', [PR.SET_TIMERSLACK, thread.timerSlackNs, 0, 0, 0], 'set the timer slack'));
  return steps;
}

/** Whether four bytes can be looked at and changed: the kernel does not mind where the address leads. */
function isOwnWord({ state }: ResumeContext, address: bigint): boolean {
  return state.mappings.some(
    ({ start, end, protection }) =>
      protection.read && protection.write && start <= address && address + 4n <= end,
  );
}

/** A thread other than the first. */
export function otherThread(
  context: ResumeContext,
  thread: ThreadState,
  room: Room,
): ThreadPlan & { extra: ResumeStep[] } {
  const { frame, extra } = frameFor(context, thread, room);
  const steps = [
    ...threadSteps(context, thread),
    ...queueSteps(thread.pending, threadNumber(thread.tid)),
    ...credentialSteps(context),
  ];
  return { tid: thread.tid, steps, frame, extra };
}

function scheduleSteps({ host }: ResumeContext, { schedule }: ThreadState): ResumeStep[] {
  if (schedule === undefined) return [];
  const { policy, priority, nice, processors } = schedule;
  const steps: ResumeStep[] = [];
  if (processors.join() !== host.processors.join()) {
    const mask = processorMask(processors);
    const args = [0, mask.length, { bytes: mask }];
    steps.push(call('sched_setaffinity', args, 'set the processors of a thread', { onError: 'say' }));
  }
  if (nice !== host.nice)
    steps.push(call('setpriority', [PRIO_PROCESS, 0, nice], 'set the nice value', { onError: 'say' }));
  if (policy !== SCHED_OTHER) {
    const parameter = u32s(NEEDS_PRIORITY.includes(policy) ? priority : 0);
    const args = [0, policy, parameter];
    steps.push(call('sched_setscheduler', args, 'set the scheduling policy', { onError: 'say' }));
  }
  return steps;
}

/** CONFIG_NR_CPUS on x86-64 is at most this. */
const MOST_PROCESSORS = 8192;

/** cpu_set_t: whole words of 64 bits. */
function processorMask(all: readonly number[]): Uint8Array {
  const processors = all.filter((processor) => processor >= 0 && processor < MOST_PROCESSORS);
  const highest = Math.max(0, ...processors);
  const mask = new Uint8Array((Math.floor(highest / 64) + 1) * 8);
  for (const processor of processors) {
    const byte = processor >> 3;
    mask[byte] = (mask[byte] ?? 0) | (1 << (processor & 7));
  }
  return mask;
}

/**
 * Where the kernel would put a handler's frame: on the alternate stack, if the thread has one and is not on it, for nothing is
 * there then; else below its stack pointer. Where there is no room, on a page of its own, which `extra` maps and which stays.
 */
export function frameFor(
  context: ResumeContext,
  thread: ThreadState,
  room: Room,
): { frame: SignalFrame; extra: ResumeStep[] } {
  const xstate = fittingXstate(thread.xstate, context.host.cpu);
  const alternate = thread.alternateStack;
  const input = { ...thread, xstate, registers: restarted(thread.registers), alternateStack: alternate };
  const { rsp } = thread.registers;
  const isOn =
    alternate !== undefined && rsp > alternate.address && rsp <= alternate.address + alternate.size;
  if (alternate !== undefined && !isOn) {
    const frame = signalFrame(input, alternate.address + alternate.size);
    if (frame.at >= alternate.address && isWritable(context, frame)) return { frame, extra: [] };
  }
  const frame = signalFrame(input, rsp);
  const lowest = isOn ? alternate.address : 0n;
  if (frame.at >= lowest && frame.sp <= rsp && isWritable(context, frame)) return { frame, extra: [] };
  return onOwnPage(input, frame, room);
}

function onOwnPage(
  input: Parameters<typeof signalFrame>[0],
  { bytes }: SignalFrame,
  room: Room,
): { frame: SignalFrame; extra: ResumeStep[] } {
  const { start, end } = room.take(BigInt(bytes.length) + 2n * MARGIN);
  // PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE
  const args = [start, end - start, 3, 0x10_0022, -1n, 0];
  return {
    frame: signalFrame(input, end),
    extra: [call('mmap', args, 'map a page for a thread’s registers', { expect: start })],
  };
}

/** A stack that grows down has what is free below it, too. */
function isWritable({ state: { mappings } }: ResumeContext, { at, bytes }: SignalFrame): boolean {
  const end = at + BigInt(bytes.length);
  const index = mappings.findIndex((mapping) => mapping.start < end && end <= mapping.end);
  const mapping = mappings[index];
  if (mapping === undefined || !mapping.protection.write || mapping.shared) return false;
  if (at >= mapping.start) return true;
  const below = mappings[index - 1];
  const { backing, protection } = below ?? {};
  if (mapping.growsDown) return below === undefined || at - below.end > LARGEST_FRAME_GROWTH;
  return (
    below !== undefined &&
    below.end === mapping.start &&
    at >= below.start &&
    protection?.write === true &&
    !below.shared &&
    backing?.kind === 'anonymous'
  );
}
