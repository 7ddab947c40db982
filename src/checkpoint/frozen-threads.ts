/**
 * All threads of a process, stopped. They are seized and not attached to, so no signal is sent, and if this process dies
 * the kernel lets them go as they are.
 */
import { readdirSync } from 'node:fs';
import { ForeignError } from '../errors.ts';
import { SystemError } from '../native/libc.ts';
import { statusField } from '../native/proc.ts';
import { detach, interrupt, PTRACE_O, resume, type Stop, seize, waitFor } from '../native/ptrace.ts';

/** A thread stops at once, unless it waits for a device or a child of vfork. */
const STOP_TIMEOUT_MS = 3000;
/** New threads may be started until all are stopped; each round finds those of the last. */
const MAX_ROUNDS = 100;

export class FrozenThreads {
  readonly pid: number;
  /** The leader first, then by number. */
  readonly tids: readonly number[];

  private constructor(pid: number, tids: readonly number[]) {
    this.pid = pid;
    this.tids = tids;
  }

  /** Throws ForeignError where the process may not be stopped, is somebody else's to trace, or ends meanwhile. */
  static freeze(pid: number): FrozenThreads {
    const seized = new Set<number>();
    try {
      const options = PTRACE_O.TRACESYSGOOD | (filtered(pid) ? PTRACE_O.SUSPEND_SECCOMP : 0);
      for (let round = 0; ; round++) {
        if (round > MAX_ROUNDS) throw refusal(pid, 'starts threads faster than they can be stopped');
        const fresh = threadsOf(pid).filter((tid) => !seized.has(tid));
        if (fresh.length === 0) break;
        const mine = fresh.filter((tid) => seizeIfThere(pid, tid, options));
        for (const tid of mine) seized.add(tid);
        for (const tid of mine) interrupt(tid);
        for (const tid of mine) if (!stopped(pid, tid)) seized.delete(tid);
      }
      if (!seized.has(pid)) throw gone(pid);
      return new FrozenThreads(
        pid,
        [...seized]
          .sort((left, right) => left - right)
          .sort((left, right) => Number(right === pid) - Number(left === pid)),
      );
    } catch (cause) {
      for (const tid of seized) letGo(tid);
      throw cause;
    }
  }

  /** Waits until a thread that was let go stops again. Throws PROCESS_NOT_FOUND where it has ended. */
  stopAgain(tid: number): void {
    interrupt(tid);
    if (!stopped(this.pid, tid)) throw gone(this.pid);
  }

  /** Lets all go on. Those that have ended meanwhile need nothing. */
  thaw(): void {
    for (const tid of this.tids) letGo(tid);
  }
}

function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    throw gone(pid);
  }
}

const filtered = (pid: number): boolean => Number(statusField('Seccomp', `/proc/${pid}/status`) ?? 0) !== 0;

function seizeIfThere(pid: number, tid: number, options: number): boolean {
  try {
    seize(tid, options);
    return true;
  } catch (cause) {
    if (!(cause instanceof SystemError)) throw cause;
    if (cause.errno === 'ESRCH') return false;
    throw seizeRefusal(pid, tid, cause);
  }
}

function seizeRefusal(pid: number, tid: number, cause: SystemError): ForeignError {
  const status = `/proc/${pid}/task/${tid}/status`;
  const tracer = Number(statusField('TracerPid', status) ?? 0);
  if (tracer !== 0) {
    const name = statusField('Name', `/proc/${tracer}/status`) ?? 'a program';
    return refusal(pid, `is already traced by ${name} (PID ${tracer})`, 'end the tracer first');
  }
  if (statusField('State', status)?.startsWith('Z')) return gone(pid);
  const hint =
    'ptrace needs the same user and a dumpable process, or root; see /proc/sys/kernel/yama/ptrace_scope';
  return refusal(
    pid,
    `may not be traced (${cause.errno})`,
    filtered(pid) ? `it has a seccomp filter, which takes CAP_SYS_ADMIN; ${hint}` : hint,
  );
}

/** Whether the thread has stopped; else it has ended. */
function stopped(pid: number, tid: number): boolean {
  for (;;) {
    const stop = waitFor(tid, STOP_TIMEOUT_MS);
    if (stop === undefined) {
      throw refusal(pid, `does not stop: thread ${tid} waits in the kernel and cannot be interrupted`);
    }
    if (stop.kind === 'ended') return false;
    if (stop.kind === 'interrupted') return true;
    // It is delivered as if nobody watched; the stop we have asked for comes after it.
    resume(tid, signalOf(stop));
  }
}

const signalOf = (stop: Stop): number => (stop.kind === 'signal' ? stop.signal : 0);

function letGo(tid: number): void {
  try {
    detach(tid);
  } catch (cause) {
    if (!(cause instanceof SystemError && cause.errno === 'ESRCH')) throw cause;
  }
}

export function refusal(pid: number, why: string, hint?: string): ForeignError {
  return new ForeignError('PROCESS_REFUSED', why, {
    subject: `process ${pid}`,
    ...(hint !== undefined && { hint }),
  });
}

export function gone(pid: number): ForeignError {
  return new ForeignError('PROCESS_NOT_FOUND', 'is not there, or has ended', { subject: `process ${pid}` });
}
