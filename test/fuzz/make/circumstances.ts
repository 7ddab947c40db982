/** All that a program is started with and on: argv and envp, the machine, and how its bytes can be had. */
import { builtinLoaders } from '../../../loaders/index.ts';
import type { GivenOption } from '../../../src/loader/options.ts';
import type { Invocation } from '../../../src/plan/planner.ts';
import type { HostFacts, VdsoPiece } from '../../../src/process/host.ts';
import { memorySource, sourceFrom } from '../../../src/source/memory.ts';
import type { Source } from '../../../src/source/source.ts';
import { AUXV_TYPES, fakeHost } from '../../support/host.ts';
import type { Random } from '../../support/random.ts';
import { fileLike } from '../../support/sources.ts';
import { mutate } from './mutate.ts';
import { oddValue } from './odd.ts';
import { FILES } from './seeds.ts';

const KIB = 1024n;
/** `ulimit -s` in bytes: none at all, less than a page, tiny, usual, large, unlimited. */
const STACK_LIMITS = [
  0n,
  1n,
  16n * KIB,
  64n * KIB,
  128n * KIB,
  8n * KIB ** 2n,
  8n * KIB ** 2n,
  8n * KIB ** 2n,
  64n * KIB ** 2n,
  KIB ** 3n,
  KIB ** 4n,
  (1n << 64n) - 1n,
] as const;

/** The kernel's, and some that no kernel has had: none, without data pages, in three pieces. */
const VDSOS: readonly (readonly VdsoPiece[])[] = [
  fakeHost().vdsoPieces(),
  [],
  [{ offset: 0n, size: 0x1000n }],
  [
    { offset: -0x5000n, size: 0x1000n },
    { offset: -0x4000n, size: 0x4000n },
    { offset: 0n, size: 0x10000n },
  ],
];
/** Unknown types, types past the stub's table, one that is there twice. */
const MORE_AUXV: readonly (readonly number[])[] = [[], [24], [1, 63, 64, 1000], [6, 6]];

function oddHost(random: Random): HostFacts {
  const lowestMapping = random.pick([0n, 0x1000n, 0x10000n]);
  const lowestMmField = random.pick([0x1000n, 0x10000n]);
  const vdso = random.pick(VDSOS);
  const some = AUXV_TYPES.filter(() => random.chance(19, 20));
  return fakeHost({
    auxvTypes: random.chance(1, 2) ? AUXV_TYPES : [...some, ...random.pick(MORE_AUXV)],
    randomizeVaSpace: random.pick([0, 1, 2, 2] as const),
    mmapRndBits: { x86_64: random.pick([28, 32]), i386: random.pick([8, 16]) },
    stackLimit: random.pick(STACK_LIMITS),
    lowestMapping: () => lowestMapping,
    lowestMmField: () => lowestMmField,
    vdsoPieces: () => vdso,
    random: random.pick([
      (length) => random.bytes(length),
      (length) => random.bytes(length),
      (length) => new Uint8Array(length),
      (length) => new Uint8Array(length).fill(0xff),
    ]),
  });
}

const LONGEST_STRING = 32 * 4096;

function oddString(random: Random): Uint8Array {
  if (random.chance(1, 300)) {
    return new Uint8Array(LONGEST_STRING - 2 + random.below(4)).fill(0x61);
  }
  const bytes = random.bytes(random.below(random.chance(1, 20) ? 2000 : 24));
  // What execve gives has no NUL inside.
  for (let at = bytes.indexOf(0); at >= 0; at = bytes.indexOf(0, at)) bytes[at] = 0xff;
  return bytes;
}

function oddStrings(random: Random, most: number): Uint8Array[] {
  const count = random.chance(1, 150) ? random.below(3000) : random.below(most);
  return Array.from({ length: count }, () => oddString(random));
}

function oddInvocation(random: Random): Pick<Invocation, 'program' | 'argv' | 'envp' | 'execfn' | 'report'> {
  const argv0 = random.chance(1, 8) ? new Uint8Array(0) : oddString(random);
  return {
    program: Buffer.from(oddString(random)).toString(),
    argv: random.chance(1, 32) ? [] : [argv0, ...oddStrings(random, 6)],
    envp: oddStrings(random, 8),
    execfn: random.chance(1, 16) ? new Uint8Array(4095).fill(0x2f) : oddString(random),
    report: random.chance(1, 2),
  };
}

/** Where the bytes come from, and the whole file behind them if there is one. */
export interface OddSource {
  readonly source: Source;
  readonly file?: Uint8Array;
}

function oddSource(bytes: Buffer, fd: number, random: Random): OddSource {
  switch (random.below(6)) {
    case 0:
      return { source: memorySource(bytes, 'memory') };
    case 1:
      return { source: memorySource(bytes, 'secret', true) };
    case 2: {
      // A file whose bytes may be mapped, but which holds a secret.
      return { source: { ...fileLike(bytes, fd), confidential: true }, file: bytes };
    }
    case 3: {
      const before = random.pick([1, 13, 0x200, 0x1000, 0x1001]);
      const file = Buffer.concat([Buffer.alloc(before, 0x0a), bytes]);
      return { source: sourceFrom(fileLike(file, fd), before), file };
    }
    default:
      return { source: fileLike(bytes, fd), file: bytes };
  }
}

export interface Circumstances {
  readonly host: HostFacts;
  readonly invocation: Pick<Invocation, 'program' | 'argv' | 'envp' | 'execfn' | 'report'>;
  readonly format?: string | undefined;
  readonly options?: readonly GivenOption[];
  /** How the bytes of a file that is opened as `fd` can be had. */
  readonly source: (bytes: Buffer, fd: number) => OddSource;
  /** The files that programs name. */
  readonly file: (name: string) => Buffer | undefined;
}

/** Of all the loaders only flat has some. */
function oddFlatOptions(random: Random): GivenOption[] {
  const address = () => BigInt.asUintN(64, oddValue(random));
  const values: Readonly<Record<string, () => string | bigint>> = {
    base: address,
    entry: address,
    arch: () => random.pick(['x86_64', 'i386']),
    skip: () => BigInt(random.below(0x2000)),
    bss: address,
    protection: () => random.pick(['rwx', 'rx']),
    stack: () => random.pick(['sysv', 'aout']),
  };
  return Object.entries(values)
    .filter(() => random.chance(1, 3))
    .map(([key, value]) => ({ loader: 'flat', key, value: String(value()) }));
}

export function oddCircumstances(random: Random): Circumstances {
  return {
    host: oddHost(random),
    invocation: oddInvocation(random),
    format: random.chance(1, 30) ? random.pick(builtinLoaders).name : undefined,
    options: random.chance(1, 12) ? oddFlatOptions(random) : [],
    source: (bytes, fd) => oddSource(bytes, fd, random),
    file(name) {
      const bytes = FILES[name];
      if (bytes === undefined || random.chance(2, 3)) return bytes;
      return mutate(bytes, FILES[random.pick(Object.keys(FILES))] ?? bytes, random);
    },
  };
}
