/**
 * Where the fields of an ELF file's headers stand, for code that reads them when it runs: offsets in bytes, by word size
 * (elf.h; ELF-64 Object File Format, gABI chapters 4 and 5). Fields are as wide as a pointer unless said otherwise.
 */

export interface ElfFields {
  readonly ehdr: {
    readonly size: number;
    readonly e_entry: number;
    readonly e_phoff: number;
    /** 16 bits, as is e_phnum. */
    readonly e_phentsize: number;
    readonly e_phnum: number;
  };
  readonly phdr: {
    readonly size: number;
    /** 32 bits, as are p_flags. */
    readonly p_type: number;
    readonly p_flags: number;
    readonly p_offset: number;
    readonly p_vaddr: number;
    readonly p_filesz: number;
    readonly p_memsz: number;
  };
}

/** The same in both: 32 bits of magic, a byte, and 16 bits each. */
export const E_IDENT = { magic: 0, EI_CLASS: 4, e_type: 16, e_machine: 18 } as const;

export const ELF_FIELDS: Readonly<Record<32 | 64, ElfFields>> = {
  64: {
    ehdr: { size: 64, e_entry: 24, e_phoff: 32, e_phentsize: 54, e_phnum: 56 },
    phdr: { size: 56, p_type: 0, p_flags: 4, p_offset: 8, p_vaddr: 16, p_filesz: 32, p_memsz: 40 },
  },
  32: {
    ehdr: { size: 52, e_entry: 24, e_phoff: 28, e_phentsize: 42, e_phnum: 44 },
    phdr: { size: 32, p_type: 0, p_flags: 24, p_offset: 4, p_vaddr: 8, p_filesz: 16, p_memsz: 20 },
  },
};
