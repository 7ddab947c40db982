/** PT_INTERP: the name, the file it names, and whose fault an error is. */
import { describe, expect, test } from 'vitest';
import {
  EHDR,
  EHSIZE,
  type ElfDescription,
  EM,
  ET,
  PF,
  PHDR,
  PHENTSIZE,
  type Phdr,
  PT,
  writeElf,
} from '../support/elf-writer.ts';
import { foreignError, formatError } from '../support/errors.ts';
import { ELF32_STATIC, ELF64_PIE, INTERPRETER, INTERPRETER_PATH } from '../support/handmade.ts';
import { contextOf, resolveSource } from '../support/resolve.ts';
import { fileLike, text } from '../support/sources.ts';

const GOOD = writeElf(INTERPRETER);
const NAME_OFFSET = 0x300;

/** The PIE with another interpreter name. */
function named(name: string, changes: Partial<Phdr> = {}): Buffer {
  const phdrs = ELF64_PIE.phdrs.map((phdr) =>
    phdr.p_type === PT.INTERP ? { ...phdr, p_filesz: BigInt(name.length), ...changes } : phdr,
  );
  const content = [{ offset: NAME_OFFSET, bytes: text(name) }];
  return writeElf({ ...ELF64_PIE, phdrs, content, size: 0x2000 });
}

const load = (program: Uint8Array, interpreter: Uint8Array = GOOD, path = INTERPRETER_PATH) =>
  resolveSource(fileLike(program, 3, 'program'), { [path]: interpreter });

const at = (field: keyof typeof PHDR) => EHSIZE[64] + PHDR[field][64][0];

test('a program with an interpreter is dynamic, and the interpreter is placed by the kernel', async () => {
  const { image, argv } = await load(writeElf(ELF64_PIE));
  expect(image).toMatchObject({ variant: 'dynamic PIE', placement: { kind: 'pie', align: 0x1000n } });
  expect(image.interpreter).toMatchObject({ placement: { kind: 'mmap' }, entry: 0x1040n });
  expect(image.interpreter?.source.name).toBe(INTERPRETER_PATH);
  expect(argv).toHaveLength(1);
});

test('an interpreter may have a fixed place', async () => {
  const fixed: ElfDescription = { ...INTERPRETER, e_type: ET.EXEC };
  expect((await load(writeElf(ELF64_PIE), writeElf(fixed))).image.interpreter?.placement).toEqual({
    kind: 'fixed',
  });
});

describe('the name', () => {
  test('ends at its first NUL', async () => {
    const bytes = named(`${INTERPRETER_PATH}\0ignored\0`);
    expect((await load(bytes)).image.interpreter?.source.name).toBe(INTERPRETER_PATH);
  });

  test('of the first PT_INTERP counts', async () => {
    const phdrs = [...ELF64_PIE.phdrs, { p_type: PT.INTERP, p_offset: 0x1000n, p_filesz: 2n }];
    expect((await load(writeElf({ ...ELF64_PIE, phdrs }))).image.interpreter).toBeDefined();
  });

  test.each([
    ['is shorter than any name', '\0', 'p_filesz', 1n],
    ['has no bytes at all', '', 'p_filesz', 0n],
    ['is longer than PATH_MAX', `${'/x'.repeat(2048)}\0`, 'p_filesz', 4097n],
    ['does not end in NUL', '/handmade/ld.soX', 'p_offset', BigInt(NAME_OFFSET)],
  ] as const)('that %s is refused', async (_, name, field, value) => {
    const error = await formatError(() => load(named(name)));
    expect(error.location).toMatchObject({ offset: at(field), field: `${field} of program header 0` });
    expect(BigInt(error.location.value)).toBe(value);
    expect(error.subject).toBe('program');
  });

  test('past the end of the file is refused', async () => {
    for (const p_offset of [0x2000n, 0x1fffn, 1n << 52n]) {
      const error = await formatError(() => load(named(`${INTERPRETER_PATH}\0`, { p_offset })));
      expect(error.location.offset).toBe(at('p_offset'));
      expect(BigInt(error.location.value)).toBe(p_offset);
    }
  });

  test('of exactly PATH_MAX bytes is a name like others', async () => {
    const path = '/y'.repeat(2047).concat('z');
    expect((await load(named(`${path}\0`), GOOD, path)).image.interpreter?.source.name).toBe(path);
  });

  test('of a file that is missing is PROGRAM_NOT_FOUND', async () => {
    const error = await foreignError(() => load(named('/no/such/ld.so\0')));
    expect(error).toMatchObject({ code: 'PROGRAM_NOT_FOUND', exitCode: 127 });
  });

  test('that is empty is asked for like any other', async () => {
    expect((await load(named('\0\0'), GOOD, '')).image.interpreter?.source.name).toBe('');
  });

  test('of nonsense in headers other than the first is not looked at', async () => {
    const huge = (1n << 64n) - 1n;
    const second = { p_type: PT.INTERP, p_offset: huge, p_vaddr: huge, p_filesz: huge, p_memsz: huge };
    const bytes = writeElf({ ...ELF64_PIE, phdrs: [...ELF64_PIE.phdrs, second] });
    expect((await load(bytes)).image.interpreter).toBeDefined();
  });

  test('has an offset and a length that matter, and nothing else', async () => {
    const huge = (1n << 64n) - 1n;
    const good = `${INTERPRETER_PATH}\0`;
    expect((await load(named(good, { p_vaddr: huge, p_memsz: huge }))).image.interpreter).toBeDefined();
    for (const field of ['p_offset', 'p_filesz'] as const) {
      const error = await formatError(() => load(named(good, { [field]: huge })));
      expect(error.location).toEqual({
        offset: at(field),
        field: `${field} of program header 0`,
        value: huge,
      });
    }
  });
});

describe('the file', () => {
  test('that is shorter than any ELF header is refused as too short, whatever it holds', async () => {
    for (const bytes of [
      text('#!/bin/sh\n'),
      new Uint8Array(0),
      GOOD.subarray(0, 51),
      GOOD.subarray(0, 63),
    ]) {
      const error = await formatError(() => load(writeElf(ELF64_PIE), bytes));
      expect(error).toMatchObject({ subject: INTERPRETER_PATH, location: { field: 'ELF header' } });
    }
  });

  test('that is no ELF file is refused', async () => {
    for (const bytes of [text('#!/bin/sh\n'.padEnd(80, '#')), new Uint8Array(64)]) {
      const error = await formatError(() => load(writeElf(ELF64_PIE), bytes));
      expect(error.location).toMatchObject({
        offset: NAME_OFFSET,
        field: 'PT_INTERP',
        value: INTERPRETER_PATH,
      });
    }
  });

  test('for another machine is refused, known or not', async () => {
    const error = await formatError(() => load(writeElf(ELF64_PIE), writeElf(ELF32_STATIC)));
    expect(error.location).toMatchObject({ field: 'PT_INTERP', value: INTERPRETER_PATH });
    const arm = writeElf({ ...INTERPRETER, header: { e_machine: BigInt(EM.ARM) } });
    expect((await formatError(() => load(writeElf(ELF64_PIE), arm))).location.field).toBe('e_machine');
  });

  test('with a broken header is what the error is about, and its offsets are that file’s', async () => {
    const broken = writeElf({ ...INTERPRETER, header: { e_phnum: 0n } });
    const error = await formatError(() => load(writeElf(ELF64_PIE), broken));
    expect(error.subject).toBe(INTERPRETER_PATH);
    expect(error.location).toEqual({ offset: EHDR.e_phnum[64][0], field: 'e_phnum', value: 0 });
  });

  test('with a broken segment is what the error is about', async () => {
    const phdrs = [{ p_type: PT.LOAD, p_flags: PF.RX, p_filesz: 2n, p_memsz: 1n }];
    const error = await formatError(() => load(writeElf(ELF64_PIE), writeElf({ ...INTERPRETER, phdrs })));
    expect(error.subject).toBe(INTERPRETER_PATH);
    expect(error.location.offset).toBe(EHSIZE[64] + PHDR.p_filesz[64][0]);
  });

  test('is placed at a page, whatever p_align it asks for', async () => {
    const phdrs = INTERPRETER.phdrs.map((phdr) => ({ ...phdr, p_align: 0x200000n }));
    const { image } = await load(writeElf(ELF64_PIE), writeElf({ ...INTERPRETER, phdrs }));
    expect(image.interpreter?.placement).toEqual({ kind: 'mmap', align: 0x1000n, anchor: 0n });
  });

  test('is enough: the program needs no PT_LOAD', async () => {
    const phdrs = ELF64_PIE.phdrs.filter(({ p_type }) => p_type !== PT.LOAD);
    const { image } = await load(writeElf({ ...ELF64_PIE, phdrs, size: 0x2000 }));
    expect(image).toMatchObject({ segments: [], placement: { kind: 'fixed' }, phdr: { address: 0n } });
    expect(image.interpreter?.segments.length).toBeGreaterThan(0);
  });

  test('may name an interpreter itself, which is ignored', async () => {
    const phdrs = [...INTERPRETER.phdrs, { p_type: PT.INTERP, p_filesz: 1n }];
    const { image } = await load(writeElf(ELF64_PIE), writeElf({ ...INTERPRETER, phdrs }));
    expect(image.interpreter?.source.name).toBe(INTERPRETER_PATH);
  });

  test('is read as little as possible: its headers, and nothing of its segments', async () => {
    const reads: [number, number][] = [];
    const source = fileLike(GOOD, 4, INTERPRETER_PATH);
    const counting = {
      ...source,
      read(offset: number, length: number) {
        reads.push([offset, length]);
        return source.read(offset, length);
      },
    };
    const { elf } = await import('../../loaders/elf/index.ts');
    await elf.load(fileLike(writeElf(ELF64_PIE), 3), { ...contextOf({}), open: () => counting });
    expect(Math.max(...reads.map(([offset, length]) => offset + length))).toBeLessThanOrEqual(
      EHSIZE[64] + INTERPRETER.phdrs.length * PHENTSIZE[64],
    );
  });
});
