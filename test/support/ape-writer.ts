/** Actually Portable Executables from descriptions: the headers exactly as asked for, right or wrong. */
import { octal } from '../../samples/ape/script.ts';
import { EHDR, type ElfDescription, PT, putField, writeElf } from './elf-writer.ts';

export const APE_MAGIC = "MZqFpD='\n'\n";
export const EHSIZE = 64;
/** Behind the script, where the ELF file begins. */
export const ELF_AT = 0x1000;

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
