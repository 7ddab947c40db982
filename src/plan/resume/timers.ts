/** Timers of the process: made with their numbers, and armed at the very end. */
import type { ResumeStep, Value } from '../resume-plan.ts';
import type { ResumeContext } from './context.ts';
import { call, u64s } from './steps.ts';
import { threadNumber } from './threads.ts';

const NS = 1_000_000_000n;
const US = 1_000_000n;
/** struct sigevent is 64 bytes. */
const SIGEVENT_WORDS = 8;
const SIGEV_THREAD_ID = 4;

/** timer_create(2), by ascending number. */
export function timerSteps({ state }: ResumeContext): ResumeStep[] {
  return state.posixTimers.map((timer) => ({
    op: 'timer',
    clock: timer.clock,
    event: sigevent(timer, state.threads),
    id: timer.id,
    what: `make timer ${timer.id}`,
  }));
}

/** Whose thread is gone gets the first one: it would reach nobody. */
function sigevent(
  { value, signal, notify, tid }: ResumeContext['state']['posixTimers'][number],
  threads: ResumeContext['state']['threads'],
): Value {
  const words: Value[] = [value, BigInt(signal >>> 0) | (BigInt(notify) << 32n)];
  if ((notify & SIGEV_THREAD_ID) !== 0) {
    const known = threads.find((thread) => thread.tid === tid) ?? threads[0];
    words.push(known === undefined ? 0n : threadNumber(known.tid));
  }
  while (words.length < SIGEVENT_WORDS) words.push(0n);
  return { words };
}

export function armSteps({ state }: ResumeContext): ResumeStep[] {
  const posix = state.posixTimers
    .filter(({ valueNs }) => valueNs > 0n)
    .map(({ id, valueNs, intervalNs }) => {
      const spec = u64s(intervalNs / NS, intervalNs % NS, valueNs / NS, valueNs % NS);
      return call('timer_settime', [id, 0, spec, 0], `set timer ${id}`);
    });
  const interval = state.intervalTimers.map(({ which, valueUs, intervalUs }) => {
    const spec = u64s(intervalUs / US, intervalUs % US, valueUs / US, valueUs % US);
    return call('setitimer', [which, spec, 0], `set the interval timer ${which}`);
  });
  return [...posix, ...interval];
}
