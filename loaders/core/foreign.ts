/**
 * Core files that are no checkpoints: of the kernel (core(5)) and of gdb's gcore. They hold memory and registers, and what else a
 * process has they do not say. So it is guessed where the process itself has it in its memory, and else it is lost, and said so.
 */
import {
  buildIdOf,
  ForeignError,
  type Mapping,
  type ProcessState,
  type Source,
  type ThreadState,
  type VdsoState,
} from 'run-foreign/loader';
import { PF, PT } from './elf-core.ts';
import { CoreFiles } from './foreign-files.ts';
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

export interface ForeignCore {
  readonly state: ProcessState;
  /** Of its memory: what belongs to mappings of the state. */
  readonly headers: readonly CoreHeader[];
}

/** Throws FormatError, and UNSUPPORTED for cores that hold no memory. */
export async function foreignState(
  standard: StandardNotes,
  headers: readonly CoreHeader[],
  source: Source,
): Promise<ForeignCore> {
  const memory = new MemoryView(headers, source);
  const auxv = auxvValues(standard.auxv);
  const vdsoAddress = auxv.get(AT.SYSINFO_EHDR);
  const threads = leaderFirst(standard);
  const stackPointer = threads[0]?.registers.rsp ?? 0n;
  if ((await memory.bytes(stackPointer, 1)) === undefined) throw withoutMemory(source);
  const files = await CoreFiles.read(standard.files, memory);
  const loads = withoutVvar(
    headers.filter(({ type, memsz, vaddr }) => type === PT.LOAD && memsz > 0n && vaddr < VSYSCALL_AND_ABOVE),
    files,
    vdsoAddress,
  );
  const loaded = loads.map((header) => mappingOf(header, files, vdsoAddress, stackPointer));
  const mappings = [...loaded, ...files.leftOut(loaded)].sort((one, other) =>
    one.start < other.start ? -1 : 1,
  );
  const exe = files.at(auxv.get(AT.ENTRY) ?? 0n);
  const vdso = await vdsoOf(vdsoAddress, mappings, memory);
  const stack = mappings.find(({ start, end }) => inside(stackPointer, start, end));
  const state: ProcessState = {
    ids: { ...standard.ids, pid: threads[0]?.tid ?? standard.ids.pid },
    comm: standard.comm,
    exe: { path: exe?.path ?? new Uint8Array(0), ...(exe && withBuildId(files.facts(exe))) },
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
    threads: await Promise.all(threads.map((thread) => threadState(thread, standard.comm, memory))),
    openFiles: [],
    locks: [],
    machine: { release: '', cpuFlags: [] },
    lost: lostOf(loaded, files),
  };
  return { state, headers: loads };
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

/** [vsyscall] is no mapping of the process's. */
const VSYSCALL_AND_ABOVE = 1n << 63n;

/** The kernel writes the thread first that a signal has ended. Where the leader is gone, the next one leads. */
function leaderFirst({ threads, ids }: StandardNotes): CoreThread[] {
  const leader = threads.filter(({ tid }) => tid === ids.pid);
  return [...leader, ...threads.filter((thread) => !leader.includes(thread))];
}

function withoutMemory(source: Source): ForeignError {
  return new ForeignError('UNSUPPORTED', 'holds no memory of the process: not even its stack is there', {
    subject: source.name,
    hint: 'let the kernel write it with at least the first bit of /proc/PID/coredump_filter set, core(5)',
  });
}

/**
 * The kernel's data for the vDSO ([vvar]) lies right below it, empty or as zeros. What is there when the process goes on is this
 * kernel's, so these mappings are left out.
 */
function withoutVvar(
  loads: readonly CoreHeader[],
  files: CoreFiles,
  vdso: bigint | undefined,
): readonly CoreHeader[] {
  let end = vdso;
  const vvar = new Set<CoreHeader>();
  for (const header of [...loads].sort((one, other) => (one.vaddr < other.vaddr ? 1 : -1))) {
    const { vaddr, memsz, flags } = header;
    if (vaddr + memsz !== end || memsz > BigInt(MAX_VDSO) || flags !== PF.R || files.at(vaddr) !== undefined)
      continue;
    vvar.add(header);
    end = vaddr;
  }
  return loads.filter((header) => !vvar.has(header));
}

/** What the core holds whole needs its file no more. */
function mappingOf(
  header: CoreHeader,
  files: CoreFiles,
  vdso: bigint | undefined,
  stackPointer: bigint,
): Mapping {
  const { vaddr: start, memsz, flags, filesz } = header;
  const end = start + memsz;
  if (start % PAGE !== 0n || memsz % PAGE !== 0n)
    throw headerError(header, 'is not of whole pages', 'p_memsz', memsz);
  const file = files.at(start);
  const needed = file !== undefined && BigInt(filesz) < memsz && !isDeleted(file);
  return {
    start,
    end,
    protection: { read: (flags & PF.R) !== 0, write: (flags & PF.W) !== 0, execute: (flags & PF.X) !== 0 },
    shared: false,
    growsDown: inside(stackPointer, start, end) && file === undefined,
    backing: start === vdso ? { kind: 'vdso' } : needed ? files.backing(file, start) : { kind: 'anonymous' },
    flags: [],
  };
}

/** What the kernel writes behind the names of files that have none any more (d_path). */
const DELETED = Buffer.from(' (deleted)');

const isDeleted = ({ path }: CoreFile): boolean => DELETED.equals(path.subarray(-DELETED.length));

function withBuildId({ buildId }: { readonly buildId?: Uint8Array | undefined }): { buildId?: Uint8Array } {
  return buildId === undefined ? {} : { buildId };
}

/** What all cores lack, and what this one does. */
function lostOf(loaded: readonly Mapping[], files: CoreFiles): string[] {
  const gone = loaded.flatMap(({ start }) => {
    const file = files.at(start);
    return file !== undefined && isDeleted(file) ? [Buffer.from(file.path).toString()] : [];
  });
  return [
    ...LOST,
    ...[...new Set(gone)].map((name) => `that it shared memory with others: ${name} is its own now`),
  ];
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
