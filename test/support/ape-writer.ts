/** Actually Portable Executables from descriptions: the headers exactly as asked for, right or wrong. */
import { octal } from '../../samples/ape/script.ts';
import { EHDR, type ElfDescription, PF, PT, putField, writeElf } from './elf-writer.ts';

export const APE_MAGIC = "MZqFpD='\n'\n";
export const EHSIZE = 64;
/** Behind the script, where the ELF file begins. */
export const ELF_AT = 0x1000;

/**
 * Writes the string that rdx points to at its entry, if any: mov %rdx,%rsi; xor %edx,%edx; test %rsi,%rsi; je 2f;
 * 1: cmpb $0,(%rsi,%rdx); je 2f; inc %edx; jmp 1b; 2: write(1, %rsi, %rdx); exit_group(0).
 */
const SHOW_RDX = Buffer.from(
  '4889d631d24885f6740a803c16007404ffc2ebf6b801000000bf010000000f05b8e700000031ff0f05',
  'hex',
);

/** An APE that does that. */
export function showRdx(): Buffer {
  const part = elfPart({
    bits: 64,
    e_entry: 0x400200n,
    phdrs: [{ p_type: PT.LOAD, p_flags: PF.RX, p_vaddr: 0x400000n, p_filesz: 0x300n, p_memsz: 0x300n }],
    content: [{ offset: 0x200, bytes: SHOW_RDX }],
    size: 0x300,
  });
  return writeApe(printed(headerOf(part)), part);
}

/** `printf '…'` of a header's bytes. */
export const printed = (header: Uint8Array): string => `printf '${octal(header)}' >&7\n`;

/** What the script would print over the beginning of a file whose ELF part lies at ELF_AT. */
export function headerOf(elf: Uint8Array): Buffer {
  const header = Buffer.from(elf.subarray(0, EHSIZE));
  putField(header, 64, 0, EHDR.e_phoff, header.readBigUInt64LE(32) + BigInt(ELF_AT));
  return header;
}

/** The ELF part: its segments count from the beginning of the whole file. */
export function elfPart(description: ElfDescription): Buffer {
  const phdrs = description.phdrs.map((phdr) =>
    phdr.p_type === PT.LOAD ? { ...phdr, p_offset: (phdr.p_offset ?? 0n) + BigInt(ELF_AT) } : phdr,
  );
  return writeElf({ ...description, phdrs });
}

/** A script and what lies behind it, at ELF_AT. */
export function writeApe(script: string, part: Uint8Array, magic = APE_MAGIC): Buffer {
  const file = Buffer.alloc(ELF_AT + part.length);
  if (file.write(magic + script, 'latin1') > ELF_AT) throw new Error('the script is too long');
  file.set(part, ELF_AT);
  return file;
}
