/** The ELF header: what Linux accepts and refuses (load_elf_binary, load_elf_phdrs), and true errors. */
import { describe, expect, test } from 'vitest';
import {
  EHDR,
  EHSIZE,
  type ElfDescription,
  EM,
  ET,
  PF,
  PHENTSIZE,
  PT,
  putField,
  writeElf,
} from '../support/elf-writer.ts';
import { foreignError, formatError } from '../support/errors.ts';
import { ELF32_STATIC, ELF64_STATIC } from '../support/handmade.ts';
import { resolveSource } from '../support/resolve.ts';
import { fileLike } from '../support/sources.ts';

const load = (bytes: Uint8Array) => resolveSource(fileLike(bytes, 3));
const variants: [string, ElfDescription][] = [
  ['64-bit', ELF64_STATIC],
  ['32-bit', ELF32_STATIC],
];

describe.each(variants)('%s', (_, description) => {
  const { bits } = description;
  const changed = (field: keyof typeof EHDR, value: bigint) => {
    const bytes = writeElf(description);
    putField(bytes, bits, 0, EHDR[field], value);
    return bytes;
  };

  test('a good file yields what its headers say', async () => {
    const { image } = await load(writeElf(description));
    expect(image).toMatchObject({
      format: 'elf',
      variant: 'static',
      arch: bits === 64 ? 'x86_64' : 'i386',
      placement: { kind: 'fixed' },
      entry: description.e_entry,
      phdr: { entrySize: PHENTSIZE[bits], count: description.phdrs.length },
    });
    expect(image.phdr?.address).toBe((description.phdrs[0]?.p_vaddr ?? 0n) + BigInt(EHSIZE[bits]));
  });

  test.each([
    ['EI_CLASS', 0n],
    ['EI_CLASS', 9n],
    ['EI_DATA', 2n],
    ['EI_DATA', 77n],
    ['EI_VERSION', 0n],
    ['e_version', 99n],
    ['e_flags', 0xffff_ffffn],
    ['e_ehsize', 1n],
    ['e_shoff', 0xffff_fff0n],
    ['e_shnum', 0xffffn],
    ['e_shentsize', 3n],
    ['e_shstrndx', 0xffffn],
  ] as const)('%s = %s changes nothing: Linux does not look', async (field, value) => {
    const [odd, good] = [await load(changed(field, value)), await load(writeElf(description))];
    const seen = ({ image }: typeof odd) => ({
      ...image,
      segments: image.segments.map(({ address }) => address),
    });
    expect(seen(odd)).toEqual(seen(good));
  });

  test('a section table past the end of the file does not matter', async () => {
    const bytes = changed('e_shoff', bits === 64 ? 1n << 60n : 0xffff_0000n);
    putField(bytes, bits, 0, EHDR.e_shnum, 40n);
    expect((await load(bytes)).image.segments.length).toBeGreaterThan(0);
  });

  test.each([
    ['e_machine', BigInt(EM.M32R)],
    ['e_machine', 0n],
    ['e_type', BigInt(ET.REL)],
    ['e_type', 0n],
    ['e_type', 0xfe00n],
    ['e_phentsize', 0n],
    ['e_phentsize', BigInt(PHENTSIZE[bits] + 1)],
    ['e_phentsize', BigInt(PHENTSIZE[bits === 64 ? 32 : 64])],
    ['e_phnum', 0n],
    ['e_phnum', 0xffffn],
  ] as const)('%s = %s is refused, with where it is and what was found', async (field, value) => {
    const error = await formatError(() => load(changed(field, value)));
    expect(error).toMatchObject({ code: 'BAD_FORMAT', exitCode: 126, subject: 'file 3' });
    expect(error.location.field).toBe(field);
    expect(error.location.offset).toBe(EHDR[field][bits][0]);
    expect(BigInt(error.location.value)).toBe(value);
  });

  test('more than 64 KiB of program headers are refused, as many as fit are not', async () => {
    const most = Math.floor(65536 / PHENTSIZE[bits]);
    const nulls = (count: number) => Array.from({ length: count }, () => ({ p_type: PT.NULL }));
    const phdrs = (count: number) => [...description.phdrs, ...nulls(count - description.phdrs.length)];
    // The table grows over the text's bytes, so the file only has to be long enough.
    const make = (count: number) =>
      writeElf({ bits, phdrs: phdrs(count), e_entry: description.e_entry ?? 0n });
    expect((await load(make(most))).image.phdr?.count).toBe(most);
    const error = await formatError(() => load(make(most + 1)));
    expect(error.location.field).toBe('e_phnum');
  });

  test('program headers past the end of the file are refused at the table’s place', async () => {
    const size = BigInt(writeElf(description).length);
    for (const value of [size, size - 1n, size + 0x1000n]) {
      const error = await formatError(() => load(changed('e_phoff', value)));
      expect(error.location).toMatchObject({ offset: Number(value), field: 'program headers' });
    }
  });

  test('a file cut off anywhere in its headers is a typed error, never another', async () => {
    const whole = writeElf(description);
    const end = EHSIZE[bits] + description.phdrs.length * PHENTSIZE[bits];
    for (let length = 0; length < end; length++) {
      const error = await foreignError(() => load(whole.subarray(0, length)));
      if (length < 4) expect([length, error.code]).toEqual([length, 'UNKNOWN_FORMAT']);
      else expect([length, error.code]).toEqual([length, 'BAD_FORMAT']);
    }
  });

  test('program headers need not follow the header, nor be aligned', async () => {
    const bytes = writeElf(description);
    const table = bytes.subarray(EHSIZE[bits], EHSIZE[bits] + description.phdrs.length * PHENTSIZE[bits]);
    const moved = Buffer.concat([bytes, Buffer.of(0), table]);
    putField(moved, bits, 0, EHDR.e_phoff, BigInt(bytes.length + 1));
    const { image } = await load(moved);
    expect(image.segments.map(({ address }) => address)).toEqual(
      (await load(bytes)).image.segments.map(({ address }) => address),
    );
    // The table lies in no segment now.
    expect(image.phdr?.address).toBe(0n);
  });

  test('a file may end inside its header, behind e_phnum: the rest is zeros to the kernel', async () => {
    // The program header lies over the ELF header's end, and the file's last bytes are e_phnum.
    const bytes = Buffer.alloc(EHSIZE[bits] + PHENTSIZE[bits]);
    bytes.set(writeElf({ bits, phdrs: [] }));
    putField(bytes, bits, 0, EHDR.e_phnum, 1n);
    const [at, size] = EHDR.e_phnum[bits];
    const short = bytes.subarray(0, at + size);
    const phoff = BigInt(short.length - PHENTSIZE[bits]);
    putField(short, bits, 0, EHDR.e_phoff, phoff);
    // Of whatever type that makes it, it is read and found to be no PT_LOAD.
    const error = await formatError(() => load(short));
    expect(error.location.field).toBe('p_type');
    const none = await formatError(() => load(short.subarray(0, at)));
    expect(none.location.field).toBe('ELF header');
  });

  test('the entry point is not looked at here, only carried', async () => {
    const value = bits === 64 ? 0xffff_8000_0000_1000n : 0xffff_1000n;
    expect((await load(changed('e_entry', value))).image.entry).toBe(value);
  });
});

test('a program for the 486 is an i386 program, but not in a 64-bit file', async () => {
  const of = (description: ElfDescription) => writeElf({ ...description, header: { e_machine: 6n } });
  expect((await load(of(ELF32_STATIC))).image.arch).toBe('i386');
  await formatError(() => load(of(ELF64_STATIC)));
});

test('64-bit values above 2^53 in e_phoff are refused with the exact value', async () => {
  const bytes = writeElf(ELF64_STATIC);
  const value = (1n << 63n) + 1n;
  putField(bytes, 64, 0, EHDR.e_phoff, value);
  const error = await formatError(() => load(bytes));
  expect(error.location).toEqual({ offset: 32, field: 'e_phoff', value });
});

test.each([
  [[], 'none'],
  [[{ p_type: PT.GNU_STACK, p_flags: PF.RW }], 'none'],
  [[{ p_type: PT.GNU_STACK, p_flags: PF.RWX }], 'stack'],
  [
    [
      { p_type: PT.GNU_STACK, p_flags: PF.RWX },
      { p_type: PT.GNU_STACK, p_flags: PF.RW },
    ],
    'none',
  ],
] as const)('PT_GNU_STACK headers %j of a 64-bit program mean: %s', async (stacks, execution) => {
  const phdrs = [...ELF64_STATIC.phdrs.filter(({ p_type }) => p_type === PT.LOAD), ...stacks];
  const { image } = await load(writeElf({ ...ELF64_STATIC, phdrs }));
  expect(image.stack).toEqual({ layout: 'sysv', execution });
});

test('without PT_GNU_STACK everything readable in a 32-bit program is executable', async () => {
  const { image } = await load(writeElf(ELF32_STATIC));
  expect(image.stack.execution).toBe('everything-readable');
});
