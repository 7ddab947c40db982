/** The list of samples itself: every program with what it must print. build.ts writes it to samples.json. */
import { expectRun, type Need, type Packer, type Run, type Sample, tallyRuns } from './sample.ts';

function elf(arch: Sample['arch'], program: string, runs: readonly Run[]): Sample {
  const needs: readonly Need[] = arch === 'i386' && program.includes('dynamic') ? ['i386-libc'] : [];
  const sample: Sample = {
    name: `elf-${arch}-${program}`,
    file: `elf/${arch}/${program}`,
    format: 'elf',
    arch,
    runs,
  };
  return needs.length > 0 ? { ...sample, needs } : sample;
}

function elfFamily(arch: Sample['arch']): Sample[] {
  const hello = (kind: string) => expectRun({ stdout: `hello from elf ${arch} ${kind}\n` });
  const libc = (kind: string) => {
    const line = `hello from elf ${arch} ${kind}\ngoodbye\n`;
    return [
      expectRun({ stdout: line }),
      expectRun({ env: { HELLO_LABEL: 'label: ' }, stdout: `label: ${line}` }),
    ];
  };
  const tally = (program: string) => elf(arch, program, tallyRuns(program));
  return [
    elf(arch, 'hello-static', [hello('static')]),
    elf(arch, 'hello-static-pie', [hello('static pie')]),
    elf(arch, 'hello-dynamic-pie', libc('dynamic pie')),
    elf(arch, 'hello-dynamic-nopie', libc('dynamic nopie')),
    tally('tally-static'),
    tally('tally-static-pie'),
    tally('tally-dynamic-pie'),
    tally('tally-dynamic-nopie'),
  ];
}

function aout(magic: NonNullable<Sample['magic']>, program: string, runs: readonly Run[]): Sample {
  return {
    name: `aout-${program}`,
    file: `aout/${program}`,
    format: 'aout',
    magic,
    arch: 'i386',
    needs: ['low-address'],
    runs,
  };
}

function aoutFamily(magic: NonNullable<Sample['magic']>): Sample[] {
  const make = (program: string, runs: readonly Run[]) => aout(magic, program, runs);
  const suffix = magic.toLowerCase();
  return [
    make(`hello-${suffix}`, [expectRun({ stdout: `hello from a.out ${magic}\n` })]),
    make(`tally-${suffix}`, tallyRuns(`tally-${suffix}`)),
  ];
}

/** The same program from a file that a packer made of it: what it does is the same, but for its name. */
function pack(packed: Packer, extension: string, sample: Sample, runs: (program: string) => Run[]): Sample {
  const program = `${sample.file.slice(sample.file.lastIndexOf('/') + 1)}.${extension}`;
  return {
    ...sample,
    name: `${packed}-${sample.name}`,
    file: `${packed}/${program}`,
    packed,
    runs: runs(program),
  };
}

function one(arch: Sample['arch'], program: string, stdout: string): Sample {
  return elf(arch, program, [expectRun({ stdout })]);
}

function ape(program: string, format: 'ape' | 'elf', runs: readonly Run[]): Sample {
  return { name: `ape-${program}`, file: `ape/${program}`, format, arch: 'x86_64', runs };
}

function flat(
  program: string,
  arch: Sample['arch'],
  options: readonly string[],
  runs: readonly Run[],
): Sample {
  return { name: `flat-${program}`, file: `flat/${program}`, format: 'flat', arch, options, runs };
}

const loaderOptions = (...values: readonly string[]) => values.flatMap((value) => ['--loader-opt', value]);

export const LIST: readonly Sample[] = [
  ...aoutFamily('OMAGIC'),
  ...aoutFamily('NMAGIC'),
  ...aoutFamily('ZMAGIC'),
  ...aoutFamily('QMAGIC'),
  ...elfFamily('x86_64'),
  one('x86_64', 'hello-static-nosections', 'hello from elf x86_64 static nosections\n'),
  one('x86_64', 'base-aligned-2m', 'base aligned to 0x200000\n'),
  one('x86_64', 'base-aligned-16m', 'base aligned to 0x1000000\n'),
  one('x86_64', 'bss', 'data right, bss zero: 307323 bytes\n'),
  one('x86_64', 'execstack', 'ran code on the stack: 42\n'),
  ...elfFamily('i386'),
  one(
    'i386',
    'exec-all',
    ['in .data', 'on the stack', 'on the heap'].map((at) => `ran code ${at}: 42\n`).join(''),
  ),
  ape('tally', 'ape', tallyRuns('tally')),
  ape('bss', 'ape', [expectRun({ stdout: 'data right, bss zero: 307323 bytes\n' })]),
  ape('tally-assimilated', 'elf', tallyRuns('tally-assimilated')),
  flat('hello', 'x86_64', ['--format', 'flat'], [expectRun({ stdout: 'hello from a flat image\n' })]),
  flat('tally-x86_64', 'x86_64', loaderOptions('flat.bss=0x10000'), tallyRuns('tally-x86_64')),
  flat(
    'tally-i386',
    'i386',
    loaderOptions(
      'flat.arch=i386',
      'flat.base=0x8048000',
      'flat.entry=0x8048010',
      'flat.skip=64',
      'flat.bss=65536',
      'flat.stack=aout',
    ),
    tallyRuns('tally-i386'),
  ),
  pack('gzip', 'gz', elf('x86_64', 'tally-static', []), tallyRuns),
  pack('xz', 'xz', elf('x86_64', 'tally-dynamic-pie', []), tallyRuns),
  pack('zstd', 'zst', aout('QMAGIC', 'tally-qmagic', []), tallyRuns),
];
