/**
 * The first stack as bytes. Its place is known only after the exec, so every pointer in it is an
 * offset from a base, and `pointers` says which words the stub must add which base to.
 */
import {
  type Arch,
  type FirstStack,
  type IndexRange,
  type StackString,
  type StackWord,
  WORD_SIZE,
} from '../image/image.ts';
import { alignDown, pageEnd, pageStart } from './address-space.ts';
import type { Base, Place } from './place.ts';

/** The kernel leaves one zero pointer above the strings (fs/exec.c, __bprm_mm_init). */
export const TOP_ZERO_BYTES = 8n;

/** setup_arg_pages in fs/exec.c: so much more than the strings take. */
export const STACK_EXPAND = 131072n;

/** `count` neighbouring words that all get `base` added. */
export interface PointerRun {
  /** Bytes from the start of the stack image. */
  readonly offset: number;
  readonly count: number;
  readonly base: Exclude<Base, 'absolute'>;
}

export interface StackImage {
  /** From the stack pointer to the end of the stack area. */
  readonly bytes: Uint8Array;
  readonly pointers: readonly PointerRun[];
  /** Words filled from the auxv which the kernel gave the stub: byte offset and AT_ number. */
  readonly kernelAuxv: readonly { readonly offset: number; readonly type: number }[];
  /** Offsets from the end of the stack area, all negative. */
  readonly sp: bigint;
  /** Where the path of the program's file lies, if that was wanted. */
  readonly exePath?: bigint;
  /** How far down the area is mapped when the program starts. */
  readonly extent: bigint;
  readonly arg: { readonly start: bigint; readonly end: bigint };
  readonly env: { readonly start: bigint; readonly end: bigint };
  readonly auxv: { readonly start: bigint; readonly size: number };
}

/** How a link-time address of the program or the interpreter becomes a place. */
export interface Placer {
  readonly image: (address: bigint) => Place;
  readonly interp: (address: bigint) => Place;
}

/** `stackLimit` is the soft RLIMIT_STACK, in bytes; `exePath` is one string more, below those of the stack. */
export function buildStackImage(
  stack: FirstStack,
  arch: Arch,
  placer: Placer,
  stackLimit: bigint,
  exePath?: Uint8Array,
): StackImage {
  const wordSize = WORD_SIZE[arch];
  const more: StackString[] = exePath
    ? [{ bytes: Buffer.concat([exePath, Buffer.of(0)]), place: 'words' }]
    : [];
  const strings = [...stack.strings, ...more];
  const addresses = placeStrings({ ...stack, strings });
  const lowest = addresses.lowest - BigInt(stack.words.length * wordSize);
  const sp = alignDown(lowest, BigInt(stack.align));
  const bytes = new Uint8Array(Number(-sp));
  const view = new DataView(bytes.buffer);
  const put = wordSize === 8 ? putWord64 : putWord32;
  const pointers: PointerRun[] = [];
  const kernelAuxv: { offset: number; type: number }[] = [];

  strings.forEach((string, index) => {
    bytes.set(string.bytes, Number(addresses.of(index) - sp));
  });
  stack.words.forEach((word, index) => {
    const offset = index * wordSize;
    if (typeof word === 'object' && 'kernelAuxv' in word) {
      kernelAuxv.push({ offset, type: word.kernelAuxv });
      return;
    }
    const place = wordPlace(word, (string) => addresses.of(string), sp, wordSize, placer);
    put(view, offset, place.offset);
    if (place.base !== 'absolute') addPointer(pointers, offset, place.base, wordSize);
  });

  const wordAddress = (index: number) => sp + BigInt(index * wordSize);
  return {
    bytes,
    pointers,
    kernelAuxv,
    sp,
    ...(exePath && { exePath: addresses.of(stack.strings.length) }),
    extent: stackExtent(addresses.lowestTop, stackLimit),
    arg: addresses.range(stack.args),
    env: addresses.range(stack.env),
    auxv: { start: wordAddress(stack.auxv.from), size: (stack.auxv.to - stack.auxv.from) * wordSize },
  };
}

/** Gives every string its offset from the end of the stack area. */
function placeStrings(stack: FirstStack) {
  const offsets: bigint[] = [];
  let at = -TOP_ZERO_BYTES;
  const place = (where: 'top' | 'words') => {
    for (let index = stack.strings.length - 1; index >= 0; index--) {
      const string = stack.strings[index];
      if (string?.place !== where) continue;
      at -= BigInt(string.bytes.length);
      offsets[index] = at;
    }
  };
  place('top');
  const lowestTop = at;
  at = alignDown(at - BigInt(stack.gap), BigInt(stack.align));
  place('words');
  const of = (index: number): bigint => offsets[index] ?? lowestTop;
  const end = (index: number): bigint => of(index) + BigInt(stack.strings[index]?.bytes.length ?? 0);
  const range = ({ from, to }: IndexRange) =>
    from < to ? { start: of(from), end: end(to - 1) } : { start: of(from), end: of(from) };
  return { lowest: at, lowestTop, of, range };
}

/** setup_arg_pages in fs/exec.c: what the strings take, and 128 KiB more, as far as the limit allows. */
function stackExtent(lowestString: bigint, stackLimit: bigint): bigint {
  const wanted = pageEnd(-lowestString) + STACK_EXPAND;
  const limit = pageStart(stackLimit);
  return -(wanted < limit ? wanted : limit);
}

function wordPlace(
  word: Exclude<StackWord, { kernelAuxv: number }>,
  stringAddress: (index: number) => bigint,
  sp: bigint,
  wordSize: number,
  placer: Placer,
): Place {
  if (typeof word === 'bigint') return { base: 'absolute', offset: word };
  if ('string' in word) return { base: 'stack', offset: stringAddress(word.string) };
  if ('word' in word) return { base: 'stack', offset: sp + BigInt(word.word * wordSize) };
  return 'image' in word ? placer.image(word.image) : placer.interp(word.interp);
}

function addPointer(runs: PointerRun[], offset: number, base: PointerRun['base'], wordSize: number): void {
  const last = runs.at(-1);
  if (last !== undefined && last.base === base && last.offset + last.count * wordSize === offset) {
    runs[runs.length - 1] = { ...last, count: last.count + 1 };
  } else {
    runs.push({ offset, count: 1, base });
  }
}

function putWord64(view: DataView, offset: number, value: bigint): void {
  view.setBigUint64(offset, BigInt.asUintN(64, value), true);
}

function putWord32(view: DataView, offset: number, value: bigint): void {
  view.setUint32(offset, Number(BigInt.asUintN(32, value)), true);
}
