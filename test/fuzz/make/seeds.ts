/** What mutations begin with: every sample, every handmade program, and interpreters for them. */
import { readFileSync } from 'node:fs';
import { printing, writeWasm } from '../../../samples/wasm/writer.ts';
import { type ElfDescription, ET, writeElf } from '../../support/elf-writer.ts';
import { AARCH64, PPC, writeForeignElf } from '../../support/foreign-elf.ts';
import { HANDMADE, INTERPRETER, INTERPRETER_PATH } from '../../support/handmade.ts';
import { writeJar } from '../../support/zip-writer.ts';

const SAMPLES = new URL('../../../samples/', import.meta.url);

export interface Seed {
  readonly name: string;
  readonly bytes: Buffer;
}

const samples = (
  JSON.parse(readFileSync(new URL('samples.json', SAMPLES), 'utf8')) as { file: string }[]
).map(({ file }) => ({ name: file, bytes: readFileSync(new URL(file, SAMPLES)) }));

const INTERPRETER_32: ElfDescription = { ...INTERPRETER, bits: 32 };
/** One that must stand right behind the static programs, which grow into it easily. */
const FIXED_INTERPRETER: ElfDescription = {
  ...INTERPRETER,
  e_type: ET.EXEC,
  e_entry: 0x409040n,
  phdrs: INTERPRETER.phdrs.map((phdr) => ({ ...phdr, p_vaddr: 0x408000n + (phdr.p_vaddr ?? 0n) })),
};

/** By the paths that seeds and mutations name. */
export const FILES: Readonly<Record<string, Buffer>> = {
  [INTERPRETER_PATH]: writeElf(INTERPRETER),
  '/lib64/ld-linux-x86-64.so.2': writeElf(INTERPRETER),
  '/lib/ld-linux.so.2': writeElf(INTERPRETER_32),
  '/handmade/fixed': writeElf(FIXED_INTERPRETER),
  '/handmade/script': Buffer.from('#!/handmade/script again\n'),
  '/handmade/manifest': Buffer.from(
    JSON.stringify({
      'run-foreign': 1,
      program: '/handmade/fixed',
      format: 'elf',
      args: ['ü', '-x'],
      env: { A: '1' },
      identity: ['passphrase'],
    }),
  ),
};

/** Programs that another one runs. */
const INTERPRETED: readonly Seed[] = [
  { name: 'aarch64', bytes: writeForeignElf(AARCH64) },
  { name: 'ppc', bytes: writeForeignElf(PPC) },
  { name: 'wasm', bytes: writeWasm(printing('hello', 0)) },
  { name: 'jar', bytes: writeJar().bytes },
  { name: 'jar, ZIP64', bytes: writeJar(undefined, { zip64: true }).bytes },
];

export const SEEDS: readonly Seed[] = [
  ...HANDMADE,
  ...INTERPRETED,
  ...Object.entries(FILES).map(([name, bytes]) => ({ name, bytes })),
  ...samples,
].map(({ name, bytes }) => ({ name, bytes }));
