/**
 * The host trusts no loader: a process that goes on passes here before it is planned. What no process can have is refused,
 * so that the kernel meets nothing that a process of its own could not have asked of it. Memory and threads have files of
 * their own beside this one.
 */
import { hex } from '../errors.ts';
import type { ProgramImage, ResumedProcess } from './image.ts';
import type { Descriptor, OpenFile, ProcessState } from './process-state.ts';
import { refuse } from './refusal.ts';
import { checkFile, checkPath, validateMemory } from './validate-memory.ts';
import { checkSignals, validateThreads } from './validate-threads.ts';

const U64 = 1n << 64n;
const MAX_SIGNAL = 64;
const SIGKILL = 9;
const SIGSTOP = 19;
const MAX_COMM = 15;
/** More than a kernel saves: 448 bytes on Linux 6.18. */
const MAX_AUXV = 4096;
const AUXV_ENTRY = 16;
/** fs.nr_open, unless somebody has raised it. */
const MAX_DESCRIPTOR = 1 << 20;
const MAX_FILES = 1 << 20;
const MAX_TIMERS = 1 << 16;
const STANDARD_STREAMS = 3;
const MAX_POSITION = 1n << 63n;
/** As a name with `memfd:` before it, NAME_MAX. */
const MAX_MEMFD_NAME = 249;
/** To setresuid(2) this is "leave it as it is". */
const NO_ID = 2 ** 32 - 1;
const LIMITS = 16;
/** Starts and ends of struct prctl_mm_map that belong together. */
const MM_RANGES = [
  ['start_code', 'end_code'],
  ['start_data', 'end_data'],
  ['start_brk', 'brk'],
  ['arg_start', 'arg_end'],
  ['env_start', 'env_end'],
] as const;

/** Throws IMAGE_REFUSED; `limit` is the first address a process cannot have. */
export function validateProcess(image: ProgramImage, process: ResumedProcess, limit: bigint): void {
  const { state } = process;
  if (image.arch !== 'x86_64' || image.placement.kind !== 'fixed' || image.interpreter !== undefined)
    refuse('a process that goes on is one of x86-64, stays where it was, and has no interpreter');
  checkIdentity(state, limit);
  validateThreads(state.threads, state.ids.pid, limit);
  validateMemory(image, process, limit);
  checkSignals(state.pending, 'the process');
  checkActions(state, limit);
  checkTimers(state);
  checkDescriptors(state);
  state.openFiles.forEach((file, index) => {
    checkOpenFile(file, index, state);
  });
  checkRights(state);
}

function checkIdentity({ comm, exe, cwd, root, mm, auxv, vdso, ids }: ProcessState, limit: bigint): void {
  if (ids.pid <= 0) refuse(`the process has the impossible number ${ids.pid}`);
  if (comm.length > MAX_COMM || comm.includes(0)) refuse('the process has an impossible name');
  // Where nobody knows it.
  if (exe.path.length > 0) checkFile('the exe file', exe);
  if (cwd !== undefined) checkPath('the working directory', cwd);
  checkPath('the root directory', root);
  for (const [start, end] of MM_RANGES) {
    if (mm[start] < 0n || mm[start] > mm[end] || mm[end] > limit)
      refuse(`${start} to ${end} is no range of user addresses: ${hex(mm[start])} to ${hex(mm[end])}`);
  }
  if (mm.start_stack < 0n || mm.start_stack > limit)
    refuse(`start_stack is no user address: ${hex(mm.start_stack)}`);
  const last = auxv.subarray(-AUXV_ENTRY);
  if (auxv.length === 0 || auxv.length > MAX_AUXV || auxv.length % AUXV_ENTRY !== 0 || last.some(Boolean))
    refuse(`the auxv has ${auxv.length} bytes and must be pairs of words that end with AT_NULL`);
  if (vdso !== undefined && vdso.address >= limit) refuse('the vDSO is at no user address');
}

function checkActions({ signalActions }: ProcessState, limit: bigint): void {
  const known = new Set<number>();
  for (const { signal, handler, restorer, mask, flags } of signalActions) {
    if (signal < 1 || signal > MAX_SIGNAL || signal === SIGKILL || signal === SIGSTOP)
      refuse(`signal ${signal} has an action, which it cannot have`);
    if (known.has(signal)) refuse(`signal ${signal} has two actions`);
    known.add(signal);
    if (handler < 0n || handler >= limit || restorer < 0n || restorer >= limit)
      refuse(`signal ${signal} has a handler at no user address: ${hex(handler)}, ${hex(restorer)}`);
    if (!isU64(mask) || !isU64(flags)) refuse(`signal ${signal} has an impossible mask or flags`);
  }
}

function checkTimers({ posixTimers, intervalTimers }: ProcessState): void {
  if (posixTimers.length > MAX_TIMERS) refuse(`the process has ${posixTimers.length} timers`);
  let before = -1;
  for (const { id, signal, valueNs, intervalNs } of posixTimers) {
    if (id <= before) refuse(`timer ${id} is not behind timer ${before}`);
    before = id;
    if (signal < 0 || signal > MAX_SIGNAL) refuse(`timer ${id} sends the impossible signal ${signal}`);
    checkTime(`timer ${id}`, valueNs, intervalNs);
  }
  const known = new Set<number>();
  for (const { which, valueUs, intervalUs } of intervalTimers) {
    if (known.has(which)) refuse(`interval timer ${which} is there twice`);
    known.add(which);
    checkTime(`interval timer ${which}`, valueUs, intervalUs);
  }
}

function checkTime(what: string, value: bigint, interval: bigint): void {
  for (const time of [value, interval])
    if (time < 0n || time >= MAX_POSITION) refuse(`${what} has an impossible time: ${time}`);
}

function checkDescriptors({ descriptors = [], openFiles, locks }: ProcessState): void {
  if (descriptors.length > MAX_DESCRIPTOR || openFiles.length > MAX_FILES)
    refuse(`the process has ${descriptors.length} descriptors and ${openFiles.length} open files`);
  const numbers = new Set<number>();
  let before = -1;
  for (const { number, openFile } of descriptors) {
    if (number <= before || number >= MAX_DESCRIPTOR)
      refuse(`descriptor ${number} is not behind descriptor ${before}, or above all there can be`);
    before = number;
    numbers.add(number);
    if (openFiles[openFile] === undefined)
      refuse(`descriptor ${number} belongs to file ${openFile} of ${openFiles.length}`);
  }
  for (const { descriptor, start, end } of locks) {
    if (!numbers.has(descriptor)) refuse(`a lock belongs to descriptor ${descriptor}, which is not open`);
    if (start < 0n || start >= MAX_POSITION || (end !== undefined && (end <= start || end > MAX_POSITION)))
      refuse(`a lock of descriptor ${descriptor} is on no range: ${start} to ${end}`);
  }
}

function checkOpenFile(file: OpenFile, index: number, { descriptors = [], openFiles }: ProcessState): void {
  const what = `file ${index}, a ${file.kind},`;
  if ('position' in file && (file.position < 0n || file.position >= MAX_POSITION))
    refuse(`${what} has an impossible position: ${file.position}`);
  switch (file.kind) {
    case 'file':
      checkFile(what, file.file);
      return;
    case 'directory':
    case 'device':
    case 'deleted file':
      checkPath(what, file.path);
      return;
    case 'memfd':
      if (file.name.length > MAX_MEMFD_NAME || file.name.includes(0))
        refuse(`${what} has an impossible name`);
      return;
    case 'standard stream':
      if (!isStandard(file.what, descriptors, openFiles))
        refuse(`${what} is ${file.what}, which is none of descriptors 0 to 2`);
      return;
    case 'timerfd':
      checkTime(what, file.valueNs, file.intervalNs);
      return;
  }
}

/** What leads out of the process is inherited anew: it must be what one of the first three is open on. */
function isStandard(
  what: string,
  descriptors: readonly Descriptor[],
  openFiles: readonly OpenFile[],
): boolean {
  return descriptors.some(({ number, openFile }) => {
    const file = openFiles[openFile];
    return number < STANDARD_STREAMS && file?.kind === 'standard stream' && file.what === what;
  });
}

function checkRights({ limits, credentials }: ProcessState): void {
  const known = new Set<number>();
  for (const { resource, soft, hard } of limits) {
    if (resource < 0 || resource >= LIMITS || known.has(resource))
      refuse(`limit ${resource} does not exist, or is there twice`);
    known.add(resource);
    if (soft < 0n || soft > hard || !isU64(hard))
      refuse(`limit ${resource} is impossible: ${soft} of ${hard}`);
  }
  if (credentials === undefined) return;
  const ids = [...credentials.uids, ...credentials.gids, ...credentials.groups];
  if (credentials.uids.length !== 4 || credentials.gids.length !== 4 || ids.includes(NO_ID))
    refuse(`the process has an impossible user or group: ${ids.join(' ')}`);
  if (!Object.values(credentials.capabilities).every(isU64))
    refuse('the process has impossible capabilities');
}

const isU64 = (value: bigint): boolean => value >= 0n && value < U64;
