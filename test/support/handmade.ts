/**
 * Small programs of each kind, put together by the writers beside this file. Their code is filling: they
 * are parsed, planned and emitted, never run.
 */
import { type AoutMagicName, writeAout } from './aout-writer.ts';
import { type ElfDescription, ET, PF, PT, writeElf } from './elf-writer.ts';
import { text } from './sources.ts';

export interface Handmade {
  readonly name: string;
  readonly bytes: Buffer;
  /** Other files that it names, by path. */
  readonly files: Readonly<Record<string, Buffer>>;
}

export const INTERPRETER_PATH = '/handmade/ld.so';

const filling = (offset: number, size: number, byte: number) => ({ offset, bytes: Buffer.alloc(size, byte) });

/** Headers, text, and data that ends in the middle of a page with two pages of bss behind it. */
export const ELF64_STATIC: ElfDescription = {
  bits: 64,
  e_entry: 0x401010n,
  phdrs: [
    { p_type: PT.LOAD, p_flags: PF.R, p_vaddr: 0x400000n, p_filesz: 0x200n, p_memsz: 0x200n },
    {
      p_type: PT.LOAD,
      p_flags: PF.RX,
      p_offset: 0x1000n,
      p_vaddr: 0x401000n,
      p_filesz: 0x80n,
      p_memsz: 0x80n,
    },
    {
      p_type: PT.LOAD,
      p_flags: PF.RW,
      p_offset: 0x1e00n,
      p_vaddr: 0x403e00n,
      p_filesz: 0x400n,
      p_memsz: 0x2800n,
    },
    { p_type: PT.GNU_STACK, p_flags: PF.RW },
  ],
  content: [filling(0x1000, 0x80, 0x90), filling(0x1e00, 0x400, 0xda)],
};

export const ELF32_STATIC: ElfDescription = {
  bits: 32,
  e_entry: 0x8049010n,
  phdrs: [
    { p_type: PT.LOAD, p_flags: PF.R, p_vaddr: 0x8048000n, p_filesz: 0x200n, p_memsz: 0x200n },
    {
      p_type: PT.LOAD,
      p_flags: PF.RX,
      p_offset: 0x1000n,
      p_vaddr: 0x8049000n,
      p_filesz: 0x80n,
      p_memsz: 0x80n,
    },
    {
      p_type: PT.LOAD,
      p_flags: PF.RW,
      p_offset: 0x1080n,
      p_vaddr: 0x804b080n,
      p_filesz: 0x20n,
      p_memsz: 0x40n,
    },
  ],
  content: [filling(0x1000, 0x80, 0x90), filling(0x1080, 0x20, 0xda)],
};

const INTERPRETER_NAME = text(`${INTERPRETER_PATH}\0`);

export const ELF64_PIE: ElfDescription = {
  bits: 64,
  e_type: ET.DYN,
  e_entry: 0x1010n,
  phdrs: [
    {
      p_type: PT.INTERP,
      p_flags: PF.R,
      p_offset: 0x300n,
      p_vaddr: 0x300n,
      p_filesz: BigInt(INTERPRETER_NAME.length),
      p_memsz: BigInt(INTERPRETER_NAME.length),
      p_align: 1n,
    },
    { p_type: PT.LOAD, p_flags: PF.R, p_filesz: 0x400n, p_memsz: 0x400n },
    { p_type: PT.LOAD, p_flags: PF.RX, p_offset: 0x1000n, p_vaddr: 0x1000n, p_filesz: 0x80n, p_memsz: 0x80n },
    {
      p_type: PT.LOAD,
      p_flags: PF.RW,
      p_offset: 0x1f00n,
      p_vaddr: 0x2f00n,
      p_filesz: 0x100n,
      p_memsz: 0x180n,
    },
    { p_type: PT.GNU_STACK, p_flags: PF.RW },
  ],
  content: [
    { offset: 0x300, bytes: INTERPRETER_NAME },
    filling(0x1000, 0x80, 0x90),
    filling(0x1f00, 0x100, 0xda),
  ],
};

export const INTERPRETER: ElfDescription = {
  bits: 64,
  e_type: ET.DYN,
  e_entry: 0x1040n,
  phdrs: [
    { p_type: PT.LOAD, p_flags: PF.R, p_filesz: 0x180n, p_memsz: 0x180n },
    { p_type: PT.LOAD, p_flags: PF.RX, p_offset: 0x1000n, p_vaddr: 0x1000n, p_filesz: 0x60n, p_memsz: 0x60n },
    { p_type: PT.LOAD, p_flags: PF.RW, p_offset: 0x1800n, p_vaddr: 0x2800n, p_filesz: 0x20n, p_memsz: 0x30n },
  ],
  content: [filling(0x1000, 0x60, 0x90), filling(0x1800, 0x20, 0xda)],
};

/** A static PIE whose base must be a multiple of 2 MiB. */
export const STATIC_PIE_2M: ElfDescription = {
  bits: 64,
  e_type: ET.DYN,
  e_entry: 0x200010n,
  phdrs: [
    { p_type: PT.LOAD, p_flags: PF.R, p_filesz: 0x180n, p_memsz: 0x180n, p_align: 0x200000n },
    {
      p_type: PT.LOAD,
      p_flags: PF.RX,
      p_offset: 0x1000n,
      p_vaddr: 0x200000n,
      p_filesz: 0x40n,
      p_memsz: 0x40n,
      p_align: 0x200000n,
    },
    { p_type: PT.GNU_STACK, p_flags: PF.RWX },
  ],
  content: [filling(0x1000, 0x40, 0x90)],
};

export function aout(magic: AoutMagicName): Buffer {
  return writeAout({
    magic,
    a_text: 0x1000,
    a_data: 0x230,
    a_bss: 0x1100,
    a_syms: 24,
    a_entry: 0x1020 & 0xfff,
  });
}

const single = (name: string, bytes: Buffer): Handmade => ({ name, bytes, files: {} });

export const HANDMADE: readonly Handmade[] = [
  single('elf64-static', writeElf(ELF64_STATIC)),
  single('elf32-static', writeElf(ELF32_STATIC)),
  {
    name: 'elf64-dynamic-pie',
    bytes: writeElf(ELF64_PIE),
    files: { [INTERPRETER_PATH]: writeElf(INTERPRETER) },
  },
  single('elf64-static-pie-2m', writeElf(STATIC_PIE_2M)),
  single('aout-omagic', aout('OMAGIC')),
  single('aout-nmagic', aout('NMAGIC')),
  single('aout-zmagic', aout('ZMAGIC')),
  single(
    'aout-qmagic',
    writeAout({ magic: 'QMAGIC', a_text: 0x2000, a_data: 0x230, a_bss: 0x1100, a_entry: 0x1020 }),
  ),
];

export function handmade(name: string): Handmade {
  const found = HANDMADE.find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no handmade program ${name}`);
  return found;
}
