/**
 * Writes docs/pictures: what `run-foreign inspect --svg` and `run-foreign plan --svg` draw, of programs and on a machine
 * that are the same wherever this runs.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtinLoaders } from '../../loaders/index.ts';
import type { Protection, Segment } from '../image/image.ts';
import { loadProgram } from '../launch/load.ts';
import { imagePicture } from '../picture/of-image.ts';
import { planPicture } from '../picture/of-plan.ts';
import { svgPicture } from '../picture/svg/draw.ts';
import { planProgram } from '../plan/planner.ts';
import type { Source } from '../source/source.ts';
import { countingBytes, fixedHost } from '../testkit/fixed-host.ts';

/** By their paths from `root`. */
export async function docsPictures(root: string): Promise<Map<string, string>> {
  return new Map([
    ['docs/pictures/inspect-tally.svg', await inspectTally(root)],
    ['docs/pictures/plan-cat.svg', planCat()],
  ]);
}

async function inspectTally(root: string): Promise<string> {
  const name = 'samples/aout/tally-qmagic';
  const { image } = await loadProgram({
    name: Buffer.from(join(root, name)),
    args: [],
    envp: [],
    loaders: builtinLoaders,
  });
  return svgPicture(imagePicture(image, name, []));
}

const READ = { read: true, write: false, execute: false };
const READ_WRITE = { ...READ, write: true };
const READ_EXECUTE = { ...READ, execute: true };

/** A file that is mapped and never read. */
const fileCalled = (name: string, fd: number): Source => ({
  name,
  size: 0x10_0000,
  confidential: false,
  read: () => {
    throw new Error('the planner reads no bytes');
  },
  file: { fd, path: Buffer.from(name), offset: 0 },
});

/** As linkers lay programs out, in whole pages: what is in a file lies there as it does in memory. */
function segmentsOf(
  source: Source,
  parts: readonly (readonly [address: number, size: number, filled: number, protection: Protection])[],
): Segment[] {
  return parts.map(([address, size, filled, protection], index) => ({
    name: filled === 0 ? `PT_LOAD ${index - 1}, zero part` : `PT_LOAD ${index}`,
    address: BigInt(address),
    size: BigInt(size),
    ...(filled > 0 && { content: { source, offset: address, size: filled } }),
    protection,
  }));
}

/** A dynamically linked position-independent program, in the shape that most of a distribution's have. */
function planCat(): string {
  const program = fileCalled('/usr/bin/cat', 3);
  const interpreter = fileCalled('/lib64/ld-linux-x86-64.so.2', 4);
  const placement = { kind: 'pie', align: 0x1000n } as const;
  const image = {
    format: 'elf',
    variant: 'dynamic PIE',
    arch: 'x86_64' as const,
    placement,
    segments: segmentsOf(program, [
      [0, 0x2000, 0x2000, READ],
      [0x2000, 0x5000, 0x5000, READ_EXECUTE],
      [0x7000, 0x2000, 0x2000, READ],
      [0x9000, 0x2000, 0x1600, READ_WRITE],
      [0xb000, 0x1c0, 0, READ_WRITE],
    ]),
    entry: 0x3040n,
    interpreter: {
      source: interpreter,
      placement: { kind: 'mmap', align: 0x1000n } as const,
      segments: segmentsOf(interpreter, [
        [0, 0x1000, 0x1000, READ],
        [0x1000, 0x26000, 0x26000, READ_EXECUTE],
        [0x27000, 0xa000, 0xa000, READ],
        [0x31000, 0x4000, 0x3110, READ_WRITE],
      ]),
      entry: 0x1ab70n,
    },
    code: { start: 0x2000n, end: 0x6d91n },
    data: { start: 0x9a90n, end: 0xa600n },
    brk: { start: 0xb1c0n, end: 0xb1c0n, randomize: true },
    stack: { layout: 'sysv', execution: 'none' } as const,
    phdr: { address: 0x40n, entrySize: 56, count: 13 },
  };
  const invocation = {
    program: 'cat',
    argv: ['cat', 'words.txt'].map((text) => Buffer.from(text)),
    envp: ['HOME=/root', 'LANG=C.UTF-8', 'PATH=/usr/bin:/bin'].map((text) => Buffer.from(text)),
    execfn: Buffer.from('/usr/bin/cat'),
    exe: program.file,
  };
  const host = fixedHost({ randomizeVaSpace: 2, random: countingBytes() });
  return svgPicture(planPicture(planProgram(image, invocation, host), ['elf, dynamic PIE, x86_64']));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  mkdirSync(join(root, 'docs/pictures'), { recursive: true });
  for (const [path, svg] of await docsPictures(root)) writeFileSync(join(root, path), svg);
}
