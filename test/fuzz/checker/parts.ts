/** The program and its interpreter as the plan has placed them. */
import type { ImagePart, Protection, Range } from '../../../src/image/image.ts';
import type { ProtectionText } from '../../../src/plan/plan.ts';
import type { Base } from '../../../src/process/place.ts';
import type { Judged } from './rules.ts';

export const PAGE = 0x1000n;

export const pageDown = (address: bigint) => address - (((address % PAGE) + PAGE) % PAGE);
export const pageUp = (address: bigint) => pageDown(address + PAGE - 1n);

export interface PlacedPart {
  readonly part: ImagePart;
  /** Whose offsets its places are. */
  readonly base: Base;
  /** What these offsets are more than its link-time addresses. */
  readonly bias: bigint;
}

export function placedParts({ image, plan }: Judged): PlacedPart[] {
  const { interpreter } = image;
  const of = (part: ImagePart, base: 'image' | 'interp', bias: bigint): PlacedPart => ({
    part,
    base: part.placement.kind === 'mmap' ? base : 'absolute',
    bias,
  });
  const first = plan.steps.find((step) => step.op === 'mmap');
  const lowest = image.segments[0]?.address ?? 0n;
  // The program is mapped first, and its first segment before the others.
  const bias =
    image.placement.kind === 'pie' && first !== undefined ? first.at.offset - pageDown(lowest) : 0n;
  return [of(image, 'image', bias), ...(interpreter === undefined ? [] : [of(interpreter, 'interp', 0n)])];
}

/** Whole pages from the first to the last, as places. */
export function spanOf({ part, bias }: PlacedPart): Range {
  const starts = part.segments.map(({ address }) => address);
  const ends = part.segments.map(({ address, size }) => address + size);
  return {
    start: pageDown(starts.reduce((a, b) => (a < b ? a : b)) + bias),
    end: pageUp(ends.reduce((a, b) => (a > b ? a : b)) + bias),
  };
}

export function textOf({ read, write, execute }: Protection): ProtectionText {
  return `${read ? 'r' : '-'}${write ? 'w' : '-'}${execute ? 'x' : '-'}`;
}
