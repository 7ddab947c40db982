/**
 * The two first stacks Linux itself builds, as words and strings without addresses.
 * sysv: create_elf_tables in fs/binfmt_elf.c and the System V psABI, "Process Initialization";
 * aout: create_aout_tables of the kernels that still had fs/binfmt_aout.c.
 */
import {
  type FirstStack,
  type FirstStackLayout,
  type FirstStackRequest,
  type IndexRange,
  type StackString,
  type StackWord,
  WORD_SIZE,
} from '../image/image.ts';
import { AT, PLATFORM } from './auxv.ts';
import { randomBelow } from './host.ts';

/** arch_align_stack: the stack pointer moves down by less than this many bytes. */
const STACK_POINTER_RANGE = 8192n;
const RANDOM_SIZE = 16;

export const FIRST_STACKS: Record<'sysv' | 'aout', FirstStackLayout> = { sysv, aout };

/** argc, argv…, 0, envp…, 0, auxv. */
function sysv(request: FirstStackRequest): FirstStack {
  const { image } = request;
  const platform = topString(PLATFORM[image.arch]);
  const below: StackString[] = [
    { bytes: request.random(RANDOM_SIZE), place: 'words' },
    { bytes: platform, place: 'words' },
  ];
  const { strings, args, env, execfn } = commonStrings(request, below);
  const pointers: StackWord[] = [
    BigInt(request.argv.length),
    ...indices(args).map((string) => ({ string })),
    0n,
    ...indices(env).map((string) => ({ string })),
    0n,
  ];
  const auxv = [...auxvWords(request, { random: 0, platform: 1, execfn }), 0n, 0n];
  return {
    words: [...pointers, ...auxv],
    strings,
    args,
    env,
    auxv: { from: pointers.length, to: pointers.length + auxv.length },
    gap: request.randomize ? Number(randomBelow(request, STACK_POINTER_RANGE)) : 0,
    align: 16,
  };
}

/** argc, the address of argv, the address of envp, argv…, 0, envp…, 0. */
function aout(request: FirstStackRequest): FirstStack {
  const { strings, args, env } = commonStrings(request, []);
  const argvAt = 3;
  const envpAt = argvAt + request.argv.length + 1;
  const words: StackWord[] = [
    BigInt(request.argv.length),
    { word: argvAt },
    { word: envpAt },
    ...indices(args).map((string) => ({ string })),
    0n,
    ...indices(env).map((string) => ({ string })),
    0n,
  ];
  return {
    words,
    strings,
    args,
    env,
    auxv: { from: words.length, to: words.length },
    gap: 0,
    align: WORD_SIZE[request.image.arch],
  };
}

/** What both have at the top: the argument strings, the environment strings and the file's name. */
function commonStrings(request: FirstStackRequest, below: readonly StackString[]) {
  const top = (bytes: Uint8Array): StackString => ({ bytes: topString(bytes), place: 'top' });
  const strings = [...below, ...request.argv.map(top), ...request.envp.map(top), top(request.execfn)];
  const args: IndexRange = { from: below.length, to: below.length + request.argv.length };
  const env: IndexRange = { from: args.to, to: args.to + request.envp.length };
  return { strings, args, env, execfn: env.to };
}

function auxvWords(
  request: FirstStackRequest,
  at: { random: number; platform: number; execfn: number },
): StackWord[] {
  const { image } = request;
  const ours = new Map<number, StackWord>([
    [AT.PHDR, image.phdr === undefined ? 0n : { image: image.phdr.address }],
    [AT.PHENT, BigInt(image.phdr?.entrySize ?? 0)],
    [AT.PHNUM, BigInt(image.phdr?.count ?? 0)],
    [AT.BASE, image.interpreter === undefined ? 0n : { interp: 0n }],
    [AT.FLAGS, 0n],
    [AT.ENTRY, { image: image.entry }],
    [AT.RANDOM, { string: at.random }],
    [AT.EXECFN, { string: at.execfn }],
    [AT.PLATFORM, { string: at.platform }],
  ]);
  return request.auxvTypes.flatMap((type) => [BigInt(type), ours.get(type) ?? { kernelAuxv: type }]);
}

function topString(text: string | Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(text), Buffer.of(0)]);
}

function indices(range: IndexRange): number[] {
  return Array.from({ length: range.to - range.from }, (_, index) => range.from + index);
}
