/** The stub loads the interpreter itself: programs of the base system, samples, and interpreters of odd layout. */
import { realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type ElfDescription, PF, type Phdr, PT, writeElf } from '../support/elf-writer.ts';
import { interpreter, programFor, runStub, stubIdentity, writeStub } from '../support/own-interpreter.ts';
import { identityOf } from '../support/proc.ts';
import { run, SAMPLES, temporary } from '../support/run.ts';
import { withoutRandomness } from './identity-checks.ts';
import { exact } from './identity-view.ts';
import { testOwnInterpreter } from './own-interpreter-checks.ts';

const directory = temporary();
afterAll(() => directory.remove());
const at = (name: string) => join(directory.path, name);

for (const [file, args] of [
  ['/bin/cat', ['-']],
  [join(SAMPLES, 'elf/x86_64/tally-dynamic-pie'), ['-', '', 'last']],
  [join(SAMPLES, 'elf/x86_64/tally-dynamic-nopie'), ['-']],
] as const)
  testOwnInterpreter({ title: file, file: () => file, bits: 64, args });

test('its output and status are the program’s, again and again', async () => {
  const program = realpathSync('/bin/sh');
  const stub = await writeStub(at('again'), {
    program,
    args: ['-c', 'echo "$A $1"; exit 9', 'sh', 'one'],
    env: { A: 'a' },
  });
  for (let time = 0; time < 3; time++)
    expect(await runStub(stub, program)).toEqual({ status: 9, stdout: 'a one\n', stderr: '' });
});

test('no descriptor of the interpreter’s stays open', async () => {
  const program = realpathSync('/bin/ls');
  const stub = await writeStub(at('descriptors'), { program, args: ['/proc/self/fd'] });
  const native = await run(program, ['/proc/self/fd']);
  expect(await runStub(stub, program)).toEqual(native);
});

/** The good interpreter with other segments behind its first two, which hold headers and code. */
function withData(bits: 32 | 64, segments: readonly Phdr[]): ElfDescription {
  const good = interpreter(bits, 'wait');
  return { ...good, phdrs: [...good.phdrs.slice(0, 2), ...segments] };
}

/** Without the headers, and with a first segment that begins where it likes. */
function beginningAt(bits: 32 | 64, p_vaddr: bigint): ElfDescription {
  const good = interpreter(bits, 'wait');
  const inPage = p_vaddr & 0xfffn;
  const text = { p_type: PT.LOAD, p_flags: PF.RX, p_vaddr, p_offset: 0x1000n + inPage };
  const phdrs = [{ ...text, p_filesz: 0x80n, p_memsz: 0x80n }, data(0x20_3800n, 0x10n, 0x2000n)];
  return { ...good, e_entry: p_vaddr - inPage + 0x40n, phdrs };
}

const data = (p_vaddr: bigint, p_filesz: bigint, p_memsz: bigint, p_flags: number = PF.RW): Phdr => ({
  p_type: PT.LOAD,
  p_offset: 0x1000n + (p_vaddr & 0xfffn),
  p_vaddr,
  p_filesz,
  p_memsz,
  p_flags,
});

const LAYOUTS: readonly [string, readonly Phdr[]][] = [
  ['plain', [data(0x3800n, 0x200n, 0x2a00n)]],
  ['only zeros, from the middle of a page', [data(0x3800n, 0n, 0x2a00n)]],
  ['zeros with nonsense for an offset', [{ ...data(0x3800n, 0n, 0x2a00n), p_offset: 0x7654_3210n }]],
  ['flags that nobody knows', [data(0x3000n, 0x10n, 0x10n, PF.R | 0x0ff0_0ff8)]],
  ['no bytes at all in a segment', [data(0x3800n, 0n, 0n), data(0x5000n, 0x10n, 0x10n)]],
  ['executable zeros', [data(0x3800n, 0x10n, 0x2000n, PF.RWX)]],
  ['zeros of a segment that is not writable', [data(0x3800n, 0x10n, 0x2000n, PF.R)]],
  ['no permission', [data(0x3800n, 0x10n, 0x10n, 0)]],
  ['only executable', [data(0x3000n, 0x10n, 0x10n, PF.X)]],
  ['a file that ends with its page', [data(0x3000n, 0x1000n, 0x1001n)]],
  ['a hole', [data(0x20_0000n, 0x10n, 0x3000n)]],
  ['segments that share a page', [data(0x3000n, 0x80n, 0x80n, PF.R), data(0x3800n, 0x80n, 0x1000n)]],
  // Of another protection: only the kernel itself leaves two mappings where one is laid over its like.
  ['zeros over a former segment', [data(0x3000n, 0x80n, 0x4000n), data(0x5000n, 0n, 0x800n, PF.RX)]],
  ['later segments in disorder', [data(0x6000n, 0x80n, 0x80n), data(0x3000n, 0x80n, 0x80n, PF.R)]],
  [
    'a segment over one that is not the last',
    [data(0x6000n, 0x80n, 0x80n), data(0x3000n, 0x80n, 0x80n, PF.R), data(0x6000n, 0x80n, 0x80n, PF.R)],
  ],
  ['one segment twice', [data(0x3000n, 0x80n, 0x80n), data(0x3000n, 0x80n, 0x80n, PF.R)]],
  ['a large alignment, which nobody looks at', [{ ...data(0x3000n, 0x80n, 0x80n), p_align: 0x20_0000n }]],
];

describe.each([64, 32] as const)('an interpreter of %i bits lies where execve puts it', (bits) => {
  const files: [string, ElfDescription][] = [
    ...LAYOUTS.map(([title, phdrs]): [string, ElfDescription] => [title, withData(bits, phdrs)]),
    ['a beginning that is not at 0', beginningAt(bits, 0x20_0000n)],
    ['a beginning inside a page', beginningAt(bits, 0x20_0020n)],
  ];

  test.each(files)('%s', async (title, description) => {
    const name = `${bits}-${title.replaceAll(/\W/g, '-')}`;
    const prefix = await withoutRandomness();
    const file = at(name);
    writeFileSync(at(`ld-${name}`), writeElf(description), { mode: 0o755 });
    writeFileSync(file, programFor(at(`ld-${name}`), bits), { mode: 0o755 });
    const stub = await writeStub(file, { program: file, randomize: prefix.length === 0 });
    const ours = await stubIdentity(stub, file, bits, prefix);
    const [command = '', ...rest] = [...prefix, file];
    const native = await identityOf(command, rest, { env: {}, bits, through: ['/setarch'] });
    if (prefix.length > 0) expect(exact(ours)).toEqual(exact(native));
    const shape = ({ maps }: typeof ours) =>
      maps
        .filter((each) => each.name.includes('/ld-'))
        .map(({ permissions, offset }) => [permissions, offset]);
    expect(shape(ours)).toEqual(shape(native));
    expect(shape(ours).length).toBeGreaterThan(1);
  });
});
