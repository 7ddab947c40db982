/**
 * Core files that are no checkpoints: of the kernel (core(5)) and of gdb's gcore. They hold memory and registers, and what else a
 * process has they do not say. So it is guessed where the process itself has it in its memory, and else it is lost, and said so.
 */
import {
  buildIdOf,
  type Mapping,
  type MappingBacking,
  type ProcessState,
  type Source,
  type ThreadState,
  type VdsoState,
} from 'run-foreign/loader';
import { PF, PT } from './elf-core.ts';
import { type CoreHeader, headerError } from './headers.ts';
import { MemoryView } from './memory-view.ts';
import { stackFields } from './stack-fields.ts';
import type { CoreFile, CoreThread, StandardNotes } from './standard-notes.ts';

const PAGE = 4096n;
const AT = { NULL: 0n, ENTRY: 9n, SYSINFO_EHDR: 33n } as const;
const MAX_VDSO = 1 << 16;

/** glibc's struct pthread, from the address that is in fs_base (nptl/descr.h): the thread's number and its robust list. */
const PTHREAD = { tid: 720n, robust_head: 736n, robust_size: 24n } as const;

const LOST = [
  'its descriptors: it gets those of whoever starts it',
  'its signal handlers, and signals that were pending',
  'its timers',
  'its limits, credentials and working directory: it gets those of whoever starts it',
  'what it has registered for restartable sequences',
  'the alternate stacks of its threads',
];

export async function foreignState(
  standard: StandardNotes,
  headers: readonly CoreHeader[],
  source: Source,
): Promise<ProcessState> {
  const memory = new MemoryView(headers, source);
  const auxv = auxvValues(standard.auxv);
  const vdsoAddress = auxv.get(AT.SYSINFO_EHDR);
  const loads = headers.filter(({ type, memsz }) => type === PT.LOAD && memsz > 0n);
  const stackPointer = standard.threads[0]?.registers.rsp ?? 0n;
  const loaded = loads
    .filter(({ vaddr }) => vaddr < 1n << 63n)
    .map((header) => mappingOf(header, standard.files, vdsoAddress, stackPointer));
  const mappings = [...loaded, ...leftOut(standard.files, loaded)].sort((one, other) =>
    one.start < other.start ? -1 : 1,
  );
  const exe = standard.files.find(({ start, end }) => inside(auxv.get(AT.ENTRY), start, end));
  const vdso = await vdsoOf(vdsoAddress, mappings, memory);
  const stack = mappings.find(({ start, end }) => inside(stackPointer, start, end));
  return {
    ids: standard.ids,
    comm: standard.comm,
    exe: { path: exe?.path ?? new Uint8Array(0) },
    root: Buffer.from('/'),
    personality: 0,
    mm: {
      ...programFields(exe, standard.files, mappings),
      ...(await stackFields(standard.auxv, stack, stackPointer, memory)),
    },
    auxv: standard.auxv,
    mappings,
    vdso,
    signalActions: [],
    pending: [],
    intervalTimers: [],
    posixTimers: [],
    limits: [],
    attributes: {
      dumpable: 1,
      noNewPrivileges: false,
      childSubreaper: false,
      parentDeathSignal: 0,
      thpDisabled: false,
      nice: 0,
      oomScoreAdjust: 0,
    },
    threads: await Promise.all(standard.threads.map((thread) => threadState(thread, standard.comm, memory))),
    openFiles: [],
    locks: [],
    machine: { release: '', cpuFlags: [] },
    lost: LOST,
  };
}

const inside = (address: bigint | undefined, start: bigint, end: bigint): boolean =>
  address !== undefined && start <= address && address < end;

function auxvValues(auxv: Uint8Array): Map<bigint, bigint> {
  const bytes = Buffer.from(auxv);
  const values = new Map<bigint, bigint>();
  for (let at = 0; at + 16 <= bytes.length; at += 16) {
    const type = bytes.readBigUInt64LE(at);
    if (type === AT.NULL) break;
    values.set(type, bytes.readBigUInt64LE(at + 8));
  }
  return values;
}

function mappingOf(
  header: CoreHeader,
  files: readonly CoreFile[],
  vdso: bigint | undefined,
  stackPointer: bigint,
): Mapping {
  const { vaddr: start, memsz, flags, filesz } = header;
  const end = start + memsz;
  if (start % PAGE !== 0n || memsz % PAGE !== 0n)
    throw headerError(header, 'is not of whole pages', 'p_memsz', memsz);
  return {
    start,
    end,
    protection: { read: (flags & PF.R) !== 0, write: (flags & PF.W) !== 0, execute: (flags & PF.X) !== 0 },
    shared: false,
    growsDown: inside(stackPointer, start, end) && !files.some((file) => inside(start, file.start, file.end)),
    backing: start === vdso ? { kind: 'vdso' } : backingOf(header, BigInt(filesz) === memsz, files),
    flags: [],
  };
}

/** gcore says nothing of what it leaves to files but their names: programs and libraries, which nobody writes to. */
function leftOut(files: readonly CoreFile[], loaded: readonly Mapping[]): Mapping[] {
  return files
    .filter((file) => !loaded.some(({ start, end }) => start < file.end && file.start < end))
    .map(({ start, end, path, offset }) => ({
      start,
      end,
      protection: { read: true, write: false, execute: true },
      shared: false,
      growsDown: false,
      backing: { kind: 'file', file: { path }, offset },
      flags: [],
    }));
}

/** What the core holds whole needs its file no more. */
function backingOf({ vaddr }: CoreHeader, whole: boolean, files: readonly CoreFile[]): MappingBacking {
  const file = whole ? undefined : files.find(({ start, end }) => inside(vaddr, start, end));
  if (file === undefined) return { kind: 'anonymous' };
  return { kind: 'file', file: { path: file.path }, offset: file.offset + (vaddr - file.start) };
}

async function vdsoOf(
  address: bigint | undefined,
  mappings: readonly Mapping[],
  memory: MemoryView,
): Promise<VdsoState | undefined> {
  const mapping = mappings.find(({ start }) => start === address);
  if (mapping === undefined || mapping.end - mapping.start > BigInt(MAX_VDSO)) return undefined;
  const image = await memory.bytes(mapping.start, Number(mapping.end - mapping.start));
  if (image === undefined) return undefined;
  const buildId = buildIdOf((offset, length) => image.subarray(offset, offset + length));
  return { address: mapping.start, image, ...(buildId !== undefined && { buildId }) };
}

type ProgramField = 'start_code' | 'end_code' | 'start_data' | 'end_data' | 'start_brk' | 'brk';

/** By where the program's file is mapped; the heap is what lies behind it without being a file's. */
function programFields(
  exe: CoreFile | undefined,
  files: readonly CoreFile[],
  mappings: readonly Mapping[],
): Record<ProgramField, bigint> {
  const own = files.filter(({ path }) => exe !== undefined && Buffer.compare(path, exe.path) === 0);
  const parts = mappings.filter(({ start }) => own.some((file) => inside(start, file.start, file.end)));
  const code = parts.find(({ protection }) => protection.execute) ?? parts[0];
  const data = parts.filter(({ protection }) => protection.write);
  const end = parts.at(-1)?.end ?? 0n;
  const heap = mappings.find(
    ({ start, end: heapEnd, protection, backing }) =>
      backing.kind === 'anonymous' &&
      protection.write &&
      start >= end &&
      start - end < HEAP_DISTANCE &&
      !files.some((file) => inside(start, file.start, file.end)) &&
      heapEnd > end,
  );
  const start = code?.start ?? PAGE * 16n;
  return {
    start_code: start,
    end_code: code?.end ?? start + 1n,
    start_data: data[0]?.start ?? start,
    end_data: data.at(-1)?.end ?? start,
    start_brk: heap?.start ?? end,
    brk: heap?.end ?? end,
  };
}

/** arch_randomize_brk puts the heap at most so far behind the program (arch/x86/kernel/process.c). */
const HEAP_DISTANCE = 0x4000_0000n;

/** What the kernel keeps for a thread glibc has put beside its number. */
async function threadState(thread: CoreThread, comm: Uint8Array, memory: MemoryView): Promise<ThreadState> {
  const { tid, registers, fpregs, xstate, signalMask } = thread;
  const number = registers.fs_base + PTHREAD.tid;
  const isGlibc = (await memory.word32(number)) === tid;
  const head = registers.fs_base + PTHREAD.robust_head;
  const hasList = isGlibc && (await memory.word(head)) !== undefined;
  return {
    tid,
    comm,
    registers,
    fpregs,
    xstate,
    signalMask,
    pending: [],
    clearChildTid: isGlibc ? number : 0n,
    ...(hasList && { robustList: { head, size: PTHREAD.robust_size } }),
  };
}
