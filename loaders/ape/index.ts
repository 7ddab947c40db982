/**
 * Actually Portable Executables: one file that is a PE program, a shell script and, where the script says so, an ELF
 * program. What is done here is what the script does to the file (`--assimilate`) before it has the kernel run it:
 * the ELF header that it prints takes the place of the first bytes, and all else is ELF. The file is left as it is.
 * ape/specification.md of cosmopolitan.
 */
import {
  defineLoader,
  ForeignError,
  FormatError,
  head,
  type ProgramImage,
  type Source,
} from 'run-foreign/loader';
import { type ElfHeaders, headersOf, programError } from '../elf/header.ts';
import { imageOf } from '../elf/image.ts';
import { type PrintedHeader, printedHeaders, SCRIPT_SIZE } from './printed-header.ts';

const MAGIC_SIZE = 8;
const MAGICS = [
  { text: "MZqFpD='", name: 'APE' },
  { text: "jartsr='", name: 'APE without Windows' },
];
/** For trying the shell path: nobody may take such a file by itself, but who names the format gets it. */
const DEBUG_MAGIC = "APEDBG='";

/** Offsets and values of Elf64_Ehdr. */
const EI_CLASS = 4;
const ELFCLASS32 = 1;
const E_MACHINE = 18;
const EM_X86_64 = 62;
/** Others that such files may be for. */
const MACHINES: Readonly<Record<number, string>> = { 183: 'aarch64', 21: 'ppc64', 243: 'riscv' };

export const ape = defineLoader({
  name: 'ape',
  apiVersion: 1,
  kind: 'program',
  description:
    'Actually Portable Executables of cosmopolitan, by the ELF header in their shell script, for x86-64',
  magics: MAGICS.map(({ text, name }) => ({ offset: 0, bytes: Buffer.from(text, 'latin1'), name })),
  async probe(source) {
    const magic = await readMagic(source);
    return MAGICS.some(({ text }) => text === magic) ? 'exact' : null;
  },
  async load(source) {
    return { kind: 'image', image: await loadApe(source) };
  },
});

async function readMagic(source: Source): Promise<string> {
  return Buffer.from(await head(source, MAGIC_SIZE)).toString('latin1');
}

async function loadApe(source: Source): Promise<ProgramImage> {
  const magic = await readMagic(source);
  if (magic !== DEBUG_MAGIC && !MAGICS.some(({ text }) => text === magic)) {
    const value = `0x${Buffer.from(magic, 'latin1').toString('hex')}`;
    throw new FormatError('is no Actually Portable Executable', { offset: 0, field: 'magic', value });
  }
  const header = headerForUs(printedHeaders(await head(source, SCRIPT_SIZE)));
  if (header.u8(EI_CLASS) === ELFCLASS32)
    throw header.error('has a 32-bit ELF header', EI_CLASS, 'EI_CLASS', ELFCLASS32);
  const headers = await headersOf(header, source);
  refuseDynamic(headers);
  // As their own loader does it: a program then finds its file also where /proc/self/exe could not be set.
  return { format: 'ape', ...imageOf(headers, source), registers: { rdx: 'exe path' } };
}

/** The first one for x86-64: nothing but e_machine tells them apart. */
function headerForUs(headers: readonly PrintedHeader[]): PrintedHeader {
  const machines = headers.map((header) => header.u16(E_MACHINE));
  const ours = headers[machines.indexOf(EM_X86_64)];
  if (ours !== undefined) return ours;
  if (machines.length === 0) {
    const message = `has no ELF header in its first ${SCRIPT_SIZE} bytes`;
    throw new FormatError(message, { offset: 0, field: "printf '\\177ELF", value: 'none' });
  }
  const names = machines.map((machine) => MACHINES[machine] ?? `e_machine ${machine}`);
  throw new ForeignError('UNSUPPORTED', `holds a program for ${names.join(' and ')}, and none for x86-64`);
}

/** Such files are static: neither their own loader nor the systems they are for know of anything else. */
function refuseDynamic(headers: ElfHeaders): void {
  const program = headers.programs.find(({ type }) => type === 'interp' || type === 'dynamic');
  if (program === undefined) return;
  const message = `is not static: it has a PT_${program.type?.toUpperCase()}`;
  throw programError(headers, program, message, 'p_type', program.type === 'interp' ? 3 : 2);
}
