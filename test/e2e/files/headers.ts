/** The ELF header: its fields, and files that end inside it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EHDR, type ElfDescription, EM, ET, type Phdr, PT, putField } from '../../support/elf-writer.ts';
import { SAMPLES } from '../../support/run.ts';
import type { FileCase } from './case.ts';
import { type Bits, CODE, code, pie, program, text } from './program.ts';

type Header = NonNullable<ElfDescription['header']>;

const header = (title: string, fields: Header, bits: Bits = 64): FileCase => ({
  title: bits === 64 ? title : `${title}, 32-bit`,
  make: (box) => box.file('prog', program(bits, { header: fields })),
  ...(bits === 32 && { needs: 'i386' as const }),
});
const both = (title: string, fields: Header): FileCase[] => [
  header(title, fields, 64),
  header(title, fields, 32),
];
const bytes = (title: string, make: () => Uint8Array | string): FileCase => ({
  title,
  make: (box) => box.file('prog', make()),
});

const nulls = (count: number): Phdr[] => Array.from({ length: count }, () => ({ p_type: PT.NULL }));
/** Many program headers, which take the place of what else would lie there; the code is behind them. */
function many(count: number): Buffer {
  const size = 0x20000n;
  const at = 0x1f000;
  return program(64, {
    phdrs: [text(64, { p_filesz: size, p_memsz: size }), ...nulls(count - 1)],
    e_entry: 0x400000n + BigInt(at),
    content: [{ offset: at, bytes: code(64) }],
    size: Number(size),
  });
}

/**
 * The 32-bit program of 45 bytes: the file ends inside the ELF header, whose other fields are zeros to
 * the kernel, and the program header lies in the ELF header (at offset 4). Ends with status 42.
 */
function teensy(): Buffer {
  const file = Buffer.alloc(45);
  file.set([0x7f, 0x45, 0x4c, 0x46]);
  file.writeUInt32LE(PT.LOAD, 4); // p_type
  file.writeUInt32LE(0, 8); // p_offset
  file.writeUInt32LE(0x10000, 12); // p_vaddr
  file.writeUInt16LE(ET.EXEC, 16); // e_type, p_paddr
  file.writeUInt16LE(EM['386'], 18); // e_machine
  file.writeUInt32LE(0x10020, 20); // e_version, p_filesz
  file.writeUInt32LE(0x10020, 24); // e_entry, p_memsz
  file.writeUInt32LE(4, 28); // e_phoff, p_flags: PF_R is code's permission without PT_GNU_STACK
  file.set([0xb3, 42, 0x31, 0xc0, 0x40, 0xcd, 0x80], 32); // mov bl, 42; xor eax, eax; inc eax; int 0x80
  file.writeUInt16LE(0x34, 40); // e_ehsize
  file.writeUInt16LE(0x20, 42); // e_phentsize
  file[44] = 1; // e_phnum
  return file;
}

export const headers: readonly FileCase[] = [
  bytes('nothing wrong', () => program()),
  { ...bytes('nothing wrong, 32-bit', () => program(32)), needs: 'i386' },
  bytes('nothing wrong, static PIE', () => pie()),
  { ...bytes('nothing wrong, static PIE, 32-bit', () => pie(32)), needs: 'i386' },
  bytes('empty', () => ''),
  bytes('one byte', () => '\x7f'),
  bytes('the magic alone', () => '\x7fELF'),
  bytes('text without #!', () => 'echo hello\n'),
  {
    ...bytes('a Linux a.out program', () => readFileSync(join(SAMPLES, 'aout/hello-qmagic'))),
    needs: 'root',
    reason: 'that is what run-foreign is for',
  },
  bytes('zeros', () => new Uint8Array(4096)),
  bytes('ends in the ELF header', () => program().subarray(0, 40)),
  bytes('ends behind the ELF header', () => program().subarray(0, 64)),
  bytes('ends in the program headers', () => program().subarray(0, 100)),
  { ...bytes('ends in the ELF header, 32-bit', () => program(32).subarray(0, 40)), needs: 'i386' },
  { ...bytes('the 32-bit program of 45 bytes, shorter than its header', teensy), needs: 'i386' },
  ...both('EI_CLASS 0', { EI_CLASS: 0n }),
  header('EI_CLASS 1 (32-bit) in a 64-bit file', { EI_CLASS: 1n }),
  header('EI_CLASS 2 (64-bit) in a 32-bit file', { EI_CLASS: 2n }, 32),
  header('EI_DATA 2 (big-endian)', { EI_DATA: 2n }),
  header('EI_VERSION 0', { EI_VERSION: 0n }),
  header('e_version 99', { e_version: 99n }),
  header('e_flags all set', { e_flags: 0xffff_ffffn }),
  header('e_ehsize 1', { e_ehsize: 1n }),
  header('section headers past the end of the file', { e_shoff: 1n << 60n, e_shnum: 40n, e_shentsize: 64n }),
  header('e_machine 0', { e_machine: 0n }),
  header('e_machine 40 (ARM)', { e_machine: BigInt(EM.ARM) }),
  header('e_machine 6 (486)', { e_machine: 6n }, 32),
  header('e_machine 6 (486) in a 64-bit file', { e_machine: 6n }),
  header('e_machine 3 (386) in a 64-bit file', { e_machine: BigInt(EM['386']) }),
  header('e_machine 62 (x86-64) in a 32-bit file', { e_machine: BigInt(EM.X86_64) }, 32),
  header('e_type 0', { e_type: 0n }),
  ...both('e_type 1 (ET_REL)', { e_type: BigInt(ET.REL) }),
  header('e_type 4 (ET_CORE)', { e_type: BigInt(ET.CORE) }),
  header('e_type 0xfe00 (ET_LOOS)', { e_type: 0xfe00n }),
  header('e_phentsize 0', { e_phentsize: 0n }),
  ...both('e_phentsize 55', { e_phentsize: 55n }),
  header('e_phentsize 64', { e_phentsize: 64n }),
  ...both('e_phnum 0', { e_phnum: 0n }),
  ...both('e_phnum 0xffff', { e_phnum: 0xffffn }),
  bytes('1170 program headers, as many as fit into 64 KiB', () => many(1170)),
  bytes('1171 program headers', () => many(1171)),
  ...both('e_phoff at the end of the file', { e_phoff: 0x1000n }),
  header('e_phoff past the end of the file', { e_phoff: 0x10_0000n }),
  header('e_phoff 2^63 + 1', { e_phoff: (1n << 63n) + 1n }),
  header('e_phoff 0', { e_phoff: 0n }),
  bytes('program headers at an odd offset, in no segment', () => {
    const file = program();
    const moved = Buffer.concat([file, Buffer.of(0), file.subarray(64, 64 + 56)]);
    putField(moved, 64, 0, EHDR.e_phoff, BigInt(file.length + 1));
    return moved;
  }),
  header('e_entry 0', { e_entry: 0n }),
  header('e_entry right behind the code’s segment', { e_entry: 0x401000n }),
  header('e_entry in kernel addresses', { e_entry: 0xffff_8000_0000_0000n }),
  header('e_entry at TASK_SIZE', { e_entry: 0x7fff_ffff_f000n }),
  header('e_entry outside all segments', { e_entry: 0x12345n }, 32),
  header('e_entry above TASK_SIZE', { e_entry: 0xffff_f000n }, 32),
  bytes('e_entry in a segment without PF_X', () => program(64, { phdrs: [text(64, { p_flags: 6 })] })),
  {
    ...bytes('e_entry in a segment without PF_X, no PT_GNU_STACK, 32-bit', () =>
      program(32, { phdrs: [text(32, { p_flags: 6 })] }),
    ),
    needs: 'i386',
  },
  bytes('e_entry of a PIE outside its segments', () => pie(64, { e_entry: 0x10_0000n })),
  bytes('e_entry in the second of two segments', () =>
    program(64, {
      phdrs: [text(64, { p_flags: 4 }), text(64, { p_vaddr: 0x500000n })],
      e_entry: 0x500000n + BigInt(CODE),
    }),
  ),
];
