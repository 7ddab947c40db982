/**
 * The smallest ELF file the kernel starts: one segment from the file, one of zeros after it, and the
 * word about the stack. ELF-64 Object File Format, "ELF Header" and "Program Header".
 */
import type { StackExecution } from '../image/image.ts';
import type { Machine } from './machine.ts';

const PT_LOAD = 1;
const PT_GNU_STACK = 0x6474e551;
const PF = { X: 1, W: 2, R: 4 };
const ET_EXEC = 2;

export interface StubFile {
  readonly machine: Machine;
  /** Where the file's first byte is mapped. */
  readonly address: bigint;
  readonly entry: bigint;
  readonly data: { readonly address: bigint; readonly size: bigint };
  readonly execution: StackExecution;
  /** Bytes from the file's start, headers included. */
  readonly size: bigint;
}

export function headersSize(machine: Machine): number {
  return machine.bits === 64 ? 64 + 3 * 56 : 52 + 3 * 32;
}

/** The ELF header and its program headers. */
export function elfHeaders(file: StubFile): Uint8Array {
  const { machine, execution } = file;
  const wide = machine.bits === 64;
  const [ehsize, phentsize] = wide ? [64, 56] : [52, 32];
  const bytes = new Uint8Array(headersSize(machine));
  const view = new DataView(bytes.buffer);
  const word = (offset: number, value: bigint) =>
    wide ? view.setBigUint64(offset, value, true) : view.setUint32(offset, Number(value), true);
  const size = wide ? 8 : 4;

  const segments = [
    { type: PT_LOAD, flags: PF.R | PF.X, address: file.address, filesz: file.size, memsz: file.size },
    { type: PT_LOAD, flags: PF.R | PF.W, address: file.data.address, filesz: 0n, memsz: file.data.size },
    // Without this header the kernel makes everything readable executable, in 32-bit programs.
    ...(execution === 'everything-readable'
      ? []
      : [
          {
            type: PT_GNU_STACK,
            flags: PF.R | PF.W | (execution === 'stack' ? PF.X : 0),
            address: 0n,
            filesz: 0n,
            memsz: 0n,
          },
        ]),
  ];

  bytes.set([0x7f, 0x45, 0x4c, 0x46, machine.elf.class, 1, 1]);
  view.setUint16(16, ET_EXEC, true);
  view.setUint16(18, machine.elf.machine, true);
  view.setUint32(20, 1, true);
  word(24, file.entry);
  word(24 + size, BigInt(ehsize));
  const after = 24 + 3 * size + 4;
  view.setUint16(after, ehsize, true);
  view.setUint16(after + 2, phentsize, true);
  view.setUint16(after + 4, segments.length, true);

  segments.forEach((segment, index) => {
    const at = ehsize + index * phentsize;
    const { type, flags, address, filesz, memsz } = segment;
    view.setUint32(at, type, true);
    view.setUint32(at + (wide ? 4 : 24), flags, true);
    const fields = [0n, address, address, filesz, memsz];
    fields.forEach((value, field) => {
      word(at + (wide ? 8 : 4) + field * size, value);
    });
    word(at + (wide ? 48 : 28), 4096n);
  });
  return bytes;
}
