/**
 * The facts of test/programs/probe: how they are read, which of them may differ and how, and what each observable
 * is called in docs/fidelity.md.
 */
import { DIFFERENCES, type Difference } from '../../src/launch/differences.ts';

export interface Fact {
  readonly observable: string;
  readonly detail: string;
  readonly value: string;
}

/** The probe's output, with the numbers of sockets, pipes, deleted files and processes taken out. */
export function parseFacts(output: string): Fact[] {
  return output
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [observable = '', detail = '', value = ''] = line.split('\t');
      return { observable, detail, value: neutral(value) };
    });
}

function neutral(value: string): string {
  return value
    .replace(/^(pipe|socket):\[\d+\]$/, '$1:[N]')
    .replace(/unusual-\w{6} /, 'unusual-N ')
    .replace(/^(NSpgid|NSsid|PPid):(\\x09\d+)+/, '$1:N');
}

/** What is compared of each observable, for people; the probe prints no other. */
export const OBSERVABLES: Readonly<Record<string, string>> = {
  argv: 'argc, every argument, the NULL behind them',
  environ: 'every string, in its order, assignments or not',
  '/proc/self/cmdline': 'all bytes',
  '/proc/self/environ': 'all bytes',
  '/proc/self/exe': 'the link, and ETXTBSY for who opens the file for writing',
  '/proc/self/cwd': 'the link',
  '/proc/self/root': 'the link',
  '/proc/self/comm': 'the name',
  '/proc/self/status':
    'every line but process numbers, memory in use and counters: sizes of memory, credentials, signals, capabilities, NoNewPrivs, Seccomp, affinity, memory policy, FDSize, Threads',
  '/proc/self/limits': 'every line',
  '/proc/self/personality': 'the flags',
  '/proc/self/oom_score_adj': 'the number',
  '/proc/self/timerslack_ns': 'the number',
  '/proc/self/cgroup': 'every line',
  '/proc/self/coredump_filter': 'the number',
  '/proc/self/loginuid': 'the number',
  '/proc/self/sessionid': 'the number',
  '/proc/self/uid_map': 'every line',
  '/proc/self/gid_map': 'every line',
  '/proc/self/setgroups': 'the word',
  '/proc/self/timers': 'no POSIX timers',
  '/proc/self': 'who owns its files (a process that is not dumpable belongs to root)',
  namespaces: 'all links of /proc/self/ns',
  'mm fields':
    'fields 26 to 28 and 45 to 51 of /proc/self/stat, by what they point into and how far from the stack’s end',
  stat: 'flags, usage of children, priority, nice, threads, exit signal, policy, exit code',
  auxv: 'every entry in its order, on the stack, in /proc/self/auxv and from PR_GET_AUXV; AT_EXECFN as a string',
  AT_RANDOM: 'new in every run',
  maps: 'every mapping: permissions, size, file and offset, [heap], [stack] with its size; none more, none less',
  vdso: 'the mappings of [vdso] and its data',
  smaps: 'the flags of every mapping, private pages of the vDSO',
  brk: 'where it begins, growth, zeros, shrinking, refusals',
  'stack growth': 'up to RLIMIT_STACK, also when that is raised at run time',
  descriptors: 'every open descriptor: what it is, close-on-exec, status flags, offset, locks',
  'signal actions': 'all 64: default or ignored, flags, mask',
  signals: 'mask, what is pending with its siginfo, alternate stack',
  prctl:
    'dumpable, keepcaps, seccomp, securebits, timer slack, MCE policy, no_new_privs, THP, I/O flusher, MDWE, merging, parent-death signal, TSC, subreaper, ambient capabilities',
  process:
    'umask, directory, nice, I/O priority, scheduler, affinity, parent, group, session, interval timers, usage of children, CPU time, peak memory, no child',
  terminal: 'the controlling terminal, foreground group, modes, control characters',
  threads: 'robust list, rseq, tid address, fs and gs base, CPUID faulting, XSAVE permissions',
  registers: 'mxcsr and the x87 control word (all others: see the entry test)',
};

/** The row of the table a fact belongs to. */
export const observableOf = ({ observable }: Fact): string =>
  observable.startsWith('/proc/self/ns/') ? 'namespaces' : observable;

interface Exception {
  readonly matches: (fact: Fact) => boolean;
  /** What our value must be, given execve's. */
  readonly ours: (native: string) => string;
  readonly difference: Difference;
}

const flag = (text: string, bit: bigint) => `0x${(BigInt(text) | bit).toString(16)}`;

/** The differences that are known; anything else fails the test. */
export const EXCEPTIONS: readonly Exception[] = [
  {
    matches: ({ detail }) => detail === 'private pages of the vDSO',
    ours: () => '1',
    difference: DIFFERENCES.vdso,
  },
  {
    matches: ({ observable, detail }) => observable === 'stat' && detail === 'flags',
    // PF_SUPERPRIV, include/linux/sched.h
    ours: (native) => flag(native, 0x100n),
    difference: DIFFERENCES.superPriv,
  },
];

/** The same for a process that may not set /proc/PID/exe: that stays the memfd, and no capability is used. */
const UNPRIVILEGED: readonly Exception[] = [
  ...EXCEPTIONS.filter(({ difference }) => difference !== DIFFERENCES.superPriv),
  {
    matches: ({ observable, detail }) => observable === '/proc/self/exe' && detail === '',
    ours: (native) => `/memfd:${native.slice(native.lastIndexOf('/') + 1).slice(0, 15)} (deleted)`,
    difference: { what: '/proc/PID/exe stays the memfd', why: 'setting it takes a capability' },
  },
];

/** What run-foreign should show where execve shows `facts`. */
export function expectedFacts(facts: readonly Fact[], maySetExe = true): Fact[] {
  const exceptions = maySetExe ? EXCEPTIONS : UNPRIVILEGED;
  return facts.map((fact) => {
    const exception = exceptions.find(({ matches }) => matches(fact));
    return exception === undefined ? fact : { ...fact, value: exception.ours(fact.value) };
  });
}

/**
 * Under randomisation the kernel sometimes finds room for the vDSO above a program that is aligned to huge pages,
 * and sometimes below it. identity.debian.test.ts compares the neighbours, and everything without randomisation.
 */
export function vdsoApart(facts: readonly Fact[]): Fact[] {
  const isVdso = ({ observable, detail }: Fact) =>
    observable === 'vdso' || (observable === 'smaps' && detail !== 'flags');
  return [...facts.filter((fact) => !isVdso(fact)), ...facts.filter(isVdso)];
}
