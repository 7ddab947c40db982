/**
 * PT_LOAD headers to segments, as elf_load in fs/binfmt_elf.c maps them: whole pages from the file, the
 * rest of the last page zeroed if the segment is writable and larger in memory, and the pages after it
 * anonymous, readable and writable whatever p_flags says.
 */
import { hex, type ImagePart, isMappable, type Range, type Segment, type Source } from 'run-foreign/loader';
import { PAGE_SIZE, pageEnd, pageStart } from '../pages.ts';
import { type CheckedProgramHeader, type ElfHeaders, programError } from './header.ts';

/** The PT_LOAD headers, in the file's order. */
export function loadHeaders(headers: ElfHeaders): CheckedProgramHeader[] {
  return headers.programs.filter(({ type }) => type === 'load');
}

export function segmentsOf(headers: ElfHeaders, source: Source): Segment[] {
  return loadHeaders(headers).flatMap((program) => segmentOf(headers, program, source));
}

function segmentOf(headers: ElfHeaders, program: CheckedProgramHeader, source: Source): Segment[] {
  const { filesz, memsz, flags, index } = program;
  if (filesz > memsz)
    throw programError(headers, program, 'has more bytes in the file than in memory', 'p_filesz', filesz);
  if (memsz === 0) return [];
  const vaddr = BigInt(program.vaddr);
  const end = vaddr + BigInt(memsz);
  const filled = filesz === 0 ? pageStart(vaddr) : pageEnd(vaddr + BigInt(filesz));
  const fromFile = filesz === 0 ? [] : [filePages(headers, program, source)];
  if (pageEnd(end) <= filled) return fromFile;
  const zeros = {
    name: `PT_LOAD ${index}, zero part`,
    address: filled,
    size: end - filled,
    protection: { read: true, write: true, execute: flags.x === true },
  };
  return [...fromFile, zeros];
}

/** The pages that come from the file. */
function filePages(headers: ElfHeaders, program: CheckedProgramHeader, source: Source): Segment {
  const { filesz, memsz, offset, flags, index } = program;
  const vaddr = BigInt(program.vaddr);
  const inPage = Number(vaddr % PAGE_SIZE);
  if (offset % Number(PAGE_SIZE) !== inPage) {
    const message = `does not lie at the same place in its page in memory (${hex(vaddr)}) and in the file`;
    throw programError(headers, program, message, 'p_offset', offset);
  }
  const protection = { read: flags.r === true, write: flags.w === true, execute: flags.x === true };
  const address = pageStart(vaddr);
  const fileStart = offset - inPage;
  const pages = pageEnd(vaddr + BigInt(filesz)) - address;
  const zeroTail = memsz > filesz && protection.write;
  const truncated = offset + filesz > source.size;
  if (truncated) checkTruncated(headers, program, source, zeroTail);
  const mappedEnd = fileStart + Number(pages);
  // Without a tail to zero, what else the file has in the last page is mapped along with it.
  const fileEnd = zeroTail ? offset + filesz : truncated ? mappedEnd : Math.min(source.size, mappedEnd);
  const content = { source, offset: fileStart, size: fileEnd - fileStart };
  const size = zeroTail ? pages : BigInt(content.size);
  return { name: `PT_LOAD ${index}`, address, size, content, protection };
}

/**
 * Linux maps past the end of a file; who touches a page of which the file has nothing gets SIGBUS. It does
 * so itself when it must zero the rest of such a page, and kills the program. Only files can be mapped so.
 */
function checkTruncated(
  headers: ElfHeaders,
  program: CheckedProgramHeader,
  source: Source,
  zeroTail: boolean,
): void {
  const { offset, filesz } = program;
  const end = offset + filesz;
  const inLastPage = end % Number(PAGE_SIZE);
  const zeroesNothing = zeroTail && inLastPage > 0 && end - inLastPage >= source.size;
  if (isMappable(source) && !zeroesNothing) return;
  const message = `is truncated: a segment ends at ${hex(end)}, the file at ${hex(source.size)}`;
  throw programError(headers, program, message, 'p_offset', offset);
}

/**
 * Where the segments of a program go, and with what alignment (maximum_alignment in fs/binfmt_elf.c, which
 * ignores what is no power of two).
 */
export function placementOf(headers: ElfHeaders, interpreted: boolean): ImagePart['placement'] {
  if (!headers.dynamic) return { kind: 'fixed' };
  if (!interpreted && beginsEmpty(headers)) return { kind: 'mmap', align: NO_BASE_BUT_0 };
  let align = PAGE_SIZE;
  for (const { p_align } of loadHeaders(headers)) {
    if (isPowerOfTwo(p_align)) align = max(align, p_align);
  }
  return { kind: interpreted ? 'pie' : 'mmap', align, ...anchorOf(headers) };
}

/** The same for the interpreter of `program`; no p_align of it is looked at (load_elf_interp). */
export function interpreterPlacement(headers: ElfHeaders, program: ElfHeaders): ImagePart['placement'] {
  if (!headers.dynamic) return { kind: 'fixed' };
  if (!beginsEmpty(headers)) return { kind: 'mmap', align: PAGE_SIZE, ...anchorOf(headers) };
  return program.dynamic ? { kind: 'mmap', align: NO_BASE_BUT_0 } : { kind: 'fixed' };
}

/** load_elf_binary counts the base from the first PT_LOAD's p_vaddr as it stands. */
function anchorOf(headers: ElfHeaders): { anchor?: bigint } {
  const first = loadHeaders(headers)[0];
  return first === undefined ? {} : { anchor: BigInt(first.vaddr) };
}

/** An alignment of which 0 is the only multiple. */
const NO_BASE_BUT_0 = 1n << 63n;

/**
 * elf_load finds room by mapping the first segment from the file. Where that has no bytes in it, it takes
 * the address it was given to ask anywhere, which is 0, at its word.
 */
function beginsEmpty(headers: ElfHeaders): boolean {
  return loadHeaders(headers)[0]?.filesz === 0;
}

function isPowerOfTwo(value: bigint): boolean {
  return value > 0n && (value & (value - 1n)) === 0n;
}

/** start_code … end_data as load_elf_binary computes them. */
export function codeAndData(headers: ElfHeaders): { code: Range; data: Range; brk: bigint } {
  let code: Range | undefined;
  let data: Range = { start: 0n, end: 0n };
  let brk = 0n;
  for (const { vaddr, filesz, memsz, flags } of loadHeaders(headers)) {
    const start = BigInt(vaddr);
    const fileEnd = start + BigInt(filesz);
    const end = start + BigInt(memsz);
    if (flags.x) code = { start: min(code?.start ?? start, start), end: max(code?.end ?? 0n, fileEnd) };
    data = { start: max(data.start, start), end: max(data.end, fileEnd) };
    brk = max(brk, end);
  }
  data = { start: data.start, end: max(data.start, data.end) };
  return { code: code ?? data, data, brk };
}

const max = (a: bigint, b: bigint) => (a > b ? a : b);
const min = (a: bigint, b: bigint) => (a < b ? a : b);
