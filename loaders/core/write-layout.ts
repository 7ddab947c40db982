/** What goes where in a checkpoint: pieces of memory and objects, cut so that there are not too many program headers. */
import type { ProcessState } from 'run-foreign/loader';
import { EHDR, EM_X86_64, ET_CORE, PAGE_SIZE, PF, PHDR, PN_XNUM, PT, SHDR } from './elf-core.ts';

/** Bytes of memory that are stored, whole pages. */
export interface MemoryRun {
  readonly address: bigint;
  readonly size: bigint;
}

/** What a file held, as far as there is anything in it. */
export interface ObjectContent {
  readonly extents: readonly { readonly at: bigint; readonly size: bigint }[];
}

/** A program header to be, and what its bytes are. */
export interface Piece {
  readonly type: number;
  readonly flags: number;
  readonly vaddr: bigint;
  readonly paddr: bigint;
  readonly filesz: bigint;
  readonly memsz: bigint;
  readonly from: 'nothing' | 'memory' | 'vdso' | { readonly object: number };
}

/** Debuggers search program headers one by one, and e_phnum has 16 bits. */
const MAX_RUNS = 4096;

/**
 * All of the process's memory, each mapping in consecutive pieces with and without bytes, then the objects. Runs that are near
 * are stored as one when there are too many: what is between them is then stored as well.
 */
export function layOutPieces(
  { mappings, vdso }: ProcessState,
  runs: readonly MemoryRun[],
  objects: readonly ObjectContent[],
): Piece[] {
  const joined = joinRuns(runs, mappings);
  const pieces: Piece[] = [];
  let next = 0;
  for (const { start, end, protection, backing } of mappings) {
    if (backing.kind === 'vvar' || backing.kind === 'vvar_vclock') continue;
    const flags =
      (protection.read ? PF.R : 0) | (protection.write ? PF.W : 0) | (protection.execute ? PF.X : 0);
    const load = (from: bigint, to: bigint, source: Piece['from']) => {
      if (to > from) {
        const filesz = source === 'nothing' ? 0n : to - from;
        pieces.push({ type: PT.LOAD, flags, vaddr: from, paddr: 0n, filesz, memsz: to - from, from: source });
      }
    };
    if (backing.kind === 'vdso' && vdso !== undefined) {
      load(start, end, 'vdso');
      continue;
    }
    let done = start;
    for (let run = joined[next]; run !== undefined && run.address < end; run = joined[++next]) {
      load(done, run.address, 'nothing');
      load(run.address, run.address + run.size, 'memory');
      done = run.address + run.size;
    }
    load(done, end, 'nothing');
  }
  objects.forEach(({ extents }, object) => {
    for (const { at, size } of extents) {
      const common = { type: PT.OBJECT, flags: PF.R, vaddr: at, paddr: BigInt(object) };
      pieces.push({ ...common, filesz: size, memsz: size, from: { object } });
    }
  });
  return pieces;
}

function joinRuns(runs: readonly MemoryRun[], mappings: ProcessState['mappings']): readonly MemoryRun[] {
  if (runs.length <= MAX_RUNS) return runs;
  let index = 0;
  let joined = runs.map((run) => {
    while ((mappings[index]?.end ?? run.address + 1n) <= run.address) index++;
    return { ...run, within: index };
  });
  for (let gap = BigInt(PAGE_SIZE); joined.length > MAX_RUNS && gap < 1n << 47n; gap *= 4n) {
    const next: typeof joined = [];
    for (const run of joined) {
      const last = next.at(-1);
      const near = last !== undefined && run.address - (last.address + last.size) <= gap;
      if (near && run.within === last.within)
        next[next.length - 1] = { ...last, size: run.address + run.size - last.address };
      else next.push(run);
    }
    joined = next;
  }
  return joined;
}

const alignUp = (offset: number): number => Math.ceil(offset / PAGE_SIZE) * PAGE_SIZE;

/** With section header 0, where e_phnum cannot count them. */
function headersSize(pieces: readonly Piece[]): number {
  const count = pieces.length + 2;
  return EHDR.size + count * PHDR.size + (count < PN_XNUM ? 0 : SHDR.size);
}

/** Where the bytes of the first piece begin, on a page of their own; behind the last one come the notes. */
export const dataOffset = (pieces: readonly Piece[]): number => alignUp(headersSize(pieces));

/** The ELF header and the program headers: the notes, the pieces, and the note with the digest, which is the end of the file. */
export function fileHeaders(
  pieces: readonly Piece[],
  notes: { offset: number; size: number },
  digestSize: number,
): Buffer {
  const headers = Buffer.alloc(headersSize(pieces));
  headers.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  headers.writeUInt16LE(ET_CORE, EHDR.e_type);
  headers.writeUInt16LE(EM_X86_64, EHDR.e_machine);
  headers.writeUInt32LE(1, EHDR.e_version);
  headers.writeBigUInt64LE(BigInt(EHDR.size), EHDR.e_phoff);
  headers.writeUInt16LE(EHDR.size, EHDR.e_ehsize);
  headers.writeUInt16LE(PHDR.size, EHDR.e_phentsize);
  const count = pieces.length + 2;
  headers.writeUInt16LE(Math.min(count, PN_XNUM), EHDR.e_phnum);
  if (count >= PN_XNUM) writeCount(headers, count);
  let at = EHDR.size;
  const header = (piece: Omit<Piece, 'from'>, offset: number, align: number) => {
    headers.writeUInt32LE(piece.type, at + PHDR.p_type);
    headers.writeUInt32LE(piece.flags, at + PHDR.p_flags);
    headers.writeBigUInt64LE(BigInt(offset), at + PHDR.p_offset);
    headers.writeBigUInt64LE(piece.vaddr, at + PHDR.p_vaddr);
    headers.writeBigUInt64LE(piece.paddr, at + PHDR.p_paddr);
    headers.writeBigUInt64LE(piece.filesz, at + PHDR.p_filesz);
    headers.writeBigUInt64LE(piece.memsz, at + PHDR.p_memsz);
    headers.writeBigUInt64LE(BigInt(align), at + PHDR.p_align);
    at += PHDR.size;
  };
  const note = (size: number) => ({
    type: PT.NOTE,
    flags: 0,
    vaddr: 0n,
    paddr: 0n,
    filesz: BigInt(size),
    memsz: 0n,
  });
  header(note(notes.size), notes.offset, 4);
  let offset = dataOffset(pieces);
  for (const piece of pieces) {
    header(piece, offset, PAGE_SIZE);
    offset = alignUp(offset + Number(piece.filesz));
  }
  header(note(digestSize), notes.offset + notes.size, 4);
  return headers;
}

/** As fill_extnum_info in fs/binfmt_elf.c, but right behind the program headers. */
function writeCount(headers: Buffer, count: number): void {
  const at = headers.length - SHDR.size;
  headers.writeBigUInt64LE(BigInt(at), EHDR.e_shoff);
  headers.writeUInt16LE(SHDR.size, EHDR.e_shentsize);
  headers.writeUInt16LE(1, EHDR.e_shnum);
  headers.writeBigUInt64LE(1n, at + SHDR.sh_size);
  headers.writeUInt32LE(count, at + SHDR.sh_info);
}
