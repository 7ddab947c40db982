/**
 * A live process, frozen, as a checkpoint holds it. Nothing of it is changed: its threads are stopped with ptrace(2), what the
 * kernel tells nobody else its threads are made to ask for (remote-calls.ts), and then it goes on.
 */
import { ForeignError } from '../errors.ts';
import type { ProcessState, VdsoState } from '../image/process-state.ts';
import { parseRegisters } from '../image/registers.ts';
import { SystemError } from '../native/libc.ts';
import { resourceLimits, statusField } from '../native/proc.ts';
import { ProcessMemory } from '../native/process-memory.ts';
import { NT, pendingSignals, registerSet } from '../native/ptrace.ts';
import { captureDescriptors } from './descriptors.ts';
import { ProcessFiles } from './file-reference.ts';
import { Findings, type Skippable } from './findings.ts';
import { FrozenThreads, gone, refusal } from './frozen-threads.ts';
import { captureMappings, type MemoryRun } from './mappings.ts';
import { type MapsEntry, readMaps } from './maps.ts';
import { type CapturedObject, CapturedObjects } from './objects.ts';
import { attributes, credentials, identity, machine, mmFields, vdsoState } from './process-facts.ts';
import { leaveRange, type RemotePlace, roomBehindVdso, withRemoteCalls } from './remote-calls.ts';
import { findOutside, is64Bit, refuseTarget } from './scope.ts';
import { intervalTimers, posixTimers, signalActions } from './signals.ts';
import { abortSequence, captureThread } from './thread-state.ts';

export interface CaptureOptions {
  /** What may be left out. */
  readonly skip: ReadonlySet<Skippable>;
  /** Whether clean pages of files are stored, too. */
  readonly complete: boolean;
}

/** A process that stands still. */
export interface Frozen {
  readonly state: ProcessState;
  readonly runs: readonly MemoryRun[];
  /** By the number that StoredContent has. */
  readonly objects: readonly CapturedObject[];
  /** Fills all of `into`. */
  read(address: bigint, into: Uint8Array): void;
  /** A file where its memory can be read at offsets that are addresses. */
  readonly memoryPath: string;
  /**
   * Lets it go on, or stay stopped as by SIGSTOP, or ends it. Must be called once; if this process dies before, the other runs on.
   * Returns for how long it has stood still, milliseconds.
   */
  thaw(then: 'run' | 'stop' | 'kill'): number;
}

/**
 * Stops a process and finds out what it is. Throws PROCESS_NOT_FOUND, and PROCESS_REFUSED where it may not be traced or has what a
 * checkpoint cannot hold; then it has gone on already. All calls must come from the thread that has made this one.
 */
export function freeze(pid: number, options: CaptureOptions): Frozen {
  // Before it is stopped, so that what cannot be is said without touching it; and our own code has run once.
  examine(pid, options).check(pid);
  const began = performance.now();
  const threads = FrozenThreads.freeze(pid);
  const objects = new CapturedObjects();
  let memory: ProcessMemory | undefined;
  const release = () => {
    objects.close();
    memory?.close();
    threads.thaw();
    return performance.now() - began;
  };
  try {
    memory = new ProcessMemory(pid);
    const held = memory;
    const { state, runs } = captureState(threads, memory, objects, options);
    return {
      state,
      runs,
      objects: objects.list,
      read: (address, into) => held.read(address, into),
      memoryPath: `/proc/${pid}/mem`,
      thaw(then) {
        if (then === 'stop') process.kill(pid, 'SIGSTOP');
        if (then === 'kill') process.kill(pid, 'SIGKILL');
        return release();
      },
    };
  } catch (cause) {
    release();
    throw whyNot(pid, cause);
  }
}

function captureState(
  threads: FrozenThreads,
  memory: ProcessMemory,
  objects: CapturedObjects,
  options: CaptureOptions,
): { state: ProcessState; runs: readonly MemoryRun[] } {
  const { pid, tids } = threads;
  const files = new ProcessFiles(pid);
  const entries = settledMaps(threads);
  for (const tid of tids) abortSequence(tid, memory);
  const { findings, descriptors, openFiles, locks, mappings, runs } = outline(
    pid,
    entries,
    files,
    objects,
    options,
    (address, into) => memory.read(address, into),
  );
  findings.check(pid);
  const vdso = vdsoState(mappings, memory);
  const place = placeOf(pid, entries, vdso);
  const own = identity(pid, files);
  const threadStates = tids.slice(1).map((tid) => {
    const registers = parseRegisters(registerSet(tid, NT.PRSTATUS));
    return withRemoteCalls(pid, tid, memory, place, (remote) =>
      captureThread(pid, tid, registers, memory, remote),
    );
  });
  const leader = parseRegisters(registerSet(pid, NT.PRSTATUS));
  const state = withRemoteCalls(pid, pid, memory, place, (remote): ProcessState => {
    return {
      ...own,
      mm: mmFields(pid, remote),
      mappings,
      vdso,
      signalActions: signalActions(pid, remote, memory),
      pending: pendingSignals(pid, true),
      intervalTimers: intervalTimers(remote, memory),
      posixTimers: posixTimers(pid, remote, memory),
      limits: resourceLimits(`/proc/${pid}/limits`),
      credentials: credentials(pid, remote),
      attributes: attributes(pid, remote, memory),
      threads: [captureThread(pid, pid, leader, memory, remote), ...threadStates],
      descriptors,
      openFiles,
      locks,
      machine: machine(),
      lost: findings.skipped.map(({ object, what }) => `${object} (${what})`),
    };
  });
  return { state, runs };
}

/** What is mapped when no thread is in the vDSO any more: who has to run on to leave it may map something. */
function settledMaps(threads: FrozenThreads): readonly MapsEntry[] {
  const { pid, tids } = threads;
  const entries = readMaps(pid);
  const vdso = entries.find(({ path }) => Buffer.from(path).toString() === '[vdso]');
  if (vdso === undefined) return entries;
  const ran = tids.filter((tid) => leaveRange(pid, tid, vdso, () => threads.stopAgain(tid)));
  return ran.length === 0 ? entries : readMaps(pid);
}

/** Throws PROCESS_REFUSED where there is no vDSO, or no room behind its image. */
function placeOf(pid: number, entries: readonly MapsEntry[], vdso: VdsoState | undefined): RemotePlace {
  const code = vdso && roomBehindVdso(vdso.address, vdso.image);
  if (vdso === undefined || code === undefined) {
    throw refusal(
      pid,
      'has no vDSO, or none with room behind it, from where it could be asked what only it may know',
    );
  }
  const stack = entries.find(({ path }) => Buffer.from(path).toString() === '[stack]');
  return { code, stack };
}

/** What it has open and mapped, and what of that cannot be stored. Bytes are only taken with `read`. */
function outline(
  pid: number,
  entries: readonly MapsEntry[],
  files: ProcessFiles,
  objects: CapturedObjects,
  { skip, complete }: CaptureOptions,
  read?: (address: bigint, into: Uint8Array) => void,
) {
  if (!is64Bit(pid)) throw refusal(pid, 'is a 32-bit process, which checkpoints do not know');
  const findings = new Findings(skip);
  const open = captureDescriptors(pid, files, objects, findings, read !== undefined);
  const { openFiles, nameless } = open;
  const context = { pid, files, objects, findings, openFiles, nameless, complete, read };
  const memory = captureMappings(entries, context);
  findOutside(pid, findings);
  return { ...open, ...memory, findings };
}

/** It may become another program while it is looked at: then again, from the beginning. */
const TRIES = 10;

/** What of a process a checkpoint cannot hold, without touching it. Throws PROCESS_NOT_FOUND and PROCESS_REFUSED. */
export function examine(pid: number, options: CaptureOptions): Findings {
  for (let tries = 1; ; tries++) {
    refuseTarget(pid);
    try {
      return examineOnce(pid, options);
    } catch (cause) {
      if (tries === TRIES || !isVanished(cause)) throw whyNot(pid, cause);
    }
  }
}

function examineOnce(pid: number, options: CaptureOptions): Findings {
  const objects = new CapturedObjects();
  try {
    return outline(pid, readMaps(pid), new ProcessFiles(pid), objects, options).findings;
  } finally {
    objects.close();
  }
}

const codeOf = (cause: unknown): string | undefined =>
  cause instanceof SystemError ? cause.errno : (cause as NodeJS.ErrnoException).code;

const isVanished = (cause: unknown): boolean => ['ENOENT', 'ESRCH', 'EIO'].includes(codeOf(cause) ?? '');

/** What is a message for people stays as it is. */
function whyNot(pid: number, cause: unknown): unknown {
  if (cause instanceof ForeignError) return cause;
  const code = codeOf(cause);
  if (code === 'EACCES' || code === 'EPERM')
    return refusal(pid, `may not be looked into (${code})`, 'that takes the same user, or root');
  if (!isVanished(cause)) return cause;
  return statusField('State', `/proc/${pid}/status`) === undefined
    ? gone(pid)
    : refusal(pid, `ends, or becomes another program, while it is looked at (${code})`, 'try again');
}
