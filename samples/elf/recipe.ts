/**
 * How the ELF samples are made: each is one gcc command. The flags say everything that matters out loud and
 * leave nothing to what a distribution's gcc was configured for.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Artifact, requireI386Libc, run } from '../recipe/toolbox.ts';
import { stripSections } from './strip-sections.ts';

type Arch = 'x86_64' | 'i386';

interface Variant {
  readonly name: string;
  readonly sources: readonly string[];
  readonly flags: readonly string[];
  readonly archs: readonly Arch[];
  readonly message?: string; // what hello says it is
  readonly finish?: (file: Uint8Array) => Uint8Array;
}

/** Small and the same everywhere: no build ID, no compiler name, no unwind tables, no symbols, no paths. */
const COMMON = [
  ...['-Os', '-std=gnu11', '-Wall', '-Wextra', '-s', '-fno-ident', '-fno-asynchronous-unwind-tables'],
  ...['-fno-stack-protector', '-fcf-protection=none', '-ffile-prefix-map=./=', '-Wl,--build-id=none'],
  ...['-Wl,--hash-style=gnu', '-Wl,-z,noexecstack'],
];

/** No libc, and no relocation left for anyone to apply: a static PIE has no dynamic linker. */
const FREESTANDING = [
  ...['-ffreestanding', '-nostdlib', '-fvisibility=hidden', '-fno-jump-tables'],
  ...['-fno-tree-loop-distribute-patterns'],
];
const ONE_TEXT_SEGMENT = '-Wl,-z,noseparate-code'; // headers, read-only data and code in one PT_LOAD
const STATIC = [...FREESTANDING, '-static', '-no-pie', '-fno-pie'];
const STATIC_PIE = [...FREESTANDING, '-static-pie', '-fpie', '-Wl,--no-dynamic-linker'];
const DYNAMIC_PIE = ['-pie', '-fpie', '-Wl,-z,relro,-z,now'];
const DYNAMIC_NOPIE = ['-no-pie', '-fno-pie', ONE_TEXT_SEGMENT, '-Wl,-z,norelro,-z,lazy'];

const BOTH: readonly Arch[] = ['x86_64', 'i386'];
const X86_64: readonly Arch[] = ['x86_64'];
const TALLY = ['common/start.S', 'common/tally.c'];

const aligned = (name: string, align: string): Variant => ({
  name,
  sources: ['common/start.S', 'elf/base-aligned.c'],
  flags: [
    ...STATIC_PIE,
    ONE_TEXT_SEGMENT,
    '-Wl,-z,norelro',
    `-DALIGN=${align}`,
    `-Wl,-z,max-page-size=${align}`,
  ],
  archs: X86_64,
});

const hello = (name: string, flags: readonly string[]): Variant => ({
  name: `hello-${name}`,
  sources: ['elf/hello.S'],
  flags: [...flags, ONE_TEXT_SEGMENT],
  archs: BOTH,
  message: name.replaceAll('-', ' '),
});

const helloLibc = (name: string, flags: readonly string[]): Variant => ({
  name: `hello-${name}`,
  sources: ['elf/hello-libc.c'],
  flags,
  archs: BOTH,
  message: name.replaceAll('-', ' '),
});

const VARIANTS: readonly Variant[] = [
  hello('static', STATIC),
  hello('static-pie', STATIC_PIE),
  { ...hello('static-nosections', STATIC), archs: X86_64, finish: stripSections },
  helloLibc('dynamic-pie', DYNAMIC_PIE),
  helloLibc('dynamic-nopie', DYNAMIC_NOPIE),
  { name: 'tally-static', sources: TALLY, flags: STATIC, archs: BOTH },
  { name: 'tally-static-pie', sources: TALLY, flags: STATIC_PIE, archs: BOTH },
  { name: 'tally-dynamic-pie', sources: ['common/tally.c'], flags: DYNAMIC_PIE, archs: BOTH },
  { name: 'tally-dynamic-nopie', sources: ['common/tally.c'], flags: DYNAMIC_NOPIE, archs: BOTH },
  aligned('base-aligned-2m', '0x200000'),
  aligned('base-aligned-16m', '0x1000000'),
  {
    name: 'bss',
    sources: ['common/start.S', 'elf/bss.c'],
    flags: [...STATIC, ONE_TEXT_SEGMENT],
    archs: X86_64,
  },
  {
    name: 'execstack',
    sources: ['common/start.S', 'elf/execstack.c'],
    flags: [...STATIC, ONE_TEXT_SEGMENT, '-Wl,-z,execstack'],
    archs: X86_64,
  },
  {
    name: 'exec-all',
    sources: ['common/start.S', 'elf/exec-all.c'],
    flags: [...STATIC, '-Wl,-T,elf/no-gnu-stack.ld'],
    archs: ['i386'],
  },
];

function make(variant: Variant, arch: Arch, scratch: string): Uint8Array {
  const needsLibc = !variant.flags.includes('-nostdlib');
  if (arch === 'i386' && needsLibc) requireI386Libc();
  const output = join(scratch, 'linked');
  const machine = arch === 'i386' ? ['-m32', '-march=i686'] : ['-m64', '-march=x86-64'];
  const message = variant.message === undefined ? [] : [`-DMESSAGE="elf ${arch} ${variant.message}"`];
  run('gcc', [...machine, ...COMMON, ...variant.flags, ...message, '-o', output, ...variant.sources]);
  const file = readFileSync(output);
  return variant.finish ? variant.finish(file) : file;
}

export const ELF_ARTIFACTS: readonly Artifact[] = VARIANTS.flatMap((variant) =>
  variant.archs.map((arch) => ({
    file: `elf/${arch}/${variant.name}`,
    executable: true,
    make: (scratch: string) => make(variant, arch, scratch),
  })),
);
