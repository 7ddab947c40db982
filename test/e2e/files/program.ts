/**
 * A program of a few instructions that says "ran" and ends with status 7, in both word sizes, at any
 * address: whatever else is done to its file, who reads "ran" knows that it was started.
 */
import { type ElfDescription, ET, PF, type Phdr, PT, writeElf } from '../../support/elf-writer.ts';

export type Bits = 32 | 64;

const SAYING = 'ran\n';
const STATUS = 7;
/** Where the code lies in the file and in the first segment. */
export const CODE = 0x800;
export const BASE = { 64: 0x400000n, 32: 0x8048000n } as const;
/** The size of the text segment, which is the whole file. */
const SIZE = 0x1000n;

/** Position-independent, and needs a stack only where it is 32-bit. */
export function code(bits: Bits, saying = SAYING): Buffer {
  const text = Buffer.from(saying, 'latin1');
  const instructions =
    bits === 64
      ? [
          ...[0xb8, 1, 0, 0, 0], // mov eax, SYS_write
          ...[0xbf, 1, 0, 0, 0], // mov edi, 1
          ...[0x48, 0x8d, 0x35, 19, 0, 0, 0], // lea rsi, [rip + 19]: behind the last instruction
          ...[0xba, text.length, 0, 0, 0], // mov edx, length
          ...[0x0f, 0x05], // syscall
          ...[0xb8, 60, 0, 0, 0], // mov eax, SYS_exit
          ...[0xbf, STATUS, 0, 0, 0], // mov edi, status
          ...[0x0f, 0x05], // syscall
        ]
      : [
          ...[0xb8, 4, 0, 0, 0], // mov eax, SYS_write
          ...[0xbb, 1, 0, 0, 0], // mov ebx, 1
          ...[0xe8, 0, 0, 0, 0], // call the next instruction
          0x59, // pop ecx
          ...[0x83, 0xc1, 23], // add ecx, 23: behind the last instruction
          ...[0xba, text.length, 0, 0, 0], // mov edx, length
          ...[0xcd, 0x80], // int 0x80
          ...[0xb8, 1, 0, 0, 0], // mov eax, SYS_exit
          ...[0xbb, STATUS, 0, 0, 0], // mov ebx, status
          ...[0xcd, 0x80], // int 0x80
        ];
  return Buffer.concat([Buffer.from(instructions), text]);
}

/** The one segment the program needs. */
export function text(bits: Bits = 64, changes: Partial<Phdr> = {}): Phdr {
  return {
    p_type: PT.LOAD,
    p_flags: PF.RX,
    p_vaddr: BASE[bits],
    p_filesz: SIZE,
    p_memsz: SIZE,
    ...changes,
  };
}

/** The program with these program headers, or with just the one it needs. */
export function program(bits: Bits = 64, changes: Partial<ElfDescription> = {}): Buffer {
  const phdrs = changes.phdrs ?? [text(bits)];
  const base = phdrs.find(({ p_type }) => p_type === PT.LOAD)?.p_vaddr ?? 0n;
  return writeElf({
    bits,
    e_entry: base + BigInt(CODE),
    phdrs,
    content: [{ offset: CODE, bytes: code(bits) }],
    size: Number(SIZE),
    ...changes,
  });
}

/** The same as a PIE; its first segment lies at 0. */
export function pie(bits: Bits = 64, changes: Partial<ElfDescription> = {}): Buffer {
  const phdrs = changes.phdrs ?? [text(bits, { p_vaddr: 0n })];
  return program(bits, { e_type: ET.DYN, ...changes, phdrs });
}

/** Where `interpreted` puts the interpreter's name. */
export const NAME_OFFSET = 0x200;

/** A PT_INTERP header for a name of `length` bytes. */
export function interpHeader(length: number, changes: Partial<Phdr> = {}): Phdr {
  return {
    p_type: PT.INTERP,
    p_flags: PF.R,
    p_offset: BigInt(NAME_OFFSET),
    p_filesz: BigInt(length),
    p_memsz: BigInt(length),
    p_align: 1n,
    ...changes,
  };
}

/** A program that names an interpreter; what it would do itself nobody sees. `name` includes its NUL. */
export function interpreted(
  name: string,
  bits: Bits = 64,
  changes: { header?: Partial<Phdr>; elf?: Partial<ElfDescription>; text?: Phdr } = {},
): Buffer {
  const bytes = Buffer.from(name, 'latin1');
  return program(bits, {
    phdrs: [interpHeader(bytes.length, changes.header), changes.text ?? text(bits)],
    content: [
      { offset: CODE, bytes: code(bits, 'not interpreted\n') },
      { offset: NAME_OFFSET, bytes },
    ],
    ...changes.elf,
  });
}
