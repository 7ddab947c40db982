/** Program headers to segments: elf_load, total_mapping_size and maximum_alignment of fs/binfmt_elf.c. */
import { describe, expect, test } from 'vitest';
import { memorySource } from '../../src/source/memory.ts';
import {
  EHSIZE,
  type ElfDescription,
  ET,
  PF,
  PHDR,
  PHENTSIZE,
  type Phdr,
  PT,
  writeElf,
} from '../support/elf-writer.ts';
import { foreignError, formatError } from '../support/errors.ts';
import { ELF64_STATIC } from '../support/handmade.ts';
import { resolveSource } from '../support/resolve.ts';
import { fileLike } from '../support/sources.ts';

const load = async (description: ElfDescription) =>
  (await resolveSource(fileLike(writeElf(description), 3))).image;

const TEXT: Phdr = {
  p_type: PT.LOAD,
  p_flags: PF.RX,
  p_vaddr: 0x400000n,
  p_filesz: 0x1000n,
  p_memsz: 0x1000n,
};
const elf = (...phdrs: Phdr[]): ElfDescription => ({ bits: 64, e_entry: 0x400000n, phdrs, size: 0x4000 });
const segmentsOf = async (...phdrs: Phdr[]) => (await load(elf(...phdrs))).segments;

/** Where a field of a program header lies in the file. */
const at = (index: number, field: keyof typeof PHDR) =>
  EHSIZE[64] + index * PHENTSIZE[64] + PHDR[field][64][0];

describe('what is refused, with the field it is about', () => {
  test.each([
    ['more bytes in the file than in memory', { p_filesz: 0x2000n }, 'p_filesz'],
    [
      'zeros behind bytes past the end of the file',
      { p_flags: PF.RW, p_offset: 0x4000n, p_filesz: 0x10n, p_memsz: 0x11n },
      'p_offset',
    ],
    [
      'zeros behind bytes that begin inside the file and end in a page past it',
      { p_flags: PF.RW, p_offset: 0x3000n, p_filesz: 0x1001n, p_memsz: 0x1002n },
      'p_offset',
    ],
    ['another place in the page in memory than in the file', { p_vaddr: 0x400010n }, 'p_offset'],
    ['an offset in the middle of a page', { p_offset: 0x10n, p_filesz: 0x100n, p_memsz: 0x100n }, 'p_offset'],
  ] as const)('%s', async (_, changes, field) => {
    const changed: Phdr = { ...TEXT, ...changes };
    const error = await formatError(() => load(elf({ p_type: PT.NULL }, changed)));
    expect(error.code).toBe('BAD_FORMAT');
    expect(error.location.offset).toBe(at(1, field));
    expect(error.location.field).toBe(`${field} of program header 1`);
    expect(BigInt(error.location.value)).toBe(changed[field] ?? 0n);
  });

  test.each(['p_offset', 'p_vaddr', 'p_filesz', 'p_memsz'] as const)(
    '%s above 2^53, exactly',
    async (field) => {
      for (const value of [1n << 53n, (1n << 53n) + 1n, (1n << 64n) - 1n]) {
        const error = await formatError(() => load(elf({ ...TEXT, [field]: value })));
        expect(error.location).toEqual({
          offset: at(0, field),
          field: `${field} of program header 0`,
          value,
        });
      }
    },
  );

  test('no PT_LOAD at all, or none with memory', async () => {
    const empty = { ...TEXT, p_filesz: 0n, p_memsz: 0n };
    for (const phdrs of [[{ p_type: PT.NOTE }], [empty]]) {
      const error = await formatError(() => load(elf(...phdrs)));
      expect(error.location).toMatchObject({ offset: EHSIZE[64], field: 'p_type' });
    }
  });

  test('a PT_LOAD with bytes in the file but no memory: Linux kills the program there', async () => {
    await foreignError(() => load(elf(TEXT, { ...TEXT, p_vaddr: 0x500000n, p_memsz: 0n })));
  });
});

describe('what is accepted although it looks wrong', () => {
  test('values above 2^53 in p_paddr and p_align', async () => {
    const huge = (1n << 64n) - 1n;
    expect(await segmentsOf({ ...TEXT, p_paddr: huge, p_align: huge })).toHaveLength(1);
    expect(await segmentsOf({ ...TEXT, p_paddr: 1n << 53n, p_align: (1n << 53n) + 1n })).toHaveLength(1);
  });

  test('nonsense in headers that are neither PT_LOAD nor PT_INTERP', async () => {
    const huge = (1n << 64n) - 1n;
    const nonsense = { p_offset: huge, p_vaddr: huge, p_filesz: huge, p_memsz: 1n, p_flags: 0xffff_ffff };
    for (const p_type of [PT.DYNAMIC, PT.NOTE, 7, 0x6474e550, 0x7fff_ffff, 0xffff_ffff])
      expect(await segmentsOf(TEXT, { p_type, ...nonsense })).toHaveLength(1);
  });

  test.each([0n, 1n, 3n, 0x1001n, 0x3000n])('a p_align of %s does not move a PIE’s base', async (p_align) => {
    const image = await load({ ...elf({ ...TEXT, p_align }), e_type: ET.DYN });
    expect(image.placement).toEqual({ kind: 'mmap', align: 0x1000n, anchor: TEXT.p_vaddr });
  });

  test('PT_LOADs in any order keep it, so that later ones lie over earlier ones', async () => {
    const high = { ...TEXT, p_vaddr: 0x600000n };
    expect((await segmentsOf(high, TEXT)).map(({ address }) => address)).toEqual([0x600000n, 0x400000n]);
  });

  test('two PT_LOADs over the same page', async () => {
    const second = {
      ...TEXT,
      p_flags: PF.RW,
      p_offset: 0x1800n,
      p_vaddr: 0x400800n,
      p_filesz: 0x10n,
      p_memsz: 0x10n,
    };
    const [, over] = await segmentsOf(TEXT, second);
    expect(over).toMatchObject({ address: 0x400000n, content: { offset: 0x1000 } });
  });

  test('an offset of nonsense where there are no bytes', async () => {
    for (const p_offset of [0x123n, 1n << 40n, (1n << 64n) - 1n])
      expect(await segmentsOf(TEXT, { ...TEXT, p_flags: PF.RW, p_offset, p_filesz: 0n })).toHaveLength(2);
  });

  test('alignments larger than any address space', async () => {
    for (const p_align of [1n << 53n, 1n << 63n]) {
      const image = await load({ ...elf({ ...TEXT, p_align }), e_type: ET.DYN });
      expect(image.placement).toEqual({ kind: 'mmap', align: p_align, anchor: TEXT.p_vaddr });
    }
    // 2^63 + 1 is 2^63 to who counts in doubles.
    const image = await load({ ...elf({ ...TEXT, p_align: (1n << 63n) + 1n }), e_type: ET.DYN });
    expect(image.placement).toEqual({ kind: 'mmap', align: 0x1000n, anchor: TEXT.p_vaddr });
  });

  test('unknown bits in p_flags', async () => {
    const [only] = await segmentsOf({ ...TEXT, p_flags: 0xffff_fff5 });
    expect(only?.protection).toEqual({ read: true, write: false, execute: true });
  });
});

describe('memory', () => {
  test('begins at the page, with the bytes of the file that lie before in it', async () => {
    const middle = { ...TEXT, p_offset: 0x1234n, p_vaddr: 0x401234n, p_filesz: 0x100n, p_memsz: 0x100n };
    const [only] = await segmentsOf(middle);
    expect(only).toMatchObject({ address: 0x401000n, content: { offset: 0x1000 } });
  });

  test('of a segment that is no larger than its bytes ends with the page, as the file has it', async () => {
    const [only] = await segmentsOf({ ...TEXT, p_filesz: 0x10n, p_memsz: 0x10n });
    expect(only).toMatchObject({ size: 0x1000n, content: { offset: 0, size: 0x1000 } });
  });

  test('of the last page of a short file ends with the file', async () => {
    const description = { ...elf({ ...TEXT, p_filesz: 0x10n, p_memsz: 0x10n }), size: 0x123 };
    expect((await load(description)).segments[0]).toMatchObject({ size: 0x123n, content: { size: 0x123 } });
  });

  test('behind a writable segment’s bytes is zeroed, and whole pages after it are anonymous', async () => {
    const bss = { ...TEXT, p_flags: PF.RW, p_filesz: 0x234n, p_memsz: 0x2100n };
    const [data, zeros] = await segmentsOf(bss);
    expect(data).toMatchObject({ size: 0x1000n, content: { offset: 0, size: 0x234 } });
    expect(zeros).toMatchObject({ address: 0x401000n, size: 0x1100n });
    expect(zeros?.content).toBeUndefined();
  });

  test('behind a read-only segment’s bytes keeps what the file has in the page (padzero is refused)', async () => {
    const [data, zeros] = await segmentsOf({ ...TEXT, p_flags: PF.R, p_filesz: 0x234n, p_memsz: 0x2100n });
    expect(data).toMatchObject({ size: 0x1000n, content: { size: 0x1000 } });
    expect(zeros?.protection).toEqual({ read: true, write: true, execute: false });
  });

  test('without bytes is readable and writable whatever p_flags says, executable if it says so', async () => {
    for (const p_flags of [0, PF.R, PF.W, PF.RW, PF.X, PF.RWX]) {
      const [, zeros] = await segmentsOf(TEXT, {
        ...TEXT,
        p_flags,
        p_vaddr: 0x500123n,
        p_filesz: 0n,
        p_memsz: 0x10n,
      });
      expect(zeros).toMatchObject({ address: 0x500000n, size: 0x133n });
      expect(zeros?.protection).toEqual({ read: true, write: true, execute: (p_flags & PF.X) !== 0 });
    }
  });
});

describe('past the end of the file', () => {
  const beyond: readonly [string, Partial<Phdr>, number][] = [
    ['bytes that begin at it', { p_offset: 0x4000n }, 0x1000],
    ['bytes that begin after it', { p_offset: 0x10_0000n, p_filesz: 0x10n, p_memsz: 0x10n }, 0x1000],
    ['bytes that reach past it', { p_offset: 0x3000n, p_filesz: 0x1001n, p_memsz: 0x1001n }, 0x2000],
  ];

  test.each(beyond)('%s are whole pages of a file', async (_, changes, size) => {
    const [only] = await segmentsOf({ ...TEXT, ...changes });
    expect(only).toMatchObject({ size: BigInt(size), content: { offset: Number(changes.p_offset), size } });
  });

  test('zeros behind them need a page to be written in that the file has, or a new one', async () => {
    const bss = { ...TEXT, p_flags: PF.RW, p_offset: 0x3000n, p_memsz: 0x5000n };
    const short = { ...elf(bss), size: 0x3001 };
    const [data] = (await load({ ...short, phdrs: [{ ...bss, p_filesz: 0x800n }] })).segments;
    expect(data).toMatchObject({ content: { offset: 0x3000, size: 0x800 } });
    expect((await load({ ...short, phdrs: [{ ...bss, p_filesz: 0x2000n }] })).segments).toHaveLength(2);
    const readOnly = { ...bss, p_flags: PF.R, p_filesz: 0x1800n };
    expect((await load({ ...short, phdrs: [readOnly] })).segments).toHaveLength(2);
  });

  test.each(beyond)('%s are refused where nothing can be mapped', async (_, changes) => {
    const bytes = writeElf(elf({ ...TEXT, ...changes }));
    for (const source of [memorySource(bytes, 'memory'), fileLike(bytes, 3, 'wrapped', 0x15)]) {
      const error = await formatError(() => resolveSource(source));
      expect(error.message).toContain('is truncated');
      expect(error.location.offset).toBe(at(0, 'p_offset'));
    }
    const confidential = { ...fileLike(bytes, 3), confidential: true };
    expect(await foreignError(() => resolveSource(confidential))).toMatchObject({ code: 'BAD_FORMAT' });
  });
});

describe('start_code … brk', () => {
  test('are computed as load_elf_binary does', async () => {
    const image = await load(ELF64_STATIC);
    expect(image.code).toEqual({ start: 0x401000n, end: 0x401080n });
    expect(image.data).toEqual({ start: 0x403e00n, end: 0x404200n });
    expect(image.brk.end).toBeGreaterThanOrEqual(0x406600n);
    expect(image.brk.randomize).toBe(true);
  });

  test('code is the span of all executable segments, data begins with the highest', async () => {
    const image = await load(
      elf({ ...TEXT, p_vaddr: 0x600000n }, TEXT, { ...TEXT, p_flags: PF.RW, p_vaddr: 0x500000n }),
    );
    expect(image.code).toEqual({ start: 0x400000n, end: 0x601000n });
    expect(image.data).toEqual({ start: 0x600000n, end: 0x601000n });
  });
});

describe('AT_PHDR', () => {
  test('is where the segment that holds the table puts it', async () => {
    expect((await load(elf(TEXT))).phdr?.address).toBe(0x400040n);
  });

  test('is in the last segment that holds the table, where several do (load_elf_binary does not stop)', async () => {
    const image = await load(elf(TEXT, { ...TEXT, p_vaddr: 0x500000n }));
    expect(image.phdr?.address).toBe(0x500040n);
  });

  test('is the base alone where no segment holds the table', async () => {
    expect((await load(elf({ ...TEXT, p_offset: 0x1000n }))).phdr?.address).toBe(0n);
  });
});

test.each([
  [ET.EXEC, 0x1000n, { kind: 'fixed' }],
  [ET.DYN, 0x200000n, { kind: 'mmap', align: 0x200000n, anchor: TEXT.p_vaddr }],
] as const)('e_type %i with p_align %s is placed %o', async (e_type, p_align, placement) => {
  expect((await load({ ...elf({ ...TEXT, p_align }), e_type })).placement).toEqual(placement);
});
