/**
 * ptrace(2), seized: each function is one request, named after it. All calls for a thread must come from the thread that has
 * seized it, so none of them is asynchronous.
 */
import { ERRNO } from '../errno.ts';
import { declare, koffi } from './koffi.ts';
import { SystemError } from './libc.ts';

/** include/uapi/linux/ptrace.h */
const REQUEST = {
  CONT: 7,
  DETACH: 17,
  SYSCALL: 24,
  GETREGSET: 0x4204,
  SETREGSET: 0x4205,
  SEIZE: 0x4206,
  INTERRUPT: 0x4207,
  PEEKSIGINFO: 0x4209,
  GETSIGMASK: 0x420a,
  SETSIGMASK: 0x420b,
  GET_RSEQ_CONFIGURATION: 0x420f,
} as const;

export const PTRACE_O = { TRACESYSGOOD: 1, SUSPEND_SECCOMP: 1 << 21 } as const;

/** include/uapi/linux/elf.h: what GETREGSET takes. */
export const NT = { PRSTATUS: 1, FPREGSET: 2, X86_XSTATE: 0x202 } as const;

const SIGNAL_SET_SIZE = 8;
const SIGINFO_SIZE = 128;
const PTRACE_PEEKSIGINFO_SHARED = 1;
const MAX_XSTATE = 16384;

const withWords = declare('long ptrace(long request, long tid, uintptr_t address, uintptr_t data)');
const withBuffer = declare('long ptrace(long request, long tid, uintptr_t address, void *data)');
const wait4 = declare('int wait4(int tid, void *status, int options, void *usage)');

function words(name: keyof typeof REQUEST, tid: number, address: number, data: number): number {
  const result = Number(withWords(REQUEST[name], tid, address, data));
  if (result < 0) throw new SystemError(`PTRACE_${name}`, koffi().errno());
  return result;
}

function buffer(name: keyof typeof REQUEST, tid: number, address: number, data: Uint8Array): number {
  const result = Number(withBuffer(REQUEST[name], tid, address, data));
  if (result < 0) throw new SystemError(`PTRACE_${name}`, koffi().errno());
  return result;
}

/** The thread is ours from now on, and runs on. */
export function seize(tid: number, options: number): void {
  words('SEIZE', tid, 0, options);
}

/** Asks the thread to stop; `waitFor` says when it has. */
export function interrupt(tid: number): void {
  words('INTERRUPT', tid, 0, 0);
}

/** Lets a stopped thread go, with the signal it was stopped for. */
export function detach(tid: number, signal = 0): void {
  words('DETACH', tid, 0, signal);
}

export function resume(tid: number, signal = 0): void {
  words('CONT', tid, 0, signal);
}

/** Lets it run to the beginning, or the end, of a system call. */
export function resumeToSystemCall(tid: number): void {
  words('SYSCALL', tid, 0, 0);
}

function vector(bytes: Uint8Array): Buffer {
  const iovec = Buffer.alloc(16);
  iovec.writeBigUInt64LE(koffi().address(bytes), 0);
  iovec.writeBigUInt64LE(BigInt(bytes.length), 8);
  return iovec;
}

/** A set of registers as core files have them. Throws ENODEV where the processor has none of these. */
export function registerSet(tid: number, type: number): Uint8Array {
  const bytes = Buffer.alloc(type === NT.X86_XSTATE ? MAX_XSTATE : 512);
  const iovec = vector(bytes);
  buffer('GETREGSET', tid, type, iovec);
  return Uint8Array.from(bytes.subarray(0, Number(iovec.readBigUInt64LE(8))));
}

/** The XSAVE state; undefined where the processor knows no XSAVE. */
export function xsaveState(tid: number): Uint8Array | undefined {
  try {
    return registerSet(tid, NT.X86_XSTATE);
  } catch (cause) {
    if (cause instanceof SystemError && cause.errno === 'ENODEV') return undefined;
    throw cause;
  }
}

export function setRegisterSet(tid: number, type: number, bytes: Uint8Array): void {
  buffer('SETREGSET', tid, type, vector(bytes));
}

/** Blocked signals, bit 0 for signal 1. */
export function signalMask(tid: number): bigint {
  const mask = Buffer.alloc(SIGNAL_SET_SIZE);
  buffer('GETSIGMASK', tid, SIGNAL_SET_SIZE, mask);
  return mask.readBigUInt64LE();
}

export function setSignalMask(tid: number, mask: bigint): void {
  const bytes = Buffer.alloc(SIGNAL_SET_SIZE);
  bytes.writeBigUInt64LE(mask);
  buffer('SETSIGMASK', tid, SIGNAL_SET_SIZE, bytes);
}

/** siginfo_t of the signals that are pending, for the thread or for all of its process. */
export function pendingSignals(tid: number, shared: boolean): Uint8Array[] {
  const ROOM = 32;
  const found: Uint8Array[] = [];
  const bytes = Buffer.alloc(ROOM * SIGINFO_SIZE);
  for (;;) {
    const args = Buffer.alloc(16);
    args.writeBigUInt64LE(BigInt(found.length), 0);
    args.writeUInt32LE(shared ? PTRACE_PEEKSIGINFO_SHARED : 0, 8);
    args.writeInt32LE(ROOM, 12);
    const result = Number(peekSignals(REQUEST.PEEKSIGINFO, tid, args, bytes));
    if (result < 0) throw new SystemError('PTRACE_PEEKSIGINFO', koffi().errno());
    for (let index = 0; index < result; index++) {
      found.push(Uint8Array.from(bytes.subarray(index * SIGINFO_SIZE, (index + 1) * SIGINFO_SIZE)));
    }
    if (result < ROOM) return found;
  }
}

const peekSignals = declare('long ptrace(long request, long tid, void *args, void *data)');

/** rseq(2); undefined where the thread has registered none, or the kernel is before 5.13. */
export function rseqConfiguration(
  tid: number,
): { address: bigint; size: number; signature: number; flags: number } | undefined {
  const bytes = Buffer.alloc(24);
  if (Number(withBuffer(REQUEST.GET_RSEQ_CONFIGURATION, tid, bytes.length, bytes)) < 0) return undefined;
  const address = bytes.readBigUInt64LE(0);
  if (address === 0n) return undefined;
  return {
    address,
    size: bytes.readUInt32LE(8),
    signature: bytes.readUInt32LE(12),
    flags: bytes.readUInt32LE(16),
  };
}

const WNOHANG = 1;
const WALL = 0x4000_0000;
const PTRACE_EVENT_STOP = 128;
const SIGTRAP = 5;
const SYSCALL_BIT = 0x80;

export type Stop =
  /** By `interrupt`, or because its process is stopped (SIGSTOP and the like). */
  | { readonly kind: 'interrupted'; readonly groupStop: boolean }
  /** At the beginning or the end of a system call. */
  | { readonly kind: 'system call' }
  /** A signal is about to be delivered. */
  | { readonly kind: 'signal'; readonly signal: number }
  | { readonly kind: 'ended' };

/** Waits until a seized thread stops or ends; undefined when it has not after so many milliseconds. */
export function waitFor(tid: number, milliseconds: number): Stop | undefined {
  const status = Buffer.alloc(4);
  const until = performance.now() + milliseconds;
  for (let tries = 0; ; tries++) {
    const result = wait4(tid, status, WALL | WNOHANG, null) as number;
    if (result === tid) return stopOf(status.readInt32LE());
    if (result < 0 && koffi().errno() === ERRNO.ECHILD) return { kind: 'ended' };
    if (result < 0 && koffi().errno() !== ERRNO.EINTR) throw new SystemError('wait4', koffi().errno());
    if (performance.now() > until) return undefined;
    if (tries > YIELDS) pause();
    else if (tries > SPINS) schedYield();
  }
}

/** A thread stops within microseconds unless it is deep in the kernel, or waits for a processor, which may be ours. */
const SPINS = 100;
const YIELDS = 2000;
const PAUSE_MS = 0.2;
const schedYield = declare('int sched_yield()');
const nobody = new Int32Array(new SharedArrayBuffer(4));

function pause(): void {
  Atomics.wait(nobody, 0, 0, PAUSE_MS);
}

function stopOf(status: number): Stop {
  if ((status & 0xff) !== 0x7f) return { kind: 'ended' };
  const signal = (status >> 8) & 0xff;
  if (status >> 16 === PTRACE_EVENT_STOP) return { kind: 'interrupted', groupStop: signal !== SIGTRAP };
  if (signal === (SIGTRAP | SYSCALL_BIT)) return { kind: 'system call' };
  return { kind: 'signal', signal };
}
