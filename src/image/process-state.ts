/**
 * What a process is beside the bytes of its memory: what a checkpoint holds and a restore sets up again. Pure data.
 * src/checkpoint/ makes one of a live process, loaders/core/ of a file, and src/plan/ the steps that bring it back.
 * Like an image it is not trusted when it comes from a file: validate-state.ts checks it.
 *
 * Numbers are the kernel's (x86-64), names those of its headers and of proc(5). Paths are bytes as the process sees
 * them. Structures of the kernel's that nobody has to look into are kept as its bytes.
 */
import type { MmFieldName } from './mm-field-names.ts';

/** What a process is beside its memory: all that is needed to go on with it. */
export interface ProcessState {
  readonly ids: ProcessIds;
  /** /proc/PID/comm of the first thread, without the newline. */
  readonly comm: Uint8Array;
  readonly exe: FileReference;
  /** Undefined, as the umask, where that is not known: then whoever restores it gives it his own. */
  readonly cwd?: Uint8Array | undefined;
  readonly root: Uint8Array;
  readonly umask?: number | undefined;
  /** personality(2). */
  readonly personality: number;
  /** The fields of struct prctl_mm_map; where the auxv was copied from, which is one of them, the kernel does not keep. */
  readonly mm: Readonly<Record<Exclude<MmFieldName, 'auxv'>, bigint>>;
  /** The saved auxv as /proc/PID/auxv has it, AT_NULL included. */
  readonly auxv: Uint8Array;
  /** From low to high, all of them: also [vvar], [vdso]; without [vsyscall]. */
  readonly mappings: readonly Mapping[];
  /** Undefined where the process has none, or where that is not known. */
  readonly vdso?: VdsoState | undefined;
  /** Those that are not SIG_DFL with nothing else set. */
  readonly signalActions: readonly SignalAction[];
  /** Signals pending for the process as a whole, oldest first: siginfo_t, 128 bytes each. */
  readonly pending: readonly Uint8Array[];
  readonly intervalTimers: readonly IntervalTimer[];
  /** timer_create(2), by ascending id. */
  readonly posixTimers: readonly PosixTimer[];
  /** All that getrlimit(2) knows, by RLIMIT_ number. */
  readonly limits: readonly ResourceLimit[];
  /** Undefined where that is not known: then whoever restores it gives it his own. */
  readonly credentials?: Credentials | undefined;
  readonly attributes: ProcessAttributes;
  /** The first is the thread group's leader. */
  readonly threads: readonly ThreadState[];
  /** By ascending number. Undefined where that is not known (cores of others): then it inherits what its parent has. */
  readonly descriptors?: readonly Descriptor[] | undefined;
  /** What the descriptors are open on: open file descriptions, by index. */
  readonly openFiles: readonly OpenFile[];
  /** POSIX, OFD and flock locks. */
  readonly locks: readonly FileLock[];
  /** What the process has run on. */
  readonly machine: MachineState;
  /** What a restore will lack, each a sentence for people: `the descriptors (a core file does not hold them)`. */
  readonly lost: readonly string[];
}

/** The numbers it had: its own, its parent's, its process group's and its session's. */
export interface ProcessIds {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
}

/** A file by name, and what it must still be. */
export interface FileReference {
  readonly path: Uint8Array;
  /** Undefined where it is not known (cores of others). */
  readonly size?: bigint | undefined;
  readonly mtimeNs?: bigint | undefined;
  /** NT_GNU_BUILD_ID, where the file has one. */
  readonly buildId?: Uint8Array | undefined;
}

/** A line of /proc/PID/maps, with what smaps says of it. `end` is exclusive, both are multiples of a page. */
export interface Mapping {
  readonly start: bigint;
  readonly end: bigint;
  readonly protection: { readonly read: boolean; readonly write: boolean; readonly execute: boolean };
  readonly shared: boolean;
  readonly growsDown: boolean;
  readonly backing: MappingBacking;
  /** What madvise(2), mlock(2) and mmap(2) have set: the two-letter words of VmFlags in proc_pid_smaps(5) that can be set again. */
  readonly flags: readonly VmFlag[];
  /** PR_SET_VMA_ANON_NAME. */
  readonly name?: Uint8Array | undefined;
}

/** dontdump, dontfork, wipeonfork, (no)hugepage, mergeable, locked, lock-on-fault, random, sequential, norereserve, sealed. */
export const VM_FLAGS = ['dd', 'dc', 'wf', 'hg', 'nh', 'mg', 'lo', 'lf', 'rr', 'sr', 'nr', 'sl'] as const;

/** One of them. */
export type VmFlag = (typeof VM_FLAGS)[number];

/** Where the bytes of a mapping come from. */
export type MappingBacking =
  /** Memory of its own. What no segment of the image covers is zero. */
  | { readonly kind: 'anonymous' }
  /** A file's pages, from `offset` (bytes) on. What a segment of the image covers has been written to since, or was put in whole. */
  | { readonly kind: 'file'; readonly file: FileReference; readonly offset: bigint }
  /** Shared memory that has no name, or has lost it: memfd, MAP_SHARED | MAP_ANONYMOUS, deleted files. An index into `openFiles`. */
  | { readonly kind: 'object'; readonly openFile: number; readonly offset: bigint }
  | { readonly kind: 'vdso' | 'vvar' | 'vvar_vclock' };

/** The vDSO that the process had, whose functions it may be inside of. */
export interface VdsoState {
  /** Where [vdso] begins. */
  readonly address: bigint;
  /** Bytes of the whole mapping. */
  readonly image: Uint8Array;
  readonly buildId?: Uint8Array | undefined;
}

/** struct kernel_sigaction of one signal. */
export interface SignalAction {
  readonly signal: number;
  /** SIG_DFL (0), SIG_IGN (1) or an address. */
  readonly handler: bigint;
  /** SA_ flags, SA_RESTORER included. */
  readonly flags: bigint;
  readonly restorer: bigint;
  /** A bit for each signal, bit 0 for signal 1. */
  readonly mask: bigint;
}

/** setitimer(2): microseconds; `value` is what is left. Those that are not armed are left out. */
export interface IntervalTimer {
  readonly which: 0 | 1 | 2;
  readonly valueUs: bigint;
  readonly intervalUs: bigint;
}

/** A timer of timer_create(2). */
export interface PosixTimer {
  readonly id: number;
  readonly clock: number;
  /** SIGEV_: 0 SIGNAL, 1 NONE, 4 THREAD_ID (| SIGNAL). */
  readonly notify: number;
  /** The thread of SIGEV_THREAD_ID as it was known in the process. */
  readonly tid?: number | undefined;
  readonly signal: number;
  /** sigev_value. */
  readonly value: bigint;
  /** What is left, nanoseconds; 0 is not armed. */
  readonly valueNs: bigint;
  readonly intervalNs: bigint;
}

/** RLIM_INFINITY is 2^64 - 1. */
export interface ResourceLimit {
  readonly resource: number;
  readonly soft: bigint;
  readonly hard: bigint;
}

/** Real, effective, saved and file system ids, in this order. */
export interface Credentials {
  readonly uids: readonly [number, number, number, number];
  readonly gids: readonly [number, number, number, number];
  readonly groups: readonly number[];
  /** Masks by bit. */
  readonly capabilities: {
    readonly inheritable: bigint;
    readonly permitted: bigint;
    readonly effective: bigint;
    readonly bounding: bigint;
    readonly ambient: bigint;
  };
  readonly secureBits: number;
}

/** What prctl(2) and friends have set, where it is not as a new process has it. */
export interface ProcessAttributes {
  readonly dumpable: number;
  readonly noNewPrivileges: boolean;
  readonly childSubreaper: boolean;
  readonly parentDeathSignal: number;
  readonly thpDisabled: boolean;
  /** -20 … 19. */
  readonly nice: number;
  readonly oomScoreAdjust: number;
}

/** struct user_regs_struct of asm/user_64.h, as NT_PRSTATUS has it. */
export const REGISTER_NAMES = [
  'r15',
  'r14',
  'r13',
  'r12',
  'rbp',
  'rbx',
  'r11',
  'r10',
  'r9',
  'r8',
  'rax',
  'rcx',
  'rdx',
  'rsi',
  'rdi',
  'orig_rax',
  'rip',
  'cs',
  'eflags',
  'rsp',
  'ss',
  'fs_base',
  'gs_base',
  'ds',
  'es',
  'fs',
  'gs',
] as const;

/** One of them. */
export type RegisterName = (typeof REGISTER_NAMES)[number];

/** Unsigned 64-bit values, exactly as ptrace gives them: a system call may be interrupted (rax -512 … -516). */
export type Registers = Readonly<Record<RegisterName, bigint>>;

/** What a thread is beside the process that it belongs to. */
export interface ThreadState {
  readonly tid: number;
  readonly comm: Uint8Array;
  readonly registers: Registers;
  /** NT_X86_XSTATE, the standard (not compacted) form with XCR0 in its software bytes; undefined where there is only `fpregs`. */
  readonly xstate?: Uint8Array | undefined;
  /** NT_FPREGSET: struct user_i387_struct, 512 bytes. */
  readonly fpregs: Uint8Array;
  /** Blocked signals, bit 0 for signal 1. */
  readonly signalMask: bigint;
  /** Signals pending for this thread, oldest first: siginfo_t, 128 bytes each. */
  readonly pending: readonly Uint8Array[];
  /** sigaltstack(2); undefined where it is disabled. */
  readonly alternateStack?:
    | { readonly address: bigint; readonly size: bigint; readonly flags: number }
    | undefined;
  /** set_tid_address(2); 0 is none. */
  readonly clearChildTid: bigint;
  /** set_robust_list(2); undefined is none. */
  readonly robustList?: { readonly head: bigint; readonly size: bigint } | undefined;
  /** rseq(2); undefined is not registered. */
  readonly rseq?:
    | { readonly address: bigint; readonly size: number; readonly signature: number; readonly flags: number }
    | undefined;
  /** SCHED_ policy, its priority, and the processors by bit number; undefined where it is not known. */
  readonly schedule?:
    | {
        readonly policy: number;
        readonly priority: number;
        readonly nice: number;
        readonly processors: readonly number[];
      }
    | undefined;
  readonly timerSlackNs?: bigint | undefined;
}

/** A descriptor number, and the open file it leads to. */
export interface Descriptor {
  readonly number: number;
  readonly closeOnExec: boolean;
  /** An index into `openFiles`; duplicates of a descriptor (dup(2)) have the same. */
  readonly openFile: number;
}

/** An open file description. `flags` are those of open(2) as fdinfo shows them, without O_CLOEXEC. */
export type OpenFile = { readonly flags: number } & (
  | {
      readonly kind: 'file';
      readonly file: FileReference;
      /** Bytes from the start. */
      readonly position: bigint;
    }
  | { readonly kind: 'directory'; readonly path: Uint8Array; readonly position: bigint }
  /** /dev/null, zero, full, random, urandom, and a terminal when it is standard input, output or error. */
  | { readonly kind: 'device'; readonly path: Uint8Array; readonly terminal: boolean }
  /** A regular file without a name: its bytes are in `content`. `path` is where it was. */
  | {
      readonly kind: 'deleted file';
      readonly path: Uint8Array;
      readonly position: bigint;
      readonly mode: number;
      readonly content: StoredContent;
    }
  | {
      readonly kind: 'memfd';
      readonly name: Uint8Array;
      readonly position: bigint;
      readonly mode: number;
      readonly seals: number;
      readonly content: StoredContent;
    }
  /** The memory behind MAP_SHARED | MAP_ANONYMOUS, which no descriptor is open on. */
  | { readonly kind: 'shared memory'; readonly content: StoredContent }
  /** One end of a pipe both ends of which the process has; `pipe` numbers the pipes. `content` is set at one end at most. */
  | {
      readonly kind: 'pipe';
      readonly pipe: number;
      readonly end: 'read' | 'write';
      readonly capacity: number;
      readonly content?: StoredContent | undefined;
    }
  /** A pipe, socket or terminal that leads out of the process, and is inherited anew: only for descriptors 0 to 2. */
  | { readonly kind: 'standard stream'; readonly what: string }
  | { readonly kind: 'eventfd'; readonly count: bigint; readonly semaphore: boolean }
  | { readonly kind: 'signalfd'; readonly mask: bigint }
  | {
      readonly kind: 'timerfd';
      readonly clock: number;
      readonly setFlags: number;
      readonly ticks: bigint;
      readonly valueNs: bigint;
      readonly intervalNs: bigint;
    }
  | { readonly kind: 'epoll'; readonly watches: readonly EpollWatch[] }
  /** Something that --skip has left out: the number stays closed. */
  | { readonly kind: 'skipped'; readonly what: string }
);

/** What an epoll watches: epoll_ctl(2). */
export interface EpollWatch {
  /** The descriptor it was added by. */
  readonly descriptor: number;
  readonly events: number;
  readonly data: bigint;
}

/** Bytes that no file holds any more: the object of this number (from 0) in the image. */
export interface StoredContent {
  readonly object: number;
  /** Bytes of the whole file; what no extent covers is zero. */
  readonly size: bigint;
}

/** A lock that the process holds: fcntl(2), flock(2). Offsets are bytes. */
export interface FileLock {
  readonly kind: 'posix' | 'ofd' | 'flock';
  readonly write: boolean;
  /** By an open descriptor number. */
  readonly descriptor: number;
  readonly start: bigint;
  /** Exclusive; undefined is the end of the file. */
  readonly end?: bigint | undefined;
}

/** The machine that the process ran on. */
export interface MachineState {
  /** uname(2): for messages. */
  readonly release: string;
  /** `flags` of /proc/cpuinfo. */
  readonly cpuFlags: readonly string[];
}
