/**
 * Makes an Actually Portable Executable of a static ELF program for x86-64: a page with the magic and a shell script
 * before it, and every file offset in its headers that much larger. The script does what the specification
 * says that it does (ape/specification.md of cosmopolitan): it prints the ELF header over the file's beginning.
 */

export type Magic = "MZqFpD='" | "jartsr='";

const EHSIZE = 64; // bytes of an Elf64_Ehdr, and offsets in it
const EI_OSABI = 0x07;
const E_PHOFF = 0x20;
const E_SHOFF = 0x28;
const E_FLAGS = 0x30;
const E_PHENTSIZE = 0x36;
const E_PHNUM = 0x38;
const E_SHENTSIZE = 0x3a; // e_shnum and e_shstrndx follow
const P_OFFSET = 0x08; // in an Elf64_Phdr
const ELFOSABI_FREEBSD = 9; // the one system that looks at it
const EF_APE_MODERN = 0x101ca75; // ape/loader.c: argv[0] is left alone
const PAGE_SIZE = 4096; // p_offset and p_vaddr must stay congruent

/** `\ooo` for each byte: what printf of every shell understands. */
export function octal(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}

export interface Ape {
  /** What is printed over the file's beginning. */
  readonly header: Uint8Array;
  readonly file: Uint8Array;
}

export function makeApe(elf: Uint8Array, magic: Magic): Ape {
  const moved = moveBehindScript(elf);
  const header = moved.slice(0, EHSIZE);
  const file = new Uint8Array(PAGE_SIZE + moved.length);
  const text = new TextEncoder().encode(script(magic, header));
  if (text.length > PAGE_SIZE) throw new Error('the script of an APE has outgrown its page');
  file.set(text);
  file.set(moved, PAGE_SIZE);
  return { header, file };
}

/** The file that its own script leaves (`--assimilate`). */
export function assimilate({ header, file }: Ape): Uint8Array {
  const assimilated = file.slice();
  assimilated.set(header);
  return assimilated;
}

function moveBehindScript(elf: Uint8Array): Uint8Array {
  const moved = elf.slice();
  const view = new DataView(moved.buffer);
  const add = (offset: number): void =>
    view.setBigUint64(offset, view.getBigUint64(offset, true) + BigInt(PAGE_SIZE), true);
  const table = Number(view.getBigUint64(E_PHOFF, true));
  for (let i = 0; i < view.getUint16(E_PHNUM, true); i++) {
    add(table + i * view.getUint16(E_PHENTSIZE, true) + P_OFFSET);
  }
  add(E_PHOFF);
  moved[EI_OSABI] = ELFOSABI_FREEBSD;
  view.setUint32(E_FLAGS, EF_APE_MODERN, true);
  moved.fill(0, E_SHOFF, E_SHOFF + 8);
  moved.fill(0, E_SHENTSIZE, E_SHENTSIZE + 6);
  return moved;
}

/** A newline behind the magic, because some shells take a file without one in its first line for binary. */
function script(magic: Magic, header: Uint8Array): string {
  return `${magic}
'
[ "$(uname -m)" = x86_64 ] || exit 126
o=$(command -v "$0")
exec 7<> "$o" || exit 126
printf '${octal(header)}' >&7
exec 7<&-
[ "$1" = --assimilate ] && exit 0
exec "$o" "$@"
`;
}
