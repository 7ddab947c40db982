/**
 * The choices of a layout that need randomness, for a stub that makes them itself at each start: the base of a PIE, and
 * where the heap begins (load_elf_binary and arch_randomize_brk, as in layout.ts).
 */
import type { ProgramImage } from '../image/image.ts';
import { ADDRESS_SPACES, PAGE_SIZE, pageEnd } from './address-space.ts';
import type { HostFacts } from './host.ts';
import { basePage, type Layout } from './layout.ts';
import { absolute, type Place } from './place.ts';

/** `base` becomes `from` plus less than `pages` random pages, rounded down to `align`, less `minus`. */
export interface RandomChoice {
  readonly base: 'image' | 'heap';
  readonly from: Place;
  /** A power of two; 1 where nothing is to be random. */
  readonly pages: bigint;
  /** Bytes. */
  readonly align: bigint;
  readonly minus: bigint;
}

/** The base of a PIE; the program's places count from it. */
export function baseChoice(image: ProgramImage, layout: Layout, host: HostFacts): RandomChoice[] {
  const { placement } = image;
  if (placement.kind !== 'pie' || layout.image(0n).base === 'absolute') return [];
  return [
    {
      base: 'image',
      from: absolute(layout.space.etDynBase),
      pages: 1n << BigInt(host.mmapRndBits[image.arch]),
      align: placement.align > PAGE_SIZE ? placement.align : PAGE_SIZE,
      minus: basePage(image),
    },
  ];
}

/** Where the heap begins, when the program has its place. */
export function heapChoice(image: ProgramImage, layout: Layout, host: HostFacts): RandomChoice[] {
  if (layout.brk.start.base !== 'heap') return [];
  const { etDynBase, brkRange, taskSize } = ADDRESS_SPACES[image.arch];
  const after = layout.image(image.brk.start);
  // Of a base that is whole pages only the offset must be rounded.
  const from =
    image.placement.kind === 'mmap'
      ? absolute(pageEnd(etDynBase))
      : { ...after, offset: pageEnd(after.offset) };
  const size = image.brk.end - image.brk.start;
  const room = from.base === 'absolute' ? taskSize - from.offset - size : brkRange;
  const range = room < brkRange ? room : brkRange;
  const pages = host.randomizeVaSpace === 2 ? powerOfTwoIn(range / PAGE_SIZE) : 1n;
  return [{ base: 'heap', from, pages, align: PAGE_SIZE, minus: 0n }];
}

/** The largest one that is not larger, and at least 1. */
function powerOfTwoIn(most: bigint): bigint {
  let power = 1n;
  while (power * 2n <= most) power *= 2n;
  return power;
}
