/**
 * How the flat samples are made: linked as ELF, and then only the bytes. Where they go and where they begin stands
 * in no file but in the options of samples.json, which are written down by hand in recipe/list.ts.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Artifact, run } from '../recipe/toolbox.ts';

interface Layout {
  readonly name: string;
  readonly sources: readonly string[];
  readonly flags: readonly string[];
  readonly base: number;
  readonly entryOffset: number; // bytes
  readonly header?: Uint8Array; // before the image, in the file only
}

const TALLY = ['common/start.S', 'common/tally.c'];
const CFLAGS = [
  ...[
    '-Os',
    '-std=c11',
    '-Wall',
    '-Wextra',
    '-s',
    '-ffreestanding',
    '-nostdlib',
    '-static',
    '-no-pie',
    '-fno-pie',
  ],
  ...['-fno-stack-protector', '-fcf-protection=none', '-fno-ident', '-fno-asynchronous-unwind-tables'],
  ...[
    '-fno-tree-loop-distribute-patterns',
    '-fno-jump-tables',
    '-ffile-prefix-map=./=',
    '-Wl,--build-id=none',
  ],
  ...['-Wl,-T,flat/flat.ld', '-Wl,-z,noexecstack', '-Wl,--no-warn-rwx-segments'],
];

const LAYOUTS: readonly Layout[] = [
  {
    name: 'hello',
    sources: ['elf/hello.S'],
    flags: ['-m64', '-DMESSAGE="a flat image"'],
    base: 0x100000,
    entryOffset: 0,
  },
  { name: 'tally-x86_64', sources: TALLY, flags: ['-m64', '-march=x86-64'], base: 0x100000, entryOffset: 0 },
  {
    name: 'tally-i386',
    sources: TALLY,
    flags: ['-m32', '-march=i386', '-mpreferred-stack-boundary=2', '-DAOUT'],
    base: 0x8048000,
    entryOffset: 16,
    header: new Uint8Array(64).fill(0x68),
  },
];

function make({ sources, flags, base, entryOffset, header }: Layout, scratch: string): Uint8Array {
  const [elf, image] = [join(scratch, 'linked'), join(scratch, 'image')];
  const place = [`-Wl,--defsym=BASE=${base}`, `-Wl,--defsym=ENTRY_OFFSET=${entryOffset}`];
  run('gcc', [...CFLAGS, ...flags, ...place, '-o', elf, ...sources]);
  run('objcopy', ['-O', 'binary', '-j', '.image', elf, image]);
  return Buffer.concat([header ?? new Uint8Array(0), readFileSync(image)]);
}

export const FLAT_ARTIFACTS: readonly Artifact[] = LAYOUTS.map((layout) => ({
  file: `flat/${layout.name}`,
  executable: true,
  make: (scratch) => make(layout, scratch),
}));
