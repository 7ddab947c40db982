/**
 * Stubs that load the interpreter themselves, as files that can be started again and again: the program is their
 * descriptor PROGRAM_FD.
 */
import { writeFileSync } from 'node:fs';
import { builtinLoaders } from '../../loaders/index.ts';
import { emitStub } from '../../src/emit/stub.ts';
import { loadProgram } from '../../src/launch/load.ts';
import { hostFacts } from '../../src/native/host-facts.ts';
import { planProgram } from '../../src/plan/planner.ts';
import { type ElfDescription, ET, PF, PT, writeElf } from './elf-writer.ts';
import { loadingInterpreter } from './plans.ts';
import { type Identity, identityOf } from './proc.ts';
import { type Outcome, run } from './run.ts';

const PROGRAM_FD = 3;
/** Ends of paths of what starts the stub, and its own. */
const THROUGH = ['/dash', '/env', '/setarch', '.stub'];

export interface StubRequest {
  readonly program: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether addresses are chosen at random by the planner, as by the kernel that starts the stub. */
  readonly randomize?: boolean;
}

/** Writes the stub beside `path` and returns its path. */
export async function writeStub(path: string, request: StubRequest): Promise<string> {
  const { program, args = [], env = {}, randomize = true } = request;
  const envp = Object.entries(env).map(([name, value]) => Buffer.from(`${name}=${value}`));
  const name = Buffer.from(program);
  const found = await loadProgram({
    name,
    args: args.map((arg) => Buffer.from(arg)),
    envp,
    loaders: builtinLoaders,
  });
  const { image, argv, path: execfn, source } = found;
  const invocation = { program, argv, envp, execfn, exe: source.file };
  const facts = hostFacts();
  const plan = planProgram(image, invocation, randomize ? facts : { ...facts, randomizeVaSpace: 0 });
  const numbers = plan.files.map((file) => ('fd' in file && file.fd === source.file?.fd ? PROGRAM_FD : -1));
  const stub = `${path}.stub`;
  writeFileSync(stub, emitStub(loadingInterpreter(plan, image), numbers), { mode: 0o755 });
  return stub;
}

/** With the program open, no environment, and `prefix` in between. */
function words(stub: string, program: string, prefix: readonly string[]): string[] {
  const script = `exec ${PROGRAM_FD}<"$1"; shift; exec env -i "$@"`;
  return ['-c', script, 'sh', program, ...prefix, stub];
}

export function runStub(stub: string, program: string, prefix: readonly string[] = []): Promise<Outcome> {
  return run('/bin/sh', words(stub, program, prefix));
}

export function stubIdentity(
  stub: string,
  program: string,
  bits: 32 | 64,
  prefix: readonly string[] = [],
): Promise<Identity> {
  return identityOf('/bin/sh', words(stub, program, prefix), { bits, through: THROUGH });
}

/** exit(STATUS), and: read(0, below the stack pointer, 1), exit(0). */
export const EXIT_STATUS = 7;
export const CODE = {
  exit: { 64: 'bf07000000b83c0000000f05', 32: 'bb07000000b801000000cd80' },
  wait: {
    64: '31c031ff488d7424f8ba010000000f0531ffb83c0000000f05',
    32: '31db8d4c24f8ba01000000b803000000cd8031dbb801000000cd80',
  },
} as const;

/** Where code stands in the files that are made here. */
export const CODE_OFFSET = 0x1040;

/** Headers, code and data with a bss that reaches into pages of its own. */
export function interpreter(bits: 32 | 64, code: keyof typeof CODE): ElfDescription {
  return {
    bits,
    e_type: ET.DYN,
    e_entry: BigInt(CODE_OFFSET),
    phdrs: [
      { p_type: PT.LOAD, p_flags: PF.R, p_filesz: 0x400n, p_memsz: 0x400n },
      {
        p_type: PT.LOAD,
        p_flags: PF.RX,
        p_offset: 0x1000n,
        p_vaddr: 0x1000n,
        p_filesz: 0x100n,
        p_memsz: 0x100n,
      },
      {
        p_type: PT.LOAD,
        p_flags: PF.RW,
        p_offset: 0x1800n,
        p_vaddr: 0x3800n,
        p_filesz: 0x200n,
        p_memsz: 0x2a00n,
      },
    ],
    content: [{ offset: CODE_OFFSET, bytes: Buffer.from(CODE[code][bits], 'hex') }],
    size: 0x2000,
  };
}

/** A PIE that only has an interpreter. */
export function programFor(path: string, bits: 32 | 64): Buffer {
  const name = Buffer.from(`${path}\0`);
  return writeElf({
    bits,
    e_type: ET.DYN,
    e_entry: 0x10n,
    phdrs: [
      { p_type: PT.INTERP, p_offset: 0x800n, p_filesz: BigInt(name.length) },
      { p_type: PT.LOAD, p_flags: PF.RX, p_filesz: 0x1000n, p_memsz: 0x1000n },
      { p_type: PT.GNU_STACK, p_flags: PF.RW },
    ],
    content: [{ offset: 0x800, bytes: name }],
    size: 0x1000,
  });
}
