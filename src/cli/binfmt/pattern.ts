/**
 * What an entry of binfmt_misc matches: bytes at an offset under a mask, compared with the first BINPRM_BUF_SIZE bytes of
 * a file, which are zeros behind a shorter one (search_binfmt_handler in fs/binfmt_misc.c). Two patterns are compared as sets of files.
 */

/** include/uapi/linux/binfmts.h; 128 before Linux 5.1. */
export const BINPRM_BUF_SIZE = 256;

/** `mask` is as long as `bytes`, which are 0 where it is; neither begins nor ends with a byte that is not looked at. */
export interface Pattern {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly mask: Uint8Array;
}

/** A magic as a pattern. Undefined for one that is none: nothing is looked at, or its mask is of another size. */
export function patternOf(magic: {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly mask?: Uint8Array | undefined;
}): Pattern | undefined {
  const { offset, bytes, mask = new Uint8Array(bytes.length).fill(0xff) } = magic;
  if (mask.length !== bytes.length || !Number.isSafeInteger(offset) || offset < 0) return undefined;
  const first = mask.findIndex((each) => each !== 0);
  const end = mask.findLastIndex((each) => each !== 0) + 1;
  if (first < 0) return undefined;
  return {
    offset: offset + first,
    bytes: Uint8Array.from(bytes.subarray(first, end), (byte, at) => byte & (mask[first + at] ?? 0)),
    mask: Uint8Array.from(mask.subarray(first, end)),
  };
}

/** How many bits of a file it looks at. */
export function fixedBits({ mask }: Pattern): number {
  return mask.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
}

/** Whether a file that begins so is one. */
export function matches({ offset, bytes, mask }: Pattern, start: Uint8Array): boolean {
  return bytes.every((byte, at) => (((start[offset + at] ?? 0) ^ byte) & (mask[at] ?? 0)) === 0);
}

/** How the files of one pattern lie to those of another. */
export type Relation = 'none in common' | 'the same' | 'inside' | 'around' | 'some in common';

/** `inside`: every file of `one` is one of `other`. */
export function relation(one: Pattern, other: Pattern): Relation {
  let [inside, around] = [true, true];
  const end = Math.max(one.offset + one.mask.length, other.offset + other.mask.length);
  for (let at = Math.min(one.offset, other.offset); at < end; at++) {
    const [oneMask, otherMask] = [one.mask[at - one.offset] ?? 0, other.mask[at - other.offset] ?? 0];
    const differing = (one.bytes[at - one.offset] ?? 0) ^ (other.bytes[at - other.offset] ?? 0);
    if ((differing & oneMask & otherMask) !== 0) return 'none in common';
    if ((otherMask & ~oneMask) !== 0) inside = false;
    if ((oneMask & ~otherMask) !== 0) around = false;
  }
  if (inside && around) return 'the same';
  return inside ? 'inside' : around ? 'around' : 'some in common';
}
