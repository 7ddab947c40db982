/** What the notes say that all core files have: threads with their registers, auxv, files, the process's names. */
import { parseRegisters, type Registers } from 'run-foreign/loader';
import { NT, PRPSINFO, PRSTATUS } from './elf-core.ts';
import { type Note, noteError } from './notes.ts';

export interface CoreThread {
  readonly tid: number;
  readonly signalMask: bigint;
  readonly registers: Registers;
  readonly fpregs: Uint8Array;
  readonly xstate?: Uint8Array | undefined;
}

export interface CoreFile {
  readonly start: bigint;
  readonly end: bigint;
  /** Bytes. */
  readonly offset: bigint;
  readonly path: Uint8Array;
}

export interface StandardNotes {
  readonly threads: readonly CoreThread[];
  readonly ids: { readonly pid: number; readonly ppid: number; readonly pgid: number; readonly sid: number };
  readonly comm: Uint8Array;
  readonly auxv: Uint8Array;
  readonly files: readonly CoreFile[];
}

const FPREGS_SIZE = 512;
const MIN_XSTATE = 576;
const MAX_XSTATE = 65536;
const MAX_AUXV = 4096;

/** Throws FormatError. `first` is where to say that something is missing. */
export function standardNotes(notes: readonly Note[], first: number): StandardNotes {
  const missing = (what: string) =>
    noteError(
      { owner: 'CORE', type: 0, offset: first, content: new Uint8Array(0) },
      `has no ${what}`,
      what,
      'missing',
    );
  const one = (type: number) => notes.find((note) => note.owner === 'CORE' && note.type === type);
  const psinfo = one(NT.PRPSINFO);
  if (psinfo === undefined) throw missing('NT_PRPSINFO');
  if (psinfo.content.length !== PRPSINFO.size) {
    throw noteError(psinfo, 'has process information of another size', 'NT_PRPSINFO', psinfo.content.length);
  }
  const threads = threadsOf(notes);
  if (threads.length === 0) throw missing('NT_PRSTATUS');
  const auxv = one(NT.AUXV);
  if (auxv === undefined) throw missing('NT_AUXV');
  if (auxv.content.length > MAX_AUXV || auxv.content.length % 16 !== 0) {
    throw noteError(auxv, 'has an auxv of impossible size', 'NT_AUXV', auxv.content.length);
  }
  const info = Buffer.from(psinfo.content);
  const name = info.subarray(PRPSINFO.pr_fname, PRPSINFO.pr_fname + PRPSINFO.fnameSize);
  const files = one(NT.FILE);
  return {
    threads,
    ids: {
      pid: info.readInt32LE(PRPSINFO.pr_pid),
      ppid: info.readInt32LE(PRPSINFO.pr_ppid),
      pgid: info.readInt32LE(PRPSINFO.pr_pgrp),
      sid: info.readInt32LE(PRPSINFO.pr_sid),
    },
    comm: name.subarray(0, Math.max(0, name.indexOf(0))),
    auxv: Uint8Array.from(auxv.content),
    files: files === undefined ? [] : filesOf(files),
  };
}

/** The notes of a thread follow its NT_PRSTATUS. */
function threadsOf(notes: readonly Note[]): CoreThread[] {
  const threads: CoreThread[] = [];
  for (const note of notes) {
    if (note.owner === 'CORE' && note.type === NT.PRSTATUS) threads.push(threadOf(note));
    const last = threads.at(-1);
    if (last === undefined) continue;
    if (note.owner === 'CORE' && note.type === NT.FPREGSET) {
      if (note.content.length !== FPREGS_SIZE) {
        throw noteError(
          note,
          'has floating point registers of another size',
          'NT_FPREGSET',
          note.content.length,
        );
      }
      threads[threads.length - 1] = { ...last, fpregs: Uint8Array.from(note.content) };
    } else if (note.owner === 'LINUX' && note.type === NT.X86_XSTATE) {
      if (note.content.length < MIN_XSTATE || note.content.length > MAX_XSTATE) {
        throw noteError(note, 'has an XSAVE area of impossible size', 'NT_X86_XSTATE', note.content.length);
      }
      threads[threads.length - 1] = { ...last, xstate: Uint8Array.from(note.content) };
    }
  }
  return threads;
}

function threadOf(note: Note): CoreThread {
  if (note.content.length !== PRSTATUS.size) {
    throw noteError(note, 'has registers of another machine', 'NT_PRSTATUS', note.content.length);
  }
  const bytes = Buffer.from(note.content);
  return {
    tid: bytes.readInt32LE(PRSTATUS.pr_pid),
    signalMask: bytes.readBigUInt64LE(PRSTATUS.pr_sighold),
    registers: parseRegisters(bytes.subarray(PRSTATUS.pr_reg, PRSTATUS.pr_reg + PRSTATUS.regSize)),
    fpregs: initialFpregs(),
  };
}

/** As after FNINIT, with MXCSR as it begins (Intel SDM volume 1, 8.1.4 and 10.2.3): for cores without. */
function initialFpregs(): Uint8Array {
  const bytes = Buffer.alloc(FPREGS_SIZE);
  bytes.writeUInt16LE(0x37f, 0);
  bytes.writeUInt32LE(0x1f80, 24);
  return bytes;
}

function filesOf(note: Note): CoreFile[] {
  const bytes = Buffer.from(note.content);
  if (bytes.length < 16)
    throw noteError(note, 'has a table of files that is cut off', 'NT_FILE', bytes.length);
  const count = bytes.readBigUInt64LE(0);
  const pageSize = bytes.readBigUInt64LE(8);
  if (16n + count * 24n > BigInt(bytes.length))
    throw noteError(note, 'has a table of files that is cut off', 'NT_FILE count', count);
  if (pageSize === 0n || pageSize > 1n << 30n)
    throw noteError(note, 'has pages of an impossible size', 'NT_FILE page_size', pageSize);
  let name = 16 + Number(count) * 24;
  return Array.from({ length: Number(count) }, (_, index) => {
    const at = 16 + index * 24;
    const end = bytes.indexOf(0, name);
    if (end < 0) throw noteError(note, 'has a name of a file that is cut off', 'NT_FILE name', index);
    const path = Uint8Array.from(bytes.subarray(name, end));
    name = end + 1;
    return {
      start: bytes.readBigUInt64LE(at),
      end: bytes.readBigUInt64LE(at + 8),
      offset: bytes.readBigUInt64LE(at + 16) * pageSize,
      path,
    };
  });
}
