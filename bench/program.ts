/** A program of any size that does nothing: what a start of it takes is the start. */
import { createCipheriv } from 'node:crypto';
import { truncateSync, writeFileSync } from 'node:fs';
import { PF, PT, writeElf } from '../test/support/elf-writer.ts';

/** Sizes in bytes. */
export const SMALL = 10_000;
export const LARGE = 100_000_000;

const BASE = 0x400000n;
const TEXT = 0x1000;
const DATA = 0x2000;
/** Where code is in a file with many segments: behind their headers, and before their data. */
const CODE_BEHIND = 0x10000;
const PAGE = 0x1000;
/** exit(0): mov eax, 60; xor edi, edi; syscall */
const EXIT = Buffer.from('b83c00000031ff0f05', 'hex');

/** A static ELF program with a data segment that makes it `size` bytes; the data does not pack unless `packable`. */
export function program(size: number, packable = false): Buffer {
  const length = size - DATA;
  return writeElf({
    bits: 64,
    e_entry: BASE + BigInt(TEXT),
    phdrs: [
      segment(PF.RX, TEXT, EXIT.length),
      segment(PF.RW, DATA, length),
      { p_type: PT.GNU_STACK, p_flags: PF.RW },
    ],
    content: [
      { offset: TEXT, bytes: EXIT },
      { offset: DATA, bytes: noise(length, packable) },
    ],
  });
}

/**
 * The same as a file of which nothing is on disk but the headers and the code, so that it can be of any size; its data
 * cannot be written to, so that no memory is set aside for it. Segments of data lie apart, so that nobody makes one
 * mapping of two.
 */
export function writeSparseProgram(file: string, size: number, segments = 1): string {
  const from = CODE_BEHIND + PAGE;
  const length = Math.floor((size - from) / segments / PAGE) * PAGE;
  const data = Array.from({ length: segments }, (_, index) => {
    const { p_vaddr, ...rest } = segment(PF.R, from + index * length, length);
    return { ...rest, p_vaddr: p_vaddr + BigInt(index * PAGE) };
  });
  const bytes = writeElf({
    bits: 64,
    e_entry: BASE + BigInt(CODE_BEHIND),
    phdrs: [segment(PF.RX, CODE_BEHIND, EXIT.length), ...data, { p_type: PT.GNU_STACK, p_flags: PF.RW }],
    content: [{ offset: CODE_BEHIND, bytes: EXIT }],
  });
  writeFileSync(file, bytes, { mode: 0o755 });
  truncateSync(file, size);
  return file;
}

function segment(p_flags: number, offset: number, size: number) {
  const [p_offset, p_filesz] = [BigInt(offset), BigInt(size)];
  return { p_type: PT.LOAD, p_flags, p_offset, p_vaddr: BASE + p_offset, p_filesz, p_memsz: p_filesz };
}

/** The same bytes every time. Packable ones have four bits that vary, so that a half is left. */
function noise(length: number, packable: boolean): Buffer {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
  const bytes = cipher.update(Buffer.alloc(length));
  return packable ? (bytes.map((byte) => byte & 0x0f) as Buffer) : bytes;
}
