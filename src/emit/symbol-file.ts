/**
 * An ELF file that holds no code, only what debuggers ask of a program's file: where its memory is, where it begins and
 * what the places are called. For programs whose own format they do not read. Its sections have addresses and
 * no bytes (SHT_NOBITS), so whatever is read is read from the process. ELF-64 Object File Format, "Sections", "Symbol Table".
 */
import type { Arch, Segment } from '../image/image.ts';
import type { Machine } from './machine.ts';
import { MACHINES } from './machines.ts';

/** A name of a place in memory. */
export interface NamedPlace {
  readonly name: Uint8Array;
  readonly address: bigint;
  readonly kind: 'code' | 'data' | 'other';
  readonly global: boolean;
}

export interface SymbolFile {
  readonly arch: Arch;
  /** Whether the addresses are where the program will be; else they count from where it is put. */
  readonly fixed: boolean;
  readonly entry: bigint;
  readonly segments: readonly Pick<Segment, 'address' | 'size' | 'protection'>[];
  readonly symbols: readonly NamedPlace[];
}

const ET = { EXEC: 2, DYN: 3 };
const SHT = { SYMTAB: 2, STRTAB: 3, NOBITS: 8 };
const SHF = { WRITE: 1, ALLOC: 2, EXECINSTR: 4 };
const SHN_ABS = 0xfff1;
const STB = { LOCAL: 0, GLOBAL: 1 };
const STT = { other: 0, data: 1, code: 2 };

interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly address: bigint;
  readonly size: bigint;
  readonly link: number;
  readonly info: number;
  readonly entrySize: number;
  readonly bytes: Uint8Array;
}

const NOTHING = new Uint8Array(0);
const PLAIN = { flags: 0, address: 0n, link: 0, info: 0, entrySize: 0, bytes: NOTHING };

export function emitSymbolFile(file: SymbolFile): Uint8Array {
  const machine = MACHINES[file.arch];
  const memory = file.segments.map(memorySection);
  const symbols = symbolTable(file.symbols, file.segments, machine, memory.length + 2);
  const names = stringTable(
    [...memory.map(({ name }) => name), '.symtab', '.strtab', '.shstrtab'].map(bytesOf),
  );
  const sections = [
    { ...PLAIN, name: '', type: 0, size: 0n },
    ...memory,
    ...symbols,
    { ...PLAIN, name: '.shstrtab', type: SHT.STRTAB, size: BigInt(names.bytes.length), bytes: names.bytes },
  ];
  return assemble(file, machine, sections, [0, ...names.offsets]);
}

const bytesOf = (text: string): Uint8Array => Buffer.from(text);

/** Debuggers go by the names of the first of a kind. */
function memorySection(
  { address, size, protection }: SymbolFile['segments'][number],
  index: number,
): Section {
  const flags = SHF.ALLOC | (protection.write ? SHF.WRITE : 0) | (protection.execute ? SHF.EXECINSTR : 0);
  const name = index === 0 ? '.text' : `.segment${index}`;
  return { ...PLAIN, name, type: SHT.NOBITS, flags, address, size };
}

/** The table and its strings, of which the table is to know the section's number. */
function symbolTable(
  symbols: readonly NamedPlace[],
  segments: SymbolFile['segments'],
  machine: Machine,
  stringsAt: number,
): [Section, Section] {
  const ordered = [...symbols].sort((one, other) => Number(one.global) - Number(other.global));
  const strings = stringTable(ordered.map(({ name }) => name));
  const entrySize = machine.bits === 64 ? 24 : 16;
  const bytes = new Uint8Array((ordered.length + 1) * entrySize);
  const view = new DataView(bytes.buffer);
  ordered.forEach(({ address, kind, global }, index) => {
    const at = (index + 1) * entrySize;
    const within = segments.findIndex(
      (each) => address >= each.address && address < each.address + each.size,
    );
    const info = ((global ? STB.GLOBAL : STB.LOCAL) << 4) | STT[kind];
    const section = within < 0 ? SHN_ABS : within + 1;
    view.setUint32(at, strings.offsets[index] ?? 0, true);
    if (machine.bits === 64) view.setBigUint64(at + 8, address, true);
    else view.setUint32(at + 4, Number(address), true);
    view.setUint8(at + (machine.bits === 64 ? 4 : 12), info);
    view.setUint16(at + (machine.bits === 64 ? 6 : 14), section, true);
  });
  // sh_info of a symbol table is the number of the first that is global.
  const info = 1 + ordered.filter(({ global }) => !global).length;
  const table = { ...PLAIN, name: '.symtab', type: SHT.SYMTAB, link: stringsAt, info, entrySize, bytes };
  return [
    { ...table, size: BigInt(bytes.length) },
    {
      ...PLAIN,
      name: '.strtab',
      type: SHT.STRTAB,
      size: BigInt(strings.bytes.length),
      bytes: strings.bytes,
    },
  ];
}

function stringTable(strings: readonly Uint8Array[]): { bytes: Uint8Array; offsets: number[] } {
  const end = Buffer.of(0);
  let size = 1;
  const offsets = strings.map((string) => {
    const at = size;
    size += string.length + 1;
    return at;
  });
  return { bytes: Buffer.concat([end, ...strings.flatMap((string) => [string, end])]), offsets };
}

/** Header, section headers, and what is in the sections. */
function assemble(
  { fixed, entry }: SymbolFile,
  machine: Machine,
  sections: readonly Section[],
  names: readonly number[],
): Uint8Array {
  const wide = machine.bits === 64;
  const [ehsize, shentsize, word] = wide ? [64, 64, 8] : [52, 40, 4];
  const headers = new Uint8Array(ehsize + sections.length * shentsize);
  const view = new DataView(headers.buffer);
  const setWord = (at: number, value: bigint) =>
    wide ? view.setBigUint64(at, value, true) : view.setUint32(at, Number(value), true);
  headers.set([0x7f, 0x45, 0x4c, 0x46, machine.elf.class, 1, 1]);
  view.setUint16(16, fixed ? ET.EXEC : ET.DYN, true);
  view.setUint16(18, machine.elf.machine, true);
  view.setUint32(20, 1, true);
  setWord(24, entry);
  setWord(24 + 2 * word, BigInt(ehsize));
  const after = 24 + 3 * word + 4;
  view.setUint16(after, ehsize, true);
  view.setUint16(after + 6, shentsize, true);
  view.setUint16(after + 8, sections.length, true);
  view.setUint16(after + 10, sections.length - 1, true);
  let end = headers.length;
  sections.forEach((section, index) => {
    const at = ehsize + index * shentsize;
    view.setUint32(at, names[index] ?? 0, true);
    view.setUint32(at + 4, section.type, true);
    const { address, size, flags } = section;
    [BigInt(flags), address, BigInt(index === 0 ? 0 : end), size].forEach((value, field) => {
      setWord(at + 8 + field * word, value);
    });
    const links = at + 8 + 4 * word;
    view.setUint32(links, section.link, true);
    view.setUint32(links + 4, section.info, true);
    setWord(links + 8, index === 0 ? 0n : 1n);
    setWord(links + 8 + word, BigInt(section.entrySize));
    end += section.bytes.length;
  });
  return Buffer.concat([headers, ...sections.map(({ bytes }) => bytes)]);
}
