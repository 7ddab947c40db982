/**
 * A live process, frozen, as a checkpoint holds it. Nothing of it is changed: its threads are stopped with ptrace(2), what the
 * kernel tells nobody else its threads are made to ask for (remote-calls.ts), and then it goes on.
 */
import { ForeignError } from '../errors.ts';
import type { ProcessState } from '../image/process-state.ts';
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
  { skip, complete }: CaptureOptions,
): { state: ProcessState; runs: readonly MemoryRun[] } {
  const { pid, tids } = threads;
  if (!is64Bit(pid)) throw refusal(pid, 'is a 32-bit process, which checkpoints do not know');
  const findings = new Findings(skip);
  const files = new ProcessFiles(pid);
  const entries = readMaps(pid);
  const vdso = entries.find(({ path }) => Buffer.from(path).toString() === '[vdso]');
  for (const tid of tids) {
    if (vdso !== undefined) leaveRange(pid, tid, vdso.start, vdso.end, () => threads.stopAgain(tid));
    abortSequence(tid, memory);
  }
  const { descriptors, openFiles, locks, nameless } = captureDescriptors(pid, files, objects, findings, true);
  const { mappings, runs } = captureMappings(entries, {
    pid,
    files,
    objects,
    findings,
    openFiles,
    nameless,
    complete,
    contents: true,
    read: (address, into) => memory.read(address, into),
  });
  findOutside(pid, findings);
  findings.check(pid);
  const image = vdsoState(mappings, memory);
  const place = placeOf(entries, memory);
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
      vdso: image,
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

function placeOf(entries: readonly MapsEntry[], memory: ProcessMemory): RemotePlace {
  const vdso = entries.find(({ path }) => Buffer.from(path).toString() === '[vdso]');
  const stack = entries.find(({ path }) => Buffer.from(path).toString() === '[stack]');
  const code = vdso && roomBehindVdso(vdso.start, memory.bytes(vdso.start, Number(vdso.end - vdso.start)));
  return { code: code ?? 0n, stack };
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

function examineOnce(pid: number, { skip, complete }: CaptureOptions): Findings {
  const findings = new Findings(skip);
  const objects = new CapturedObjects();
  try {
    const files = new ProcessFiles(pid);
    if (!is64Bit(pid)) throw refusal(pid, 'is a 32-bit process, which checkpoints do not know');
    const { openFiles, nameless } = captureDescriptors(pid, files, objects, findings, false);
    captureMappings(readMaps(pid), {
      pid,
      files,
      objects,
      findings,
      openFiles,
      nameless,
      complete,
      contents: false,
      read: () => {},
    });
    findOutside(pid, findings);
  } finally {
    objects.close();
  }
  return findings;
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
