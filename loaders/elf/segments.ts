/**
 * PT_LOAD headers to segments, as elf_load in fs/binfmt_elf.c maps them: whole pages from the file, the
 * rest of the last page zeroed if the segment is writable and larger in memory, and the pages after it
 * anonymous, readable and writable whatever p_flags says.
 */
import { hex, type ImagePart, type Range, type Segment, type Source } from 'run-foreign/loader';
import { type CheckedProgramHeader, type ElfHeaders, programError } from './header.ts';

const PAGE_SIZE = 4096n;
const pageStart = (address: bigint) => address - (address % PAGE_SIZE);
const pageEnd = (address: bigint) => pageStart(address + PAGE_SIZE - 1n);

/** The PT_LOAD headers, in the file's order. */
export function loadHeaders(headers: ElfHeaders): CheckedProgramHeader[] {
  return headers.programs.filter(({ type }) => type === 'load');
}

export function segmentsOf(headers: ElfHeaders, source: Source): Segment[] {
  return loadHeaders(headers).flatMap((program) => segmentOf(headers, program, source));
}

function segmentOf(headers: ElfHeaders, program: CheckedProgramHeader, source: Source): Segment[] {
  const { filesz, memsz, offset, flags, index } = program;
  if (filesz > memsz)
    throw programError(headers, program, 'has more bytes in the file than in memory', 'p_filesz', filesz);
  if (offset + filesz > source.size) {
    const message = `is truncated: a segment ends at ${hex(offset + filesz)}, the file at ${hex(source.size)}`;
    throw programError(headers, program, message, 'p_offset', offset);
  }
  if (memsz === 0) return [];
  const vaddr = BigInt(program.vaddr);
  const inPage = Number(vaddr % PAGE_SIZE);
  if (filesz > 0 && offset % Number(PAGE_SIZE) !== inPage) {
    throw programError(
      headers,
      program,
      `does not lie at the same place in its page in memory (${hex(vaddr)}) and in the file`,
      'p_offset',
      offset,
    );
  }
  const protection = { read: flags.r === true, write: flags.w === true, execute: flags.x === true };
  const name = `PT_LOAD ${index}`;
  const end = vaddr + BigInt(memsz);
  const zeroProtection = { read: true, write: true, execute: protection.execute };
  if (filesz === 0) {
    const address = pageStart(vaddr);
    return [{ name: `${name}, zero part`, address, size: end - address, protection: zeroProtection }];
  }

  const address = pageStart(vaddr);
  const fileStart = offset - inPage;
  const filled = vaddr + BigInt(filesz);
  const zeroTail = memsz > filesz && protection.write;
  // Without a tail to zero, what else the file has in the last page is mapped along with it.
  const fileEnd = zeroTail
    ? offset + filesz
    : Math.min(source.size, fileStart + Number(pageEnd(filled) - address));
  const content = { source, offset: fileStart, size: fileEnd - fileStart };
  const segments: Segment[] = [
    { name, address, size: zeroTail ? pageEnd(filled) - address : BigInt(content.size), content, protection },
  ];
  if (pageEnd(end) > pageEnd(filled)) {
    const zeros = pageEnd(filled);
    segments.push({
      name: `${name}, zero part`,
      address: zeros,
      size: end - zeros,
      protection: zeroProtection,
    });
  }
  return segments;
}

/** Where the segments of a part go, and with what alignment (maximum_alignment in fs/binfmt_elf.c). */
export function placementOf(headers: ElfHeaders, kind: 'pie' | 'mmap'): ImagePart['placement'] {
  if (!headers.dynamic) return { kind: 'fixed' };
  let align = PAGE_SIZE;
  for (const { align: wanted } of loadHeaders(headers)) {
    if (isPowerOfTwo(wanted) && BigInt(wanted) > align) align = BigInt(wanted);
  }
  return { kind, align };
}

/** Linux ignores an alignment that is not one. */
function isPowerOfTwo(value: number): boolean {
  if (!Number.isSafeInteger(value) || value <= 0) return false;
  const exact = BigInt(value);
  return (exact & (exact - 1n)) === 0n;
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
