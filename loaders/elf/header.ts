/**
 * The ELF header and program headers, checked as Linux checks them (load_elf_binary in fs/binfmt_elf.c)
 * and parsed by elfy. elfy turns 64-bit fields into doubles and trusts its input, so every field that
 * Linux reads is bounded here first, and elfy gets a copy that holds nothing but what was checked.
 * Names are those of the ELF specification (gABI, chapters 4 and 5).
 */
import elfy, { type ProgramHeader } from 'elfy';
import { type Arch, type FormatError, head, type Source, Structure } from 'run-foreign/loader';

const EI_CLASS = 4;
const EI_DATA = 5;
const EI_NIDENT = 16;
const ELFDATA2LSB = 1;

const ET = { EXEC: 2, DYN: 3, CORE: 4 } as const;
/** EM_386, EM_486 (elf_check_arch_ia32 in arch/x86/include/asm/elf.h) and EM_X86_64. */
const EM: Record<number, Arch> = { 3: 'i386', 6: 'i386', 62: 'x86_64' };
const PT_LOAD = 1;
const PT_INTERP = 3;

/** fs/binfmt_elf.c, load_elf_phdrs: the table may not exceed this many bytes. */
const MAX_PROGRAM_HEADERS_SIZE = 65536;

interface FieldLayout {
  readonly class: 1 | 2;
  readonly ehsize: number;
  readonly phentsize: number;
  readonly wide: boolean;
  readonly e_entry: number;
  readonly e_phoff: number;
  readonly e_phentsize: number;
  readonly e_phnum: number;
}

/** Byte offsets of fields in Elf32_Ehdr and Elf64_Ehdr. */
const LAYOUT: Record<Arch, FieldLayout> = {
  i386: {
    class: 1,
    ehsize: 52,
    phentsize: 32,
    wide: false,
    e_entry: 24,
    e_phoff: 28,
    e_phentsize: 42,
    e_phnum: 44,
  },
  x86_64: {
    class: 2,
    ehsize: 64,
    phentsize: 56,
    wide: true,
    e_entry: 24,
    e_phoff: 32,
    e_phentsize: 54,
    e_phnum: 56,
  },
};

/** The field order of Elf32_Phdr and Elf64_Phdr, as byte offsets. */
const PHDR = {
  i386: { p_type: 0, p_offset: 4, p_vaddr: 8, p_filesz: 16, p_memsz: 20, p_align: 28 },
  x86_64: { p_type: 0, p_offset: 8, p_vaddr: 16, p_filesz: 32, p_memsz: 40, p_align: 48 },
} as const;

export interface ElfHeaders {
  readonly arch: Arch;
  readonly dynamic: boolean;
  readonly entry: bigint;
  readonly phoff: number;
  readonly phentsize: number;
  readonly programs: readonly CheckedProgramHeader[];
}

/** A program header whose numbers are exact. */
export interface CheckedProgramHeader extends ProgramHeader {
  readonly index: number;
  /** File offset of the header itself, for messages. */
  readonly at: number;
  /** p_align, exactly: it may be any 64-bit number. */
  readonly p_align: bigint;
}

export function isElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/** Whether the header of an ELF file in either byte order says ET_CORE. */
export function isCore(start: Uint8Array): boolean {
  const [low, high] = start[EI_DATA] === ELFDATA2LSB ? [start[16], start[17]] : [start[17], start[16]];
  return low === ET.CORE && high === 0;
}

/** Whether Linux itself would take an ELF file that begins so for its own; false where the file is too short to say. */
export function isForThisMachine(start: Uint8Array): boolean {
  return EM[(start[18] ?? 0) | ((start[19] ?? 0) << 8)] !== undefined;
}

/**
 * Throws FormatError where Linux answers ENOEXEC, and where a later step could not trust a number.
 * A program may end inside its header, its interpreter must hold the `whole` of it.
 */
export async function readHeaders(source: Source, { whole = false } = {}): Promise<ElfHeaders> {
  const start = await Structure.read(source, 0, 20, 'ELF header');
  return headersOf(await readHeader(source, LAYOUT[archOf(start)], whole), source);
}

function archOf(header: Structure): Arch {
  const machine = header.u16(18);
  const arch = EM[machine];
  if (arch === undefined) throw header.error('is for another machine', 18, 'e_machine', machine);
  return arch;
}

/** The same for a header that need not stand at the beginning of its file; it is whole. */
export async function headersOf(header: Structure, source: Source): Promise<ElfHeaders> {
  const arch = archOf(header);
  const layout = LAYOUT[arch];
  const type = header.u16(16);
  if (type !== ET.EXEC && type !== ET.DYN) throw header.error('is no executable program', 16, 'e_type', type);
  const { count, offset } = checkTable(header, layout);
  const table = await Structure.read(source, offset, count * layout.phentsize, 'program headers');
  checkPrograms(table, count, arch);

  const parser = new elfy.Parser();
  const clean = cleanCopy(header, table, layout);
  const parsed = parser.parseHeader(clean);
  const programs = parser.parsePrograms(clean, parsed);
  return {
    arch,
    dynamic: parsed.type === 'dyn',
    // An entry point elfy cannot hold exactly is no user address either; it is read here to name it.
    entry: layout.wide ? header.u64(layout.e_entry) : BigInt(header.u32(layout.e_entry)),
    phoff: offset,
    phentsize: layout.phentsize,
    programs: programs.map((program, index) => ({
      ...program,
      index,
      at: offset + index * layout.phentsize,
      p_align: readAlign(table, index, arch),
    })),
  };
}

/**
 * Linux reads the beginning of a program into a buffer of zeros (prepare_binprm in fs/exec.c): what is
 * behind e_phnum need not be in the file. Of an interpreter it reads the header, or answers EIO.
 */
async function readHeader(source: Source, layout: FieldLayout, whole: boolean): Promise<Structure> {
  const needed = whole ? layout.ehsize : layout.e_phnum + 1;
  if (source.size < needed) return Structure.read(source, 0, needed, 'ELF header');
  const bytes = new Uint8Array(layout.ehsize);
  bytes.set(await head(source, layout.ehsize));
  return new Structure(bytes, 0);
}

function readAlign(table: Structure, index: number, arch: Arch): bigint {
  const { phentsize, wide } = LAYOUT[arch];
  const at = index * phentsize + PHDR[arch].p_align;
  return wide ? table.u64(at) : BigInt(table.u32(at));
}

function checkTable(header: Structure, layout: FieldLayout): { count: number; offset: number } {
  const phentsize = header.u16(layout.e_phentsize);
  if (phentsize !== layout.phentsize) {
    throw header.error(`has program headers of a strange size`, layout.e_phentsize, 'e_phentsize', phentsize);
  }
  const count = header.u16(layout.e_phnum);
  if (count === 0 || count * phentsize > MAX_PROGRAM_HEADERS_SIZE) {
    throw header.error('has no or too many program headers', layout.e_phnum, 'e_phnum', count);
  }
  const phoff = layout.wide ? header.u64(layout.e_phoff) : BigInt(header.u32(layout.e_phoff));
  if (phoff > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw header.error('has its program headers past the end of the file', layout.e_phoff, 'e_phoff', phoff);
  }
  return { count, offset: Number(phoff) };
}

type PhdrField = keyof (typeof PHDR)['i386'];

/** Only what Linux looks at matters: PT_LOADs and the first PT_INTERP; of others even nonsense is let through. */
function checkPrograms(table: Structure, count: number, arch: Arch): void {
  const { phentsize, wide } = LAYOUT[arch];
  if (!wide) return;
  const u64 = (index: number, field: PhdrField) => table.u64(index * phentsize + PHDR[arch][field]);
  const check = (index: number, field: PhdrField, message: string) => {
    const value = u64(index, field);
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return;
    const at = index * phentsize + PHDR[arch][field];
    throw table.error(message, at, `${field} of program header ${index}`, value);
  };
  let interpreters = 0;
  for (let index = 0; index < count; index++) {
    const p_type = table.u32(index * phentsize);
    if (p_type === PT_INTERP && ++interpreters === 1) {
      check(index, 'p_filesz', 'names an interpreter of impossible length');
      check(index, 'p_offset', 'names an interpreter past the end of the file');
    }
    if (p_type !== PT_LOAD) continue;
    for (const field of ['p_vaddr', 'p_filesz', 'p_memsz'] as const)
      check(index, field, 'is outside any user address space');
    if (u64(index, 'p_filesz') > 0n) check(index, 'p_offset', 'is past the end of any file');
  }
}

/**
 * Header and program headers alone, the table right after the header. Linux looks neither at EI_CLASS
 * nor at EI_DATA, so they are set to what the machine implies; the sections are gone.
 */
function cleanCopy(header: Structure, table: Structure, layout: FieldLayout): Uint8Array {
  const clean = Buffer.alloc(layout.ehsize + table.bytes.length);
  clean.set(header.bytes.subarray(0, layout.e_phnum + 2));
  clean.fill(0, 6, EI_NIDENT);
  clean[EI_CLASS] = layout.class;
  clean[EI_DATA] = ELFDATA2LSB;
  const zeroFrom = layout.e_phoff + (layout.wide ? 8 : 4);
  clean.fill(0, zeroFrom, layout.e_phentsize);
  if (layout.wide) clean.writeBigUInt64LE(BigInt(layout.ehsize), layout.e_phoff);
  else clean.writeUInt32LE(layout.ehsize, layout.e_phoff);
  clean.set(table.bytes, layout.ehsize);
  return clean;
}

/** An error about a field of a program header. */
export function programError(
  headers: ElfHeaders,
  program: CheckedProgramHeader,
  message: string,
  field: PhdrField,
  value: bigint | number,
): FormatError {
  const at = PHDR[headers.arch][field];
  return new Structure(new Uint8Array(0), program.at).error(
    message,
    at,
    `${field} of program header ${program.index}`,
    value,
  );
}
