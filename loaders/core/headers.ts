/** The headers of a core file, every field checked before it is used. */
import { ForeignError, FormatError, type Source, Structure } from 'run-foreign/loader';
import { EHDR, EM_X86_64, PHDR, PN_XNUM, SHDR } from './elf-core.ts';

export interface CoreHeader {
  /** Its place in the table, for messages. */
  readonly index: number;
  /** File offset of the header. */
  readonly at: number;
  readonly type: number;
  readonly flags: number;
  /** Bytes, inside the file. */
  readonly offset: number;
  readonly filesz: number;
  readonly vaddr: bigint;
  readonly paddr: bigint;
  readonly memsz: bigint;
}

/** Kernels write a header for each mapping, of which there are no more unless somebody has raised vm.max_map_count. */
const MAX_HEADERS = 1 << 20;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;

/** Throws FormatError, or UNSUPPORTED for cores of other machines. */
export async function readCoreHeaders(source: Source): Promise<readonly CoreHeader[]> {
  const ident = await Structure.read(source, 0, 20, 'ELF header');
  const machine = ident.u16(EHDR.e_machine);
  if (ident.u8(4) !== ELFCLASS64 || ident.u8(5) !== ELFDATA2LSB || machine !== EM_X86_64) {
    throw new ForeignError(
      'UNSUPPORTED',
      `is a core file of a process that was not x86-64 (e_machine ${machine})`,
      {
        subject: source.name,
      },
    );
  }
  const header = await Structure.read(source, 0, EHDR.size, 'ELF header');
  if (header.u16(EHDR.e_phentsize) !== PHDR.size) {
    throw header.error(
      'has program headers of an impossible size',
      EHDR.e_phentsize,
      'e_phentsize',
      header.u16(EHDR.e_phentsize),
    );
  }
  const count = await headerCount(source, header);
  if (count === 0 || count > MAX_HEADERS) {
    throw header.error('has an impossible number of program headers', EHDR.e_phnum, 'e_phnum', count);
  }
  const at = header.u64(EHDR.e_phoff);
  if (at + BigInt(count * PHDR.size) > BigInt(source.size)) {
    throw header.error('has program headers past the end of the file', EHDR.e_phoff, 'e_phoff', at);
  }
  const table = await Structure.read(source, Number(at), count * PHDR.size, 'program headers');
  return Array.from({ length: count }, (_, index) => readHeader(table, index, source));
}

async function headerCount(source: Source, header: Structure): Promise<number> {
  const count = header.u16(EHDR.e_phnum);
  if (count !== PN_XNUM) return count;
  const at = header.u64(EHDR.e_shoff);
  if (at === 0n || at + BigInt(SHDR.size) > BigInt(source.size)) {
    throw header.error(
      'has its number of program headers past the end of the file',
      EHDR.e_shoff,
      'e_shoff',
      at,
    );
  }
  return (await Structure.read(source, Number(at), SHDR.size, 'section header 0')).u32(SHDR.sh_info);
}

function readHeader(table: Structure, index: number, source: Source): CoreHeader {
  const at = index * PHDR.size;
  const [offset, filesz, memsz] = [PHDR.p_offset, PHDR.p_filesz, PHDR.p_memsz].map((field) =>
    table.u64(at + field),
  );
  if (offset === undefined || filesz === undefined || memsz === undefined) throw new Error('no header');
  if (filesz > 0n && offset + filesz > BigInt(source.size)) {
    const field = `program header ${index}: p_offset`;
    throw table.error(
      `is cut off: it needs bytes up to ${offset + filesz} of a file of ${source.size}`,
      at + PHDR.p_offset,
      field,
      offset,
    );
  }
  return {
    index,
    at: table.offset + at,
    type: table.u32(at + PHDR.p_type),
    flags: table.u32(at + PHDR.p_flags),
    offset: filesz === 0n ? 0 : Number(offset),
    filesz: Number(filesz),
    vaddr: table.u64(at + PHDR.p_vaddr),
    paddr: table.u64(at + PHDR.p_paddr),
    memsz,
  };
}

/** An error about a program header. */
export function headerError(
  header: CoreHeader,
  message: string,
  field: keyof typeof PHDR,
  value: bigint | number,
): FormatError {
  const where = { offset: header.at + PHDR[field], field: `program header ${header.index}: ${field}`, value };
  return new FormatError(message, where);
}
