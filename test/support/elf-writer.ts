/**
 * ELF files from a description: header and program headers exactly as asked for, right or wrong, and
 * bytes where they are wanted. Field names are the specification's (gABI, chapters 4 and 5).
 */

export const PT = { NULL: 0, LOAD: 1, DYNAMIC: 2, INTERP: 3, NOTE: 4, GNU_STACK: 0x6474e551 } as const;
export const PF = { X: 1, W: 2, R: 4, RX: 5, RW: 6, RWX: 7 } as const;
export const ET = { REL: 1, EXEC: 2, DYN: 3, CORE: 4 } as const;
export const EM = { '386': 3, ARM: 40, X86_64: 62, M32R: 88 } as const;

export interface Phdr {
  readonly p_type: number;
  readonly p_flags?: number;
  readonly p_offset?: bigint;
  readonly p_vaddr?: bigint;
  readonly p_paddr?: bigint;
  readonly p_filesz?: bigint;
  readonly p_memsz?: bigint;
  readonly p_align?: bigint;
}

export interface ElfDescription {
  readonly bits: 32 | 64;
  readonly e_type?: number;
  readonly e_entry?: bigint;
  readonly phdrs: readonly Phdr[];
  /** Bytes at file offsets. */
  readonly content?: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
  /** The file is at least this long. */
  readonly size?: number;
  /** Header fields that differ from what the description implies. */
  readonly header?: Partial<Record<HeaderField, bigint>>;
}

type HeaderField = keyof typeof EHDR;

/** Offset and size in Elf64_Ehdr and Elf32_Ehdr. */
export const EHDR = {
  EI_CLASS: { 64: [4, 1], 32: [4, 1] },
  EI_DATA: { 64: [5, 1], 32: [5, 1] },
  EI_VERSION: { 64: [6, 1], 32: [6, 1] },
  e_type: { 64: [16, 2], 32: [16, 2] },
  e_machine: { 64: [18, 2], 32: [18, 2] },
  e_version: { 64: [20, 4], 32: [20, 4] },
  e_entry: { 64: [24, 8], 32: [24, 4] },
  e_phoff: { 64: [32, 8], 32: [28, 4] },
  e_shoff: { 64: [40, 8], 32: [32, 4] },
  e_flags: { 64: [48, 4], 32: [36, 4] },
  e_ehsize: { 64: [52, 2], 32: [40, 2] },
  e_phentsize: { 64: [54, 2], 32: [42, 2] },
  e_phnum: { 64: [56, 2], 32: [44, 2] },
  e_shentsize: { 64: [58, 2], 32: [46, 2] },
  e_shnum: { 64: [60, 2], 32: [48, 2] },
  e_shstrndx: { 64: [62, 2], 32: [50, 2] },
} as const;

/** The same for Elf64_Phdr and Elf32_Phdr. */
export const PHDR = {
  p_type: { 64: [0, 4], 32: [0, 4] },
  p_flags: { 64: [4, 4], 32: [24, 4] },
  p_offset: { 64: [8, 8], 32: [4, 4] },
  p_vaddr: { 64: [16, 8], 32: [8, 4] },
  p_paddr: { 64: [24, 8], 32: [12, 4] },
  p_filesz: { 64: [32, 8], 32: [16, 4] },
  p_memsz: { 64: [40, 8], 32: [20, 4] },
  p_align: { 64: [48, 8], 32: [28, 4] },
} as const;

export const EHSIZE = { 64: 64, 32: 52 } as const;
export const PHENTSIZE = { 64: 56, 32: 32 } as const;

type Field = Readonly<Record<32 | 64, readonly [number, number]>>;

/** Writes a field of a header that begins at `base`. */
export function putField(bytes: Buffer, bits: 32 | 64, base: number, field: Field, value: bigint): void {
  const [offset, size] = field[bits];
  const unsigned = BigInt.asUintN(size * 8, value);
  for (let index = 0; index < size; index++)
    bytes[base + offset + index] = Number((unsigned >> BigInt(index * 8)) & 0xffn);
}

export function writeElf(description: ElfDescription): Buffer {
  const { bits, phdrs, content = [], header = {} } = description;
  const tableEnd = EHSIZE[bits] + phdrs.length * PHENTSIZE[bits];
  const ends = content.map(({ offset, bytes }) => offset + bytes.length);
  const file = Buffer.alloc(Math.max(tableEnd, description.size ?? 0, ...ends));
  for (const { offset, bytes } of content) file.set(bytes, offset);
  file.set([0x7f, 0x45, 0x4c, 0x46]);
  const fields: Partial<Record<HeaderField, bigint>> = {
    EI_CLASS: bits === 64 ? 2n : 1n,
    EI_DATA: 1n,
    EI_VERSION: 1n,
    e_type: BigInt(description.e_type ?? ET.EXEC),
    e_machine: BigInt(bits === 64 ? EM.X86_64 : EM['386']),
    e_version: 1n,
    e_entry: description.e_entry ?? 0n,
    e_phoff: BigInt(EHSIZE[bits]),
    e_ehsize: BigInt(EHSIZE[bits]),
    e_phentsize: BigInt(PHENTSIZE[bits]),
    e_phnum: BigInt(phdrs.length),
    ...header,
  };
  for (const [name, value] of Object.entries(fields))
    putField(file, bits, 0, EHDR[name as HeaderField], value);
  phdrs.forEach((phdr, index) => {
    const base = EHSIZE[bits] + index * PHENTSIZE[bits];
    const all = { p_flags: 0, p_align: 0x1000n, ...phdr };
    for (const [name, value] of Object.entries(all))
      putField(file, bits, base, PHDR[name as keyof typeof PHDR], BigInt(value));
  });
  return file;
}
