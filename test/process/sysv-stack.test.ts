/** The first stack of ELF programs, read back the way a program reads it (System V psABI; create_elf_tables). */
import { describe, expect, test } from 'vitest';
import type { Arch, FirstStackRequest, ProgramImage } from '../../src/image/image.ts';
import { WORD_SIZE } from '../../src/image/image.ts';
import { AT, auxvTypesFor } from '../../src/process/auxv.ts';
import { FIRST_STACKS } from '../../src/process/first-stack.ts';
import { absolute } from '../../src/process/place.ts';
import { buildStackImage } from '../../src/process/stack-image.ts';
import { AUXV_TYPES, countingBytes } from '../support/host.ts';
import { testImage } from '../support/images.ts';
import { text } from '../support/sources.ts';
import { type Bases, kernelValue, placeStack, readSysv } from '../support/stack-reader.ts';

const STACK_END: Record<Arch, bigint> = { x86_64: 0x7ffd_1234_5000n, i386: 0xffe0_5000n };

interface Wish {
  readonly argv?: readonly string[];
  readonly envp?: readonly string[];
  readonly execfn?: string;
  readonly randomize?: boolean;
  readonly random?: (length: number) => Uint8Array;
  readonly image?: Partial<ProgramImage>;
}

function build(arch: Arch, wish: Wish = {}) {
  const image = testImage({
    arch,
    phdr: { address: 0x400040n, entrySize: arch === 'i386' ? 32 : 56, count: 7 },
    entry: 0x400123n,
    ...wish.image,
  });
  const request: FirstStackRequest = {
    image,
    argv: (wish.argv ?? ['prog', 'one', 'two words']).map(text),
    envp: (wish.envp ?? ['A=1', 'EMPTY=', 'B=two']).map(text),
    execfn: text(wish.execfn ?? '/usr/bin/prog'),
    auxvTypes: auxvTypesFor(arch, AUXV_TYPES),
    random: wish.random ?? countingBytes(),
    randomize: wish.randomize ?? false,
  };
  const bases: Bases = { stack: STACK_END[arch], image: 0x5555_0000n, interp: 0x7f00_0000n };
  const placer = { image: absolute, interp: (offset: bigint) => ({ base: 'interp', offset }) as const };
  const stackImage = buildStackImage(FIRST_STACKS.sysv(request), arch, placer, 8n << 20n);
  const stack = placeStack(stackImage, WORD_SIZE[arch], bases);
  return { stackImage, stack, read: readSysv(stack, WORD_SIZE[arch]), end: STACK_END[arch] };
}

describe.each(['x86_64', 'i386'] as const)('%s', (arch) => {
  test('argc, argv and envp are what was asked for, each list ended by a null pointer', () => {
    const { stack, read } = build(arch);
    expect(read.argc).toBe(3n);
    expect(read.argv.map(stack.string)).toEqual(['prog', 'one', 'two words']);
    expect(read.envp.map(stack.string)).toEqual(['A=1', 'EMPTY=', 'B=two']);
  });

  test('bytes that are no UTF-8 arrive as they are', () => {
    const { stack, read } = build(arch, { argv: ['\xff\xfe\x80'], envp: ['X=\xc3'] });
    expect(read.argv.map(stack.string)).toEqual(['\xff\xfe\x80']);
    expect(read.envp.map(stack.string)).toEqual(['X=\xc3']);
  });

  test('the auxv has the kernel’s entries in the kernel’s order', () => {
    const { read } = build(arch);
    const expected = arch === 'i386' ? [AT.SYSINFO, ...AUXV_TYPES] : [...AUXV_TYPES];
    expect(read.auxv.map(([type]) => type)).toEqual(expected);
  });

  test('entries about the program are ours, all others the kernel’s', () => {
    const { stack, read } = build(arch);
    const ours = new Map<number, bigint>([
      [AT.PHDR, 0x400040n],
      [AT.PHENT, arch === 'i386' ? 32n : 56n],
      [AT.PHNUM, 7n],
      [AT.BASE, 0n],
      [AT.FLAGS, 0n],
      [AT.ENTRY, 0x400123n],
    ]);
    const strings: number[] = [AT.RANDOM, AT.EXECFN, AT.PLATFORM];
    for (const [type, value] of read.auxv) {
      if (!strings.includes(type)) expect([type, value]).toEqual([type, ours.get(type) ?? kernelValue(type)]);
    }
    const entries = new Map(read.auxv);
    expect(stack.string(entries.get(AT.EXECFN) ?? 0n)).toBe('/usr/bin/prog');
    expect(stack.string(entries.get(AT.PLATFORM) ?? 0n)).toBe(arch === 'i386' ? 'i686' : 'x86_64');
  });

  test('AT_RANDOM points to the sixteen random bytes', () => {
    const random = (length: number) => Uint8Array.from({ length }, (_, index) => 0xa0 + index);
    const { stack, read } = build(arch, { random });
    const at = new Map(read.auxv).get(AT.RANDOM) ?? 0n;
    expect([...stack.bytes(at, 16)]).toEqual(Array.from({ length: 16 }, (_, index) => 0xa0 + index));
  });

  test('AT_BASE is where the interpreter is, when there is one', () => {
    const interpreter = {
      placement: { kind: 'mmap', align: 0x1000n } as const,
      segments: [],
      entry: 0n,
      source: { name: 'ld.so', size: 0, confidential: false, read: () => new Uint8Array(0) },
    };
    const { read } = build(arch, { image: { interpreter } });
    expect(new Map(read.auxv).get(AT.BASE)).toBe(0x7f00_0000n);
  });

  test('an image without program headers has zeros for them', () => {
    const { phdr: _, ...bare } = testImage({ arch });
    const request: FirstStackRequest = {
      image: bare,
      argv: [],
      envp: [],
      execfn: text('x'),
      auxvTypes: [AT.PHDR, AT.PHENT, AT.PHNUM],
      random: countingBytes(),
      randomize: false,
    };
    const image = buildStackImage(
      FIRST_STACKS.sysv(request),
      arch,
      { image: absolute, interp: absolute },
      8n << 20n,
    );
    const stack = placeStack(image, WORD_SIZE[arch], { stack: STACK_END[arch] });
    const read = readSysv(stack, WORD_SIZE[arch]);
    expect(read.auxv).toEqual([
      [AT.PHDR, 0n],
      [AT.PHENT, 0n],
      [AT.PHNUM, 0n],
    ]);
  });

  test('the stack pointer is a multiple of 16, whatever the number and length of strings', () => {
    for (let count = 0; count < 20; count++) {
      const argv = Array.from({ length: count }, (_, index) => 'x'.repeat(index));
      const { stack, read } = build(arch, { argv });
      expect(stack.sp % 16n).toBe(0n);
      expect(read.argv.map(stack.string)).toEqual(argv);
    }
  });

  test('one zero pointer ends the stack, and right below it is the file name', () => {
    const { stack, end } = build(arch);
    expect([...stack.bytes(end - 8n, 8)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(stack.string(end - 8n - 14n)).toBe('/usr/bin/prog');
  });

  test('arguments and environment are contiguous, in order, and end in NUL', () => {
    const { stack, stackImage, end } = build(arch);
    const { arg, env } = stackImage;
    const range = (from: bigint, to: bigint) =>
      Buffer.from(stack.bytes(end + from, Number(to - from))).toString('latin1');
    expect(range(arg.start, arg.end)).toBe('prog\0one\0two words\0');
    expect(range(env.start, env.end)).toBe('A=1\0EMPTY=\0B=two\0');
    expect(arg.end).toBe(env.start);
  });

  test('the auxv range covers every pair and the AT_NULL pair', () => {
    const { stackImage, read, end } = build(arch);
    const size = (read.auxv.length + 1) * 2 * WORD_SIZE[arch];
    expect(stackImage.auxv.size).toBe(size);
    expect(end + stackImage.auxv.start + BigInt(size)).toBe(read.end);
  });

  test('no arguments and no environment make two empty lists and two empty ranges', () => {
    const { stack, stackImage, read } = build(arch, { argv: [], envp: [] });
    expect(read).toMatchObject({ argc: 0n, argv: [], envp: [] });
    expect(stackImage.arg.start).toBe(stackImage.arg.end);
    expect(stackImage.env.start).toBe(stackImage.env.end);
    expect(stackImage.env.end).toBeLessThan(0n);
    expect(stack.string(new Map(read.auxv).get(AT.EXECFN) ?? 0n)).toBe('/usr/bin/prog');
  });

  test('a thousand arguments all arrive, and their pointers are one run', () => {
    const argv = Array.from({ length: 1000 }, (_, index) => `argument ${index}`);
    const { stack, stackImage, read } = build(arch, { argv });
    expect(read.argc).toBe(1000n);
    expect(read.argv.map(stack.string)).toEqual(argv);
    expect(stackImage.pointers[0]).toEqual({ offset: WORD_SIZE[arch], count: 1000, base: 'stack' });
  });

  test('randomisation lowers the stack pointer by less than 8 KiB and moves no argument', () => {
    const fixed = build(arch);
    const seen = new Set<bigint>();
    for (let byte = 0; byte < 256; byte++) {
      const random = (length: number) => new Uint8Array(length).fill(byte * 7);
      const moved = build(arch, { randomize: true, random });
      const lowered = fixed.stack.sp - moved.stack.sp;
      expect(lowered).toBeGreaterThanOrEqual(0n);
      expect(lowered).toBeLessThan(8192n + 16n);
      expect(moved.read.argv).toEqual(fixed.read.argv);
      expect(moved.stack.sp % 16n).toBe(0n);
      seen.add(lowered);
    }
    expect(seen.size).toBeGreaterThan(50);
  });

  test('words, strings and the random bytes do not overlap', () => {
    const { stackImage, read, end } = build(arch);
    const pointed = read.auxv.filter(([type]) => type === AT.RANDOM || type === AT.PLATFORM);
    expect(pointed).toHaveLength(2);
    for (const [, address] of pointed) {
      expect(address).toBeGreaterThanOrEqual(read.end);
      expect(address).toBeLessThan(end + stackImage.arg.start);
    }
  });
});
