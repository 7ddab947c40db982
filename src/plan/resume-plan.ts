/**
 * The plan of a process that goes on instead of beginning: nearly all of it is system calls, one after the other, so the stub
 * holds them as a table and walks it (src/emit/resume.ts). Pure data, as plan.ts.
 */
import type { PlanFile } from './plan.ts';

export interface ResumePlan {
  readonly kind: 'resume';
  readonly arch: 'x86_64';
  /** For messages: the checkpoint as the user named it. */
  readonly program: string;
  /** The kernel's short name for the process, at most 15 bytes. */
  readonly comm: Uint8Array;
  /** Where the stub stands; from there on `room` bytes are nobody else's, before and after. */
  readonly stub: bigint;
  readonly room: bigint;
  readonly files: readonly PlanFile[];
  /** Where the vDSO is when all steps are done: the last instructions go behind its image. Undefined: there is none. */
  readonly vdso: bigint | undefined;
  /** What is not as it was is said on standard error (`say`). */
  readonly report: boolean;
  /** Of the first thread; `threads` once, after which all are there. The stub has left its file before the first of them. */
  readonly steps: readonly ResumeStep[];
  /** The first is the one that does `steps`. */
  readonly threads: readonly ThreadPlan[];
}

export interface ThreadPlan {
  /** The number it had, and gets again where that is allowed (clone3, set_tid). Not used of the first thread. */
  readonly tid: number;
  /** What it does before `threads` is over; empty for the first thread. */
  readonly steps: readonly ResumeStep[];
  /** What rt_sigreturn takes: `bytes` are put at `at`, in memory of the program's, and the stack pointer is `sp` then. */
  readonly frame: { readonly at: bigint; readonly bytes: Uint8Array; readonly sp: bigint };
}

/** An argument of a system call, or a place in memory. */
export type Value =
  | bigint
  /** The address of these bytes in the stub, `plus` bytes on; the same array is stored once, and is writable. */
  | { readonly bytes: Uint8Array; readonly plus?: number }
  /** The address of these 64-bit words in the stub; what is kept by then is put in when the step is carried out. */
  | { readonly words: readonly Value[] }
  /** The number that a file of the plan has. */
  | { readonly file: number }
  /** What an earlier step has kept, plus some. `vdso` is where the kernel has put the stub's own vDSO. */
  | { readonly kept: string; readonly plus?: bigint };

export type ResumeStep =
  /** A system call by its name in the kernel's table. */
  | {
      readonly op: 'call';
      readonly call: ResumeCall;
      readonly args: readonly Value[];
      /** For messages and `run-foreign plan`: `cannot ${what}`, e.g. `map libc.so.6`. */
      readonly what: string;
      /** An error ends the start (`stop`), is nothing (`ignore`), or is told where the plan reports (`say`). */
      readonly onError: 'stop' | 'ignore' | 'say';
      /** Also an error: any other result than this. */
      readonly expect?: Value;
      /** Keeps the result for later steps, of all threads. */
      readonly keep?: string;
      /** The call may do less than asked: (fd, address, size, offset) or (to, from, pointer to offset, size); it is made again for the rest. */
      readonly repeat?: 'pread' | 'sendfile';
      /** How many of the next steps are left out if this succeeds, or fails. */
      readonly skipOnSuccess?: number;
      readonly skipOnError?: number;
    }
  /** Stores the low `size` bytes of a value in memory. */
  | { readonly op: 'store'; readonly value: Value; readonly to: Value; readonly size: 4 | 8 }
  /** Keeps what is at a place in memory. */
  | { readonly op: 'load'; readonly from: Value; readonly size: 4; readonly keep: string }
  /** Stores them only where memory has `if` now. */
  | {
      readonly op: 'replace';
      readonly value: Value;
      readonly to: Value;
      readonly if: bigint;
      readonly size: 4 | 8;
    }
  /**
   * Goes on as a new process that has this number, while the old one waits for its end, hands signals on to it and ends as it
   * does. Where that is not allowed, or the number is taken, the old process goes on itself.
   */
  | { readonly op: 'new process'; readonly pid: number; readonly what: string }
  /** timer_create(2) until the timer has this number; `event` is a struct sigevent. */
  | {
      readonly op: 'timer';
      readonly clock: number;
      readonly event: Value;
      readonly id: number;
      readonly what: string;
    }
  /** Starts all other threads, and goes on when each has done its steps. They wait until the first one goes. */
  | { readonly op: 'threads' };

/** Names of system calls with their numbers: arch/x86/entry/syscalls/syscall_64.tbl. */
export const RESUME_CALLS = {
  read: 0,
  write: 1,
  open: 2,
  close: 3,
  lseek: 8,
  mmap: 9,
  mprotect: 10,
  munmap: 11,
  rt_sigaction: 13,
  rt_sigprocmask: 14,
  ioctl: 16,
  pread64: 17,
  pwrite64: 18,
  pipe: 22,
  mremap: 25,
  madvise: 28,
  setitimer: 38,
  getpid: 39,
  sendfile: 40,
  fcntl: 72,
  flock: 73,
  ftruncate: 77,
  chdir: 80,
  fchmod: 91,
  umask: 95,
  rt_sigqueueinfo: 129,
  personality: 135,
  setpriority: 141,
  sched_setscheduler: 144,
  mlock: 149,
  prctl: 157,
  arch_prctl: 158,
  chroot: 161,
  setgroups: 116,
  setresuid: 117,
  setresgid: 119,
  setfsuid: 122,
  setfsgid: 123,
  capset: 126,
  gettid: 186,
  sched_setaffinity: 203,
  set_tid_address: 218,
  timer_settime: 223,
  epoll_ctl: 233,
  openat: 257,
  set_robust_list: 273,
  timerfd_settime: 286,
  fallocate: 285,
  signalfd4: 289,
  eventfd2: 290,
  epoll_create1: 291,
  dup3: 292,
  pipe2: 293,
  rt_tgsigqueueinfo: 297,
  prlimit64: 302,
  timerfd_create: 283,
  seccomp: 317,
  memfd_create: 319,
  mlock2: 325,
  rseq: 334,
  unlinkat: 263,
  close_range: 436,
  mseal: 462,
} as const;

export type ResumeCall = keyof typeof RESUME_CALLS;
