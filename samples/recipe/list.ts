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
  pack('gzip', 'gz', elf('x86_64', 'tally-static', []), tallyRuns),
  pack('xz', 'xz', elf('x86_64', 'tally-dynamic-pie', []), tallyRuns),
  pack('zstd', 'zst', aout('QMAGIC', 'tally-qmagic', []), tallyRuns),
];
