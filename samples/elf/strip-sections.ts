/**
 * Takes the section table off an ELF64 file, as sstrip and packers do: the kernel needs none, but parsers trip.
 * What is left is the header, the program headers and what they load.
 */

const E_PHOFF = 0x20; // offsets in Elf64_Ehdr
const E_SHOFF = 0x28;
const E_PHENTSIZE = 0x36;
const E_PHNUM = 0x38;
const E_SHENTSIZE = 0x3a; // e_shnum and e_shstrndx follow
const P_OFFSET = 0x08; // offsets in Elf64_Phdr
const P_FILESZ = 0x20;

export function stripSections(file: Uint8Array): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const word = (offset: number): number => Number(view.getBigUint64(offset, true));
  let end = 0;
  for (let i = 0; i < view.getUint16(E_PHNUM, true); i++) {
    const header = word(E_PHOFF) + i * view.getUint16(E_PHENTSIZE, true);
    end = Math.max(end, word(header + P_OFFSET) + word(header + P_FILESZ));
  }
  const stripped = file.slice(0, end);
  stripped.fill(0, E_SHOFF, E_SHOFF + 8);
  stripped.fill(0, E_SHENTSIZE, E_SHENTSIZE + 6);
  return stripped;
}
