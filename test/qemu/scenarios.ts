/** Kinds of machine that are tried out in a guest, and the programs that are looked at in each: pure data. */
import { type Confinement, confined, NO_NEW_PRIVS, NOBODY, USER_NAMESPACE } from '../support/confine.ts';
import type { Identity } from '../support/proc.ts';

/** Where the guest has what the host has below the repository's root. */
export const GUEST_ROOT = '/opt/run-foreign';
/** The guest's copy of test/programs/confine.c. */
export const CONFINE = '/opt/confine';
/** The serial port on which the guest writes an Observation a line. */
export const RESULTS = '/dev/ttyS1';
/** A variable in the guest's environment: set, only essential scenarios are gone through. */
export const ONLY_ESSENTIAL = 'ONLY_ESSENTIAL';

export interface GuestProgram {
  /** Below samples/. */
  readonly sample: string;
  readonly bits: 32 | 64;
  /** Whether the guest's kernel starts it, too. */
  readonly native: boolean;
}

const elf = (sample: string, bits: 32 | 64 = 64): GuestProgram => ({ sample, bits, native: true });

export const PROGRAMS = {
  static: elf('elf/x86_64/tally-static'),
  staticPie: elf('elf/x86_64/tally-static-pie'),
  dynamicPie: elf('elf/x86_64/tally-dynamic-pie'),
  dynamicNoPie: elf('elf/x86_64/tally-dynamic-nopie'),
  static32: elf('elf/i386/tally-static', 32),
  staticPie32: elf('elf/i386/tally-static-pie', 32),
  aout: { sample: 'aout/tally-qmagic', bits: 32, native: false },
} as const satisfies Record<string, GuestProgram>;

export type ProgramName = keyof typeof PROGRAMS;
const ALL = Object.keys(PROGRAMS) as ProgramName[];
const FEW: readonly ProgramName[] = ['dynamicPie', 'static32'];
const ONE: readonly ProgramName[] = ['dynamicPie'];

const confine = (confinement: Confinement) => confined(CONFINE, confinement);
/** Enough for Node, and far less than the calls by field span on their way. */
const DATA_LIMIT = 1 << 30;

export interface Scenario {
  /** A command that starts another one as it would be on this kind of machine. */
  readonly under: readonly string[];
  /** Settings below /proc/sys, put back afterwards. */
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly programs: readonly ProgramName[];
  /** What of a program's identity cannot be set there. */
  readonly missing?: 'the file' | 'all but the name';
  readonly why: string;
  /** Whether it is gone through on older kernels, too. */
  readonly essential?: boolean;
  /** Whether `run-foreign check` is asked, too. */
  readonly checked?: boolean;
  /** Whether strace writes down the calls by which the command sets the identity. */
  readonly traced?: boolean;
}

export const SCENARIOS = {
  root: {
    under: [],
    programs: [...FEW, 'aout'],
    why: 'PR_SET_MM_MAP sets everything; the file takes CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE',
  },
  'an unprivileged user': {
    under: NOBODY,
    programs: FEW,
    missing: 'the file',
    why: 'setting it takes CAP_SYS_ADMIN, CAP_CHECKPOINT_RESTORE or CAP_SYS_RESOURCE',
  },
  'an unprivileged user, in `unshare -Ur`': {
    under: [...NOBODY, ...USER_NAMESPACE],
    programs: ONE,
    why: 'CAP_SYS_ADMIN of the namespace counts for it',
  },
  'root under no_new_privs': {
    under: NO_NEW_PRIVS,
    programs: ONE,
    why: 'it takes away nothing that this needs',
  },
  'root, with vm.memfd_noexec=2': {
    under: [],
    sysctl: { 'vm/memfd_noexec': '2' },
    programs: FEW,
    why: 'the stub stands in a nameless file instead',
  },
  'root, where a seccomp filter denies prctl': {
    under: confine({ filter: 'deny-prctl' }),
    programs: FEW,
    missing: 'all but the name',
    why: 'only prctl sets them; the name is set through /proc/PID/comm',
  },
  'root with CAP_SYS_RESOURCE and neither CAP_SYS_ADMIN nor CAP_CHECKPOINT_RESTORE': {
    under: confine({ drop: ['SYS_ADMIN', 'CHECKPOINT_RESTORE'] }),
    programs: FEW,
    checked: true,
    why: 'PR_SET_MM_EXE_FILE asks for that one',
  },
  'root with none of these three': {
    under: confine({ drop: ['SYS_ADMIN', 'CHECKPOINT_RESTORE', 'SYS_RESOURCE'] }),
    programs: ONE,
    missing: 'the file',
    why: 'setting it takes one of them',
  },
  'root, on a kernel without PR_SET_MM_MAP': {
    under: confine({ filter: 'no-mm-map' }),
    programs: ALL,
    checked: true,
    why: 'CAP_SYS_RESOURCE sets the same field by field',
    essential: true,
  },
  'the same, without randomisation': {
    under: confine({ filter: 'no-mm-map' }),
    sysctl: { 'kernel/randomize_va_space': '0' },
    programs: ['dynamicPie', 'staticPie32'],
    why: 'every address is compared as it is',
    essential: true,
  },
  'the same, under a finite RLIMIT_DATA': {
    under: confine({ filter: 'no-mm-map', dataLimit: DATA_LIMIT }),
    programs: FEW,
    why: 'the limit is lifted for the calls and put back',
    traced: true,
  },
  'the same, without CAP_SYS_RESOURCE': {
    under: confine({ filter: 'no-mm-map', drop: ['SYS_RESOURCE'] }),
    programs: FEW,
    checked: true,
    missing: 'all but the name',
    why: 'setting them one by one takes CAP_SYS_RESOURCE',
  },
} as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;

/** A program as the guest saw it, started by the kernel or by the command. */
export interface Observation {
  readonly scenario: ScenarioName;
  readonly program: ProgramName;
  readonly by: 'execve' | 'run-foreign';
  readonly identity: Identity;
  /** The "Max data size" line of /proc/PID/limits. */
  readonly dataLimit: string;
  /** What it wrote after it had been given input, and how it ended. */
  readonly stdout: string;
  readonly status: number | string;
  readonly stderr: string;
  /** System calls as strace writes them, of a traced scenario. */
  readonly calls: readonly string[];
}

/** What `run-foreign check --json` said, by the ids of its checks. */
export interface Checked {
  readonly scenario: ScenarioName;
  readonly ok: boolean;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly found: string }>>;
}

/** What the guest writes: an observation, or why there is none. */
export type Message =
  | { readonly checked: Checked }
  | { readonly observation: Observation }
  | { readonly failure: string }
  | { readonly done: true; readonly release: string };
