/** The program and its interpreter as the plan has placed them. */
import type { ImagePart, Protection, Range, Segment } from '../../../src/image/image.ts';
import type { ProtectionText } from '../../../src/image/permissions.ts';
import type { Base } from '../../../src/process/place.ts';
import { AddressMap } from './address-map.ts';
import { KERNEL } from './kernel-areas.ts';
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
  const { taskSize } = KERNEL[plan.arch];
  const first = plan.steps.find((step) => step.op === 'mmap');
  const of = (part: ImagePart, name: 'image' | 'interp', pieBias: bigint): PlacedPart => {
    const { placement } = part;
    if (placement.kind === 'fixed') return { part, base: 'absolute', bias: 0n };
    if (placement.kind === 'pie') return { part, base: 'absolute', bias: pieBias };
    // No base but 0 has such an alignment.
    if (placement.align > taskSize) return { part, base: 'absolute', bias: -firstPage(part) };
    return { part, base: name, bias: 0n };
  };
  // The program is mapped first, and its first segment before the others.
  const pieBias = first === undefined ? 0n : first.at.offset - firstPage(image);
  return [of(image, 'image', pieBias), ...(interpreter === undefined ? [] : [of(interpreter, 'interp', 0n)])];
}

/** The first segment's, which need not be the lowest. */
export const firstPage = ({ segments }: ImagePart): bigint => pageDown(segments[0]?.address ?? 0n);

/** Whole pages from the first to the last, as places. */
export function spanOf({ part, bias }: PlacedPart): Range {
  const ends = part.segments.map(({ address, size }) => address + size);
  const lowest = part.segments.reduce(
    (least, { address }) => (address < least ? address : least),
    firstPage(part),
  );
  const highest = ends.reduce((most, end) => (end > most ? end : most), 0n);
  return { start: pageDown(lowest + bias), end: pageUp(highest + bias) };
}

/** What is to be seen in each page in the end: of all segments that reach into it the last, the interpreter's after all. */
export function lastSegments(judged: Judged): Map<Base, AddressMap<{ segment: Segment; bias: bigint }>> {
  const seen = new Map<Base, AddressMap<{ segment: Segment; bias: bigint }>>();
  for (const { part, base, bias } of placedParts(judged)) {
    const pages = seen.get(base) ?? new AddressMap<{ segment: Segment; bias: bigint }>();
    for (const segment of part.segments) {
      const end = segment.address + segment.size;
      pages.set(pageDown(segment.address + bias), pageUp(end + bias), { segment, bias });
    }
    seen.set(base, pages);
  }
  return seen;
}

export function textOf({ read, write, execute }: Protection): ProtectionText {
  return `${read ? 'r' : '-'}${write ? 'w' : '-'}${execute ? 'x' : '-'}`;
}
