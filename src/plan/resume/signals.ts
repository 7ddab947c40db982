/** Signals: what is done with them, and those that wait. All are blocked until each thread has its own mask from its frame. */
import type { ResumeStep, Value } from '../resume-plan.ts';
import type { ResumeContext } from './context.ts';
import { NONE, SIG_SETMASK, SIGSET_SIZE } from './kernel.ts';
import { call, u64s } from './steps.ts';

const SIGKILL = 9;
const SIGSTOP = 19;
const LAST = 64;
const SIGINFO_SIZE = 128;

export function blockSignals(): ResumeStep {
  return call('rt_sigprocmask', [SIG_SETMASK, u64s(NONE), 0, SIGSET_SIZE], 'block all signals');
}

/** Every action is set: whoever starts us may have told the kernel to ignore some. */
export function actionSteps({ state }: ResumeContext): ResumeStep[] {
  const byDefault = u64s(0n, 0n, 0n, 0n);
  const steps: ResumeStep[] = [];
  for (let signal = 1; signal <= LAST; signal++) {
    if (signal === SIGKILL || signal === SIGSTOP) continue;
    const action = state.signalActions.find((each) => each.signal === signal);
    // struct kernel_sigaction: sa_handler, sa_flags, sa_restorer, sa_mask.
    const value = action ? u64s(action.handler, action.flags, action.restorer, action.mask) : byDefault;
    const args = [signal, value, 0, SIGSET_SIZE];
    steps.push(call('rt_sigaction', args, `set the action of signal ${signal}`));
  }
  return steps;
}

/** Those for one thread, which only it may queue. `PID` is kept by then. */
export function queueSteps(pending: readonly Uint8Array[], thread: Value): ResumeStep[] {
  return pending.map((info) =>
    call('rt_tgsigqueueinfo', [PID, thread, signalOf(info), { bytes: whole(info) }], 'let a signal wait'),
  );
}

export const PID: Value = { kept: 'pid' };

/** Those for the process, which its first thread queues. */
export function pendingSteps({ state }: ResumeContext): ResumeStep[] {
  return state.pending.map((info) =>
    call('rt_sigqueueinfo', [PID, signalOf(info), { bytes: whole(info) }], 'let a signal wait'),
  );
}

/** si_signo. */
const signalOf = (info: Uint8Array): number =>
  new DataView(info.buffer, info.byteOffset, info.byteLength).getInt32(0, true);

function whole(info: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(SIGINFO_SIZE);
  bytes.set(info.subarray(0, SIGINFO_SIZE));
  return bytes;
}
