/**
 * The threads of a process that goes on, checked: what rt_sigreturn would refuse, or make a privileged state of, is refused
 * before. It takes registers as they are but for those flags that only the kernel sets (arch/x86/kernel/signal_64.c).
 */
import { hex } from '../errors.ts';
import { REGISTER_NAMES, type Registers, type ThreadState } from './process-state.ts';
import { refuse } from './refusal.ts';

const MAX_THREADS = 1 << 16;
/** PID_MAX_LIMIT, include/linux/threads.h. */
const MAX_TID = 1 << 22;
const U64 = 1n << 64n;
const MAX_COMM = 15;

/** __USER_CS and __USER_DS, arch/x86/include/asm/segment.h. */
const USER_CS = 0x33n;
const USER_DS = 0x2bn;
const SELECTORS = ['ds', 'es', 'fs', 'gs'] as const;
/** CF, PF, AF, ZF, SF, TF, IF, DF, OF, NT, RF, AC, ID and the bit that is always set: what a program can have. */
const USER_FLAGS = 0x25_4fd7n;
/** Where one of them leads outside, the kernel says EPERM, or the processor faults. The stack pointer may be any number. */
const ADDRESSES = ['rip', 'fs_base', 'gs_base'] as const;

const FPREGS_SIZE = 512;
const XSTATE = {
  least: 576,
  most: 1 << 16,
  mxcsr: 24,
  xcr0: 464,
  xstate_bv: 512,
  xcomp_bv: 520,
  end: 576,
} as const;
/** x87 and SSE, which every x86-64 processor has. */
const LEGACY = 0b11n;
/** The low 16 bits, and MM, which AMD has. */
const MXCSR_BITS = 0x2_ffff;
const ROBUST_LIST_SIZE = 24n;
const RSEQ = { least: 20, most: 4096, align: 32n } as const;
const MAX_SIGINFO = 128;
const MAX_SIGNAL = 64;

/** Throws IMAGE_REFUSED. `pid` is the process's. */
export function validateThreads(threads: readonly ThreadState[], pid: number, limit: bigint): void {
  if (threads.length === 0 || threads.length > MAX_THREADS)
    refuse(`the process has ${threads.length} threads, and not 1 to ${MAX_THREADS}`);
  if (threads[0]?.tid !== pid) refuse(`its first thread is ${threads[0]?.tid}, and not ${pid}`);
  const known = new Set<number>();
  for (const thread of threads) {
    const { tid } = thread;
    if (tid <= 0 || tid > MAX_TID) refuse(`a thread has an impossible number: ${tid}`);
    if (known.has(tid)) refuse(`thread ${tid} is there twice`);
    known.add(tid);
    checkThread(thread, limit);
  }
}

function checkThread(thread: ThreadState, limit: bigint): void {
  const what = `thread ${thread.tid}`;
  checkRegisters(thread.registers, what, limit);
  checkFloatingPoint(thread, what);
  checkSignals(thread.pending, what);
  if (thread.comm.length > MAX_COMM || thread.comm.includes(0)) refuse(`${what} has an impossible name`);
  const { alternateStack, clearChildTid, robustList, rseq } = thread;
  const address = (value: bigint, field: string) => {
    if (value < 0n || value >= limit)
      refuse(`${what} has ${field} at ${hex(value)}, which is no user address`);
  };
  address(clearChildTid, 'its thread number (clear_child_tid)');
  if (alternateStack !== undefined) {
    address(alternateStack.address, 'its alternate stack');
    address(alternateStack.address + alternateStack.size, 'the end of its alternate stack');
  }
  if (robustList !== undefined) {
    address(robustList.head, 'its list of robust futexes');
    if (robustList.size !== ROBUST_LIST_SIZE)
      refuse(`${what} has a list of robust futexes of an impossible size: ${robustList.size}`);
  }
  if (rseq === undefined) return;
  address(rseq.address + BigInt(rseq.size), 'its area for restartable sequences');
  if (rseq.address % RSEQ.align !== 0n || rseq.size < RSEQ.least || rseq.size > RSEQ.most)
    refuse(
      `${what} has an impossible area for restartable sequences: ${rseq.size} bytes at ${hex(rseq.address)}`,
    );
}

function checkRegisters(registers: Registers, what: string, limit: bigint): void {
  for (const name of REGISTER_NAMES) {
    const value = registers[name];
    if (value < 0n || value >= U64) refuse(`${what} has no 64-bit number in ${name}`);
  }
  for (const name of ADDRESSES) {
    if (registers[name] >= limit)
      refuse(`${what} has ${hex(registers[name])} in ${name}, which is no user address`);
  }
  const { cs, ss, eflags } = registers;
  if (cs !== USER_CS || ss !== USER_DS)
    refuse(`${what} has cs ${hex(cs)} and ss ${hex(ss)}: only 64-bit code (0x33, 0x2b) can go on`);
  if ((eflags & ~USER_FLAGS) !== 0n) refuse(`${what} has privileged flags: eflags ${hex(eflags)}`);
  for (const name of SELECTORS) {
    if (registers[name] > 0xffffn)
      refuse(`${what} has ${hex(registers[name])} in ${name}, which has 16 bits`);
  }
}

function checkFloatingPoint({ fpregs, xstate }: ThreadState, what: string): void {
  if (fpregs.length !== FPREGS_SIZE) refuse(`${what} has ${fpregs.length} bytes of floating point registers`);
  const area = xstate ?? fpregs;
  if (xstate !== undefined && (xstate.length < XSTATE.least || xstate.length > XSTATE.most))
    refuse(`${what} has an XSAVE area of ${xstate.length} bytes`);
  const view = new DataView(area.buffer, area.byteOffset, area.byteLength);
  const mxcsr = view.getUint32(XSTATE.mxcsr, true);
  if ((mxcsr & ~MXCSR_BITS) !== 0) refuse(`${what} has reserved bits in MXCSR: ${hex(mxcsr)}`);
  if (xstate === undefined) return;
  const inUse = view.getBigUint64(XSTATE.xstate_bv, true);
  const enabled = view.getBigUint64(XSTATE.xcr0, true) | LEGACY;
  if ((inUse & ~enabled) !== 0n)
    refuse(
      `${what} uses state that its processor did not have: XSTATE_BV ${hex(inUse)}, XCR0 ${hex(enabled)}`,
    );
  // XCOMP_BV: the compacted form has another layout; the rest is reserved (Intel SDM volume 1, 13.4.2).
  if (xstate.subarray(XSTATE.xcomp_bv, XSTATE.end).some((byte) => byte !== 0))
    refuse(`${what} has an XSAVE area that is not in the standard form`);
}

/** siginfo_t: si_signo is the first of it. */
export function checkSignals(pending: readonly Uint8Array[], what: string): void {
  for (const info of pending) {
    if (info.length < 4 || info.length > MAX_SIGINFO) refuse(`${what} has a signal of ${info.length} bytes`);
    const signal = new DataView(info.buffer, info.byteOffset, info.byteLength).getInt32(0, true);
    if (signal < 1 || signal > MAX_SIGNAL) refuse(`${what} has an impossible signal waiting: ${signal}`);
  }
}
