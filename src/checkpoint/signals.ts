/** Signal actions and timers of a process: only it can ask for them. */
import { readFileSync } from 'node:fs';
import type { IntervalTimer, PosixTimer, SignalAction } from '../image/process-state.ts';
import { statusField } from '../native/proc.ts';
import type { ProcessMemory } from '../native/process-memory.ts';
import type { RemoteCalls } from './remote-calls.ts';

const NR = { rt_sigaction: 13, getitimer: 36, timer_gettime: 224 } as const;
/** A default action that says something: SA_NOCLDWAIT. */
const SIGCHLD = 17;
/** struct kernel_sigaction: handler, flags, restorer, mask. */
const ACTION_SIZE = 32;
const SIGNAL_SET_SIZE = 8;

/** Those that are not as a new process has them. /proc says which signals have a handler or are ignored. */
export function signalActions(pid: number, remote: RemoteCalls, memory: ProcessMemory): SignalAction[] {
  const status = `/proc/${pid}/status`;
  const set = ['SigCgt', 'SigIgn'].reduce(
    (all, name) => all | BigInt(`0x${statusField(name, status) ?? '0'}`),
    0n,
  );
  const asked = Array.from({ length: 64 }, (_, bit) => bit + 1).filter(
    (signal) => signal === SIGCHLD || ((set >> BigInt(signal - 1)) & 1n) === 1n,
  );
  return asked.flatMap((signal) => {
    remote.ask('rt_sigaction', NR.rt_sigaction, signal, 0, remote.result, SIGNAL_SET_SIZE);
    const bytes = memory.bytes(remote.result, ACTION_SIZE);
    if (bytes.every((byte) => byte === 0)) return [];
    const [handler = 0n, flags = 0n, restorer = 0n, mask = 0n] = [0, 8, 16, 24].map((at) =>
      bytes.readBigUInt64LE(at),
    );
    return [{ signal, handler, flags, restorer, mask }];
  });
}

const MICROSECONDS = 1_000_000n;
const NANOSECONDS = 1_000_000_000n;

/** A struct itimerval or itimerspec: interval first, then what is left, in seconds and parts. */
function timerValue(bytes: Buffer, parts: bigint): { interval: bigint; value: bigint } {
  const [a = 0n, b = 0n, c = 0n, d = 0n] = [0, 8, 16, 24].map((at) => bytes.readBigInt64LE(at));
  return { interval: a * parts + b, value: c * parts + d };
}

export function intervalTimers(remote: RemoteCalls, memory: ProcessMemory): IntervalTimer[] {
  return ([0, 1, 2] as const).flatMap((which) => {
    remote.ask('getitimer', NR.getitimer, which, remote.result);
    const { interval, value } = timerValue(memory.bytes(remote.result, 32), MICROSECONDS);
    return value === 0n ? [] : [{ which, valueUs: value, intervalUs: interval }];
  });
}

const TIMER = /ID: (\d+)\nsignal: (\d+)\/([0-9a-f]+)\nnotify: (\w+)\/(\w+)\.(\d+)\nClockID: (-?\d+)/g;
const SIGEV = { signal: 0, none: 1, thread: 2 } as const;
const SIGEV_THREAD_ID = 4;

/** /proc/PID/timers says which there are (proc_pid_timers(5)). */
export function posixTimers(pid: number, remote: RemoteCalls, memory: ProcessMemory): PosixTimer[] {
  const text = readFileSync(`/proc/${pid}/timers`, 'latin1');
  return [...text.matchAll(TIMER)]
    .map((match): PosixTimer => {
      const [, id, signal, value, notify = 'signal', kind, tid, clock] = match;
      remote.ask('timer_gettime', NR.timer_gettime, Number(id), remote.result);
      const left = timerValue(memory.bytes(remote.result, 32), NANOSECONDS);
      const thread = kind === 'tid';
      return {
        id: Number(id),
        clock: Number(clock),
        notify: SIGEV[notify as keyof typeof SIGEV] | (thread ? SIGEV_THREAD_ID : 0),
        ...(thread && { tid: Number(tid) }),
        signal: Number(signal),
        value: BigInt(`0x${value}`),
        valueNs: left.value,
        intervalNs: left.interval,
      };
    })
    .sort((left, right) => left.id - right.id);
}
