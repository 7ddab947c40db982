/** Which qemu command runs which ELF file, and what is left to the elf loader. */
import { describe, expect, test } from 'vitest';
import { qemu } from '../../loaders/qemu/index.ts';
import { foreignError, formatError } from '../support/errors.ts';
import { AARCH64, type ForeignMachine, writeForeignElf } from '../support/foreign-elf.ts';
import { contextOf, NO_OPTIONS, resolveSource } from '../support/resolve.ts';
import { fileLike, text } from '../support/sources.ts';

const EF_MIPS_ABI2 = 0x20;
const EF_MIPS_NOREORDER = 1;

/** `qemu-NAME`, EI_CLASS in bits, whether big-endian, e_machine, e_flags. */
const MACHINES: readonly [string, 32 | 64, boolean, number, number?][] = [
  ['aarch64', 64, false, 183],
  ['aarch64_be', 64, true, 183],
  ['alpha', 64, false, 0x9026],
  ['arm', 32, false, 40],
  ['armeb', 32, true, 40],
  ['cris', 32, false, 76],
  ['hexagon', 32, false, 164],
  ['hppa', 32, true, 15],
  ['loongarch64', 64, false, 258],
  ['m68k', 32, true, 4],
  ['microblaze', 32, true, 189],
  ['microblazeel', 32, false, 189],
  ['mips', 32, true, 8, EF_MIPS_NOREORDER],
  ['mipsel', 32, false, 8],
  ['mipsn32', 32, true, 8, EF_MIPS_ABI2],
  ['mipsn32el', 32, false, 8, EF_MIPS_ABI2 | EF_MIPS_NOREORDER],
  ['mips64', 64, true, 8, EF_MIPS_ABI2],
  ['mips64el', 64, false, 8],
  ['nios2', 32, false, 113],
  ['or1k', 32, true, 92],
  ['ppc', 32, true, 20],
  ['ppc64', 64, true, 21],
  ['ppc64le', 64, false, 21],
  ['riscv32', 32, false, 243],
  ['riscv64', 64, false, 243],
  ['s390x', 64, true, 22],
  ['sh4', 32, false, 42],
  ['sh4eb', 32, true, 42],
  ['sparc', 32, true, 2],
  ['sparc32plus', 32, true, 18],
  ['sparc64', 64, true, 43],
  ['xtensa', 32, false, 94],
  ['xtensaeb', 32, true, 94],
];

const ET_DYN = 3;
const ET_CORE = 4;
const file = (machine: ForeignMachine, offset = 0) => fileLike(writeForeignElf(machine), 3, 'file', offset);
const contextWith = (commands: readonly string[], argv = ['zero', 'one']) => ({
  ...contextOf({}),
  argv: argv.map(text),
  find: (command: string) => (commands.includes(command) ? text(`/bin/${command}`) : undefined),
});

test.each(MACHINES)('qemu-%s', async (name, bits, big, e_machine, e_flags = 0) => {
  for (const e_type of [2, ET_DYN]) {
    const source = file({ name, bits, big, e_machine, e_flags, e_type });
    expect(await qemu.probe(source, NO_OPTIONS)).toBe('exact');
    const loaded = await qemu.load(source, contextWith([`qemu-${name}`, `qemu-${name}-static`]));
    expect(loaded).toEqual({
      kind: 'interpreter',
      path: text(`/bin/qemu-${name}`),
      args: [text('-0'), text('zero'), text('--')],
    });
  }
});

test('the loader has these machines and no others', () => {
  expect(qemu.magics.map((magic) => magic.name)).toEqual(MACHINES.map(([name]) => name));
});

test('a static qemu will do', async () => {
  const loaded = await qemu.load(file(AARCH64), contextWith(['qemu-aarch64-static']));
  expect(loaded).toMatchObject({ path: text('/bin/qemu-aarch64-static') });
});

test('without qemu, the error names it and the package that has it', async () => {
  const error = await foreignError(() => resolveSource(file(AARCH64)));
  expect(error).toMatchObject({
    code: 'INTERPRETER_MISSING',
    exitCode: 126,
    message: expect.stringContaining('qemu-aarch64'),
    hint: expect.stringContaining('qemu-user'),
  });
});

test('behind a #! line it is refused: qemu would open the whole file', async () => {
  const error = await foreignError(() => qemu.load(file(AARCH64, 20), contextWith(['qemu-aarch64'])));
  expect(error).toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining('#! line') });
});

describe('left to elf, which names the machine', () => {
  test.each<[string, Partial<ForeignMachine>]>([
    ['a machine that qemu has not', { e_machine: 88 }],
    ['the other class', { bits: 32 }],
    ['the machine in the other byte order', { e_machine: 183 << 8 }],
    ['an object file', { e_type: 1 }],
  ])('%s', async (_, difference) => {
    const source = file({ ...AARCH64, ...difference });
    expect(await qemu.probe(source, NO_OPTIONS)).toBeNull();
    expect((await formatError(() => resolveSource(source))).location.field).toBe('e_machine');
  });

  test('a core file, which is left to core', async () => {
    const source = file({ ...AARCH64, e_type: ET_CORE });
    expect(await qemu.probe(source, NO_OPTIONS)).toBeNull();
    expect((await foreignError(() => resolveSource(source))).code).toBe('UNSUPPORTED');
  });

  test('what Linux runs itself', async () => {
    for (const [bits, e_machine] of [
      [64, 62],
      [32, 3],
      [32, 6],
    ] as const)
      expect(await qemu.probe(file({ ...AARCH64, bits, e_machine }), NO_OPTIONS)).toBeNull();
  });
});

test('asked for by name, it says what is wrong', async () => {
  const bytes = writeForeignElf({ ...AARCH64, e_machine: 88 });
  const { location } = await formatError(() => qemu.load(fileLike(bytes, 3), contextWith([])));
  expect(location).toMatchObject({ offset: 18, field: 'e_machine', value: 88 });
  await formatError(() => qemu.load(fileLike(bytes.subarray(0, 10), 3), contextWith([])));
});
