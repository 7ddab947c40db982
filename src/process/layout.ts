/**
 * Chooses the addresses that are ours to choose: the base of a PIE, where the heap begins, where the
 * stub stands meanwhile. They follow the kernel's own choices (load_elf_binary in fs/binfmt_elf.c) and
 * stay clear of everything it may have put there by then, because after the exec nothing can be moved.
 */
import { ForeignError, hex } from '../errors.ts';
import type { ImagePart, ProgramImage, Range } from '../image/image.ts';
import {
  ADDRESS_SPACES,
  type AddressSpace,
  alignDown,
  alignUp,
  PAGE_SIZE,
  pageEnd,
  pageStart,
} from './address-space.ts';
import { type HostFacts, randomBelow } from './host.ts';
import { absolute, type Place } from './place.ts';
import type { Placer } from './stack-image.ts';

export interface Layout extends Placer {
  readonly brk: { readonly start: Place; readonly end: Place };
  /** Where the stub's file is mapped: fixed, because it must not stand where the program goes. */
  readonly stub: bigint;
  readonly space: AddressSpace;
}

/** Throws MACHINE_REFUSED when the image needs an address this process may not have. */
export function layOut(image: ProgramImage, host: HostFacts): Layout {
  const space = ADDRESS_SPACES[image.arch];
  const placeImage = placer(image, 'image', space, host, image.arch);
  const placeInterp =
    image.interpreter === undefined ? absolute : placer(image.interpreter, 'interp', space, host, image.arch);
  const fixed = [
    ...fixedRanges(image, placeImage),
    ...(image.interpreter === undefined ? [] : fixedRanges(image.interpreter, placeInterp)),
  ];
  refuseLowAddresses(fixed, host);
  refuseHighAddresses(fixed, space);
  refuseCollision(image, placeImage, placeInterp);
  return {
    image: placeImage,
    interp: placeInterp,
    brk: placeBrk(image, placeImage, space, host),
    stub: findStub(fixed, space, host),
    space,
  };
}

/** The addresses from the first to the last page of a part, link-time. */
export function span(part: ImagePart): Range {
  let [start, end] = [1n << 64n, 0n];
  for (const segment of part.segments) {
    if (segment.address < start) start = segment.address;
    if (segment.address + segment.size > end) end = segment.address + segment.size;
  }
  return { start: pageStart(start), end: pageEnd(end) };
}

function placer(
  part: ImagePart,
  base: 'image' | 'interp',
  space: AddressSpace,
  host: HostFacts,
  arch: ProgramImage['arch'],
): (address: bigint) => Place {
  const { placement } = part;
  if (placement.kind === 'fixed') return absolute;
  if (placement.kind === 'mmap') return (address) => ({ base, offset: address });
  const pages = host.randomizeVaSpace === 0 ? 0n : randomBelow(host, 1n << BigInt(host.mmapRndBits[arch]));
  const align = placement.align > PAGE_SIZE ? placement.align : PAGE_SIZE;
  const bias = alignDown(space.etDynBase + pages * PAGE_SIZE, align) - span(part).start;
  return (address) => absolute(address + bias);
}

/**
 * As load_elf_binary and arch_randomize_brk do it: the heap begins at a page; a PIE in the mmap area gets its
 * heap where PIEs go, or it could not grow.
 */
function placeBrk(
  image: ProgramImage,
  place: (address: bigint) => Place,
  space: AddressSpace,
  host: HostFacts,
): Layout['brk'] {
  const size = image.brk.end - image.brk.start;
  const { base, offset } = place(image.brk.start);
  if (!image.brk.randomize) return { start: { base, offset }, end: { base, offset: offset + size } };
  const from = pageEnd(base === 'absolute' ? offset : space.etDynBase);
  const room = space.taskSize - from - size;
  const range = room < space.brkRange ? room : space.brkRange;
  const start = host.randomizeVaSpace === 2 ? from + randomBelow(host, range / PAGE_SIZE) * PAGE_SIZE : from;
  return { start: absolute(start), end: absolute(start + size) };
}

function fixedRanges(part: ImagePart, place: (address: bigint) => Place): Range[] {
  return part.segments.flatMap(({ address, size }) => {
    const at = place(address);
    if (at.base !== 'absolute') return [];
    return [{ start: pageStart(at.offset), end: pageEnd(at.offset + size) }];
  });
}

function refuseLowAddresses(fixed: readonly Range[], host: HostFacts): void {
  const lowest = fixed.reduce((least, { start }) => (start < least ? start : least), 1n << 64n);
  // Most images start far above any minimum: asking the machine is not free.
  if (lowest >= 0x10_0000n || lowest >= host.lowestMapping()) return;
  throw new ForeignError(
    'MACHINE_REFUSED',
    `must be loaded at address ${hex(lowest)}, and this process may map nothing below ${hex(host.lowestMapping())}`,
    { hint: 'run it with CAP_SYS_RAWIO (as root), or let root allow it for all: sysctl vm.mmap_min_addr=0' },
  );
}

/** Validated link-time addresses can still be too high where the program is moved to. */
function refuseHighAddresses(fixed: readonly Range[], space: AddressSpace): void {
  const highest = fixed.reduce((most, { end }) => (end > most ? end : most), 0n);
  if (highest <= space.taskSize) return;
  throw new ForeignError(
    'IMAGE_REFUSED',
    `is too large: it would end at ${hex(highest)}, past the last user address`,
  );
}

/** Two fixed parts in one place: the kernel finds out after its point of no return (EEXIST). */
function refuseCollision(
  image: ProgramImage,
  placeImage: (address: bigint) => Place,
  placeInterp: (address: bigint) => Place,
): void {
  if (image.interpreter === undefined) return;
  const own = fixedRanges(image, placeImage);
  for (const theirs of fixedRanges(image.interpreter, placeInterp)) {
    if (own.some(({ start, end }) => start < theirs.end && end > theirs.start)) {
      throw new ForeignError(
        'IMAGE_REFUSED',
        `and its interpreter both want the address ${hex(theirs.start)}`,
      );
    }
  }
}

/** A random place in the quiet range that meets none of the program's own. */
function findStub(fixed: readonly Range[], space: AddressSpace, host: HostFacts): bigint {
  const inside = fixed
    .filter(({ start, end }) => end > space.quiet.start && start < space.quiet.end)
    .sort((a, b) => (a.start < b.start ? -1 : 1));
  const holes: Range[] = [];
  let from = space.quiet.start;
  for (const { start, end } of [...inside, { start: space.quiet.end, end: space.quiet.end }]) {
    if (start - from >= space.stubReserve) holes.push({ start: from, end: start });
    if (end > from) from = end;
  }
  const hole = holes[0];
  if (hole === undefined) {
    throw new ForeignError(
      'IMAGE_REFUSED',
      'fills the address space so that there is no room to start it from',
    );
  }
  const room = (hole.end - hole.start - space.stubReserve) / PAGE_SIZE;
  return alignUp(hole.start, PAGE_SIZE) + randomBelow(host, room + 1n) * PAGE_SIZE;
}
