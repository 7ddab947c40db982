/**
 * Writes `struct exec`, the header of an a.out file, with the names of <linux/a.out.h>.
 * Everything in it is a little-endian word of 32 bits; README.md beside this file says what the words mean.
 */

export const OMAGIC = 0o407;
export const NMAGIC = 0o410;
export const ZMAGIC = 0o413;
export const QMAGIC = 0o314;
export type Magic = typeof OMAGIC | typeof NMAGIC | typeof ZMAGIC | typeof QMAGIC;

/** The machine type in a_info. Linux never looks at it; linkers wrote it all the same. */
export const M_386 = 100;

export const EXEC_SIZE = 32; // bytes: sizeof (struct exec)
const ZMAGIC_TXTOFF = 1024; // the block size of the disks of the time

export interface Exec {
  readonly magic: Magic;
  readonly a_text: number; // bytes; with QMAGIC the header is among them
  readonly a_data: number; // bytes
  readonly a_bss: number; // bytes
  readonly a_syms: number; // bytes of struct nlist
  readonly a_entry: number; // an address
  readonly a_trsize: number; // bytes of relocations: 0 in a program
  readonly a_drsize: number;
}

/** a_info: the magic below, then the machine, then flags (always 0 here). */
export function N_SET_INFO(magic: Magic, machine: number, flags: number): number {
  return ((magic & 0xffff) | ((machine & 0xff) << 16) | ((flags & 0xff) << 24)) >>> 0;
}

/** The file offset where the text segment begins; with QMAGIC the header is part of it. */
export function N_TXTOFF(magic: Magic): number {
  if (magic === ZMAGIC) return ZMAGIC_TXTOFF;
  return magic === QMAGIC ? 0 : EXEC_SIZE;
}

/** Where the first byte that is not header lies in the file. */
export function contentOffset(magic: Magic): number {
  return Math.max(N_TXTOFF(magic), EXEC_SIZE);
}

export function encodeExec(exec: Exec): Uint8Array {
  const words = [
    N_SET_INFO(exec.magic, M_386, 0),
    exec.a_text,
    exec.a_data,
    exec.a_bss,
    exec.a_syms,
    exec.a_entry,
    exec.a_trsize,
    exec.a_drsize,
  ];
  const bytes = new Uint8Array(EXEC_SIZE);
  const view = new DataView(bytes.buffer);
  for (const [index, word] of words.entries()) view.setUint32(index * 4, word, true);
  return bytes;
}
