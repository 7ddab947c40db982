/**
 * The host trusts no checkpoint either: what would end in the middle of a restore, when nothing can be taken back, is refused
 * before. Whether files are there, and the machine has what is needed, others ask.
 */
import { ForeignError, hex } from '../errors.ts';
import type { ProgramImage, Segment } from './image.ts';
import type { Mapping, OpenFile, ProcessState, Registers, ThreadState } from './process-state.ts';

const PAGE_SIZE = 4096n;
/** vm.max_map_count of Documentation/admin-guide/sysctl/vm.rst at its highest that is in use. */
const MAX_MAPPINGS = 1 << 20;
const MAX_THREADS = 1 << 15;
/** fs.nr_open. */
const MAX_DESCRIPTOR = 1 << 20;
/** Selectors of 64-bit user code and its data (arch/x86/include/asm/segment.h). */
const USER_CS = 0x33n;
const USER_SS = 0x2bn;
/** Of eflags, what rt_sigreturn takes, and those that are always as they are (X86_EFLAGS_IF and bit 1). */
const USER_EFLAGS = 0x25_4fd7n | 0x202n;
const XSTATE = { min: 576, max: 65536, align: 8, xcomp_bv: 520 } as const;

/** Throws IMAGE_REFUSED; `limit` is the first address a program cannot have. */
export function validateProcess({ process, segments }: ProgramImage, limit: bigint): void {
  if (process === undefined) return;
  const { state, objects } = process;
  if (state.mappings.length === 0 || state.mappings.length > MAX_MAPPINGS) {
    refuse(`it has ${state.mappings.length} mappings`);
  }
  checkMappings(state, limit);
  checkSegments(segments, state.mappings);
  if (state.threads.length === 0 || state.threads.length > MAX_THREADS) {
    refuse(`it has ${state.threads.length} threads`);
  }
  for (const thread of state.threads) checkThread(thread, limit);
  const tids = new Set(state.threads.map(({ tid }) => tid));
  if (tids.size !== state.threads.length) refuse('two of its threads have the same number');
  checkFields(state, limit);
  checkDescriptors(state, objects.length);
}

function checkMappings({ mappings, openFiles }: ProcessState, limit: bigint): void {
  let end = 0n;
  for (const mapping of mappings) {
    const what = `the mapping at ${hex(mapping.start)}`;
    if (mapping.start % PAGE_SIZE !== 0n || mapping.end % PAGE_SIZE !== 0n)
      refuse(`${what} is not of whole pages`);
    if (mapping.start >= mapping.end || mapping.end > limit) refuse(`${what} ends at ${hex(mapping.end)}`);
    if (mapping.start < end) refuse(`${what} lies over the one before it, or is out of order`);
    end = mapping.end;
    const { backing } = mapping;
    if (backing.kind !== 'file' && backing.kind !== 'object') continue;
    if (backing.offset % PAGE_SIZE !== 0n || backing.offset + (mapping.end - mapping.start) > 1n << 63n) {
      refuse(`${what} begins at an impossible file offset, ${hex(backing.offset)}`);
    }
    if (backing.kind === 'object' && !isMappable(openFiles[backing.openFile])) {
      refuse(`${what} is of the open file ${backing.openFile}, which cannot be mapped or is not there`);
    }
  }
}

const isMappable = (file: OpenFile | undefined): boolean =>
  file !== undefined && ['memfd', 'deleted file', 'shared memory'].includes(file.kind);

/** Each lies in mappings that may be written to, from one page boundary to another. */
function checkSegments(segments: readonly Segment[], mappings: readonly Mapping[]): void {
  for (const { name, address, size, content } of segments) {
    if (address % PAGE_SIZE !== 0n || size % PAGE_SIZE !== 0n) refuse(`${name} is not of whole pages`);
    if (content !== undefined && BigInt(content.size) !== size) refuse(`${name} has not all of its bytes`);
    const mapping = mappings.find(({ start, end }) => start <= address && address + size <= end);
    if (mapping === undefined) refuse(`${name} at ${hex(address)} lies in none of the mappings`);
    if (mapping.backing.kind === 'vvar' || mapping.backing.kind === 'vvar_vclock') {
      refuse(`${name} at ${hex(address)} lies in the kernel's data`);
    }
  }
}

function checkThread({ tid, registers, xstate, fpregs, ...thread }: ThreadState, limit: bigint): void {
  const who = `thread ${tid}`;
  if (tid <= 0) refuse(`it has a thread with the number ${tid}`);
  checkRegisters(registers, who, limit);
  if (fpregs.length !== 512) refuse(`${who} has ${fpregs.length} bytes of floating point registers`);
  if (xstate !== undefined) {
    const { length } = xstate;
    if (length < XSTATE.min || length > XSTATE.max || length % XSTATE.align !== 0) {
      refuse(`${who} has ${length} bytes of XSAVE state`);
    }
    const view = new DataView(xstate.buffer, xstate.byteOffset, length);
    if (view.getBigUint64(XSTATE.xcomp_bv, true) !== 0n)
      refuse(`${who} has XSAVE state in the compacted form`);
  }
  const { alternateStack, clearChildTid, robustList, rseq } = thread;
  const addresses = [clearChildTid, alternateStack?.address, robustList?.head, rseq?.address];
  for (const address of addresses) {
    if (address !== undefined && address >= limit)
      refuse(`${who} has an address that is no user's, ${hex(address)}`);
  }
}

function checkRegisters(registers: Registers, who: string, limit: bigint): void {
  if (registers.cs !== USER_CS || registers.ss !== USER_SS) {
    refuse(`${who} runs no 64-bit code of a user's (cs ${hex(registers.cs)}, ss ${hex(registers.ss)})`);
  }
  if (registers.rip >= limit)
    refuse(`${who} has an instruction pointer that is no user's, ${hex(registers.rip)}`);
  for (const name of ['fs_base', 'gs_base'] as const) {
    if (registers[name] >= limit) refuse(`${who} has a ${name} that is no user's, ${hex(registers[name])}`);
  }
  if ((registers.eflags & ~USER_EFLAGS) !== 0n)
    refuse(`${who} has flags that are no user's, ${hex(registers.eflags)}`);
}

function checkFields({ mm }: ProcessState, limit: bigint): void {
  for (const [name, value] of Object.entries(mm)) {
    if (value >= limit) refuse(`its ${name} is no user address, ${hex(value)}`);
  }
  if (mm.start_brk > mm.brk || mm.arg_start > mm.arg_end || mm.env_start > mm.env_end) {
    refuse('its heap, arguments or environment end before they begin');
  }
}

function checkDescriptors({ descriptors = [], openFiles, locks }: ProcessState, objects: number): void {
  let last = -1;
  for (const { number, openFile } of descriptors) {
    if (number <= last || number >= MAX_DESCRIPTOR)
      refuse(`its descriptor ${number} is out of order or too high`);
    last = number;
    if (openFiles[openFile] === undefined) refuse(`its descriptor ${number} is of no open file`);
  }
  const numbers = new Set(descriptors.map(({ number }) => number));
  openFiles.forEach((file, index) => {
    const content = 'content' in file ? file.content : undefined;
    if (content !== undefined && content.size > 0n && content.object > objects) {
      refuse(`its open file ${index} has the content of an object that is not there`);
    }
    if (file.kind !== 'epoll') return;
    const odd = file.watches.find(({ descriptor }) => !numbers.has(descriptor));
    if (odd !== undefined)
      refuse(`its open file ${index} watches descriptor ${odd.descriptor}, which is not there`);
  });
  for (const { descriptor } of locks) {
    if (!numbers.has(descriptor)) refuse(`it has a lock by descriptor ${descriptor}, which is not there`);
  }
}

function refuse(why: string): never {
  throw new ForeignError('IMAGE_REFUSED', `cannot go on: ${why}`);
}
