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

/** The stack area execve makes, at least (setup_arg_pages in fs/exec.c). */
const STACK_SIZE = 128n * 1024n + PAGE_SIZE;
/** More than the stub's stack grows to: arguments and environment have 6 MiB, and a gap of 1 MiB follows. */
const MAX_STACK = 16n * 1024n * 1024n;
/** Lower addresses may be forbidden (vm.mmap_min_addr). */
const LOWEST_STUB = 0x10_0000n;

export interface Layout extends Placer {
  readonly brk: { readonly start: Place; readonly end: Place };
  /** Where the stub's file is mapped: fixed, because it must not stand where the program goes. */
  readonly stub: bigint;
  readonly space: AddressSpace;
}

/**
 * Who makes the choices that need randomness: the planner, for one start, or the stub, anew for each. Those of the stub
 * are in choices.ts.
 */
export type Chooser = 'planner' | 'stub';

/** Throws MACHINE_REFUSED when the image needs an address this process may not have. */
export function layOut(image: ProgramImage, host: HostFacts, chooser: Chooser = 'planner'): Layout {
  const space = ADDRESS_SPACES[image.arch];
  const placeImage = isChosenByStub(image, space, chooser)
    ? (address: bigint): Place => ({ base: 'image', offset: address })
    : placer(image, 'image', space, host, image.arch);
  const placeInterp =
    image.interpreter === undefined ? absolute : placer(image.interpreter, 'interp', space, host, image.arch);
  const fixed = [
    ...fixedRanges(image, placeImage),
    ...(image.interpreter === undefined ? [] : fixedRanges(image.interpreter, placeInterp)),
  ];
  refuseLowAddresses(fixed, host);
  refuseHighAddresses(fixed, space);
  refuseStackPlaces(fixed, space, host);
  return {
    image: placeImage,
    interp: placeInterp,
    brk: placeBrk(image, placeImage, space, host, chooser),
    stub: findStub(fixed, space, host),
    space,
  };
}

function isChosenByStub({ placement }: ProgramImage, { taskSize }: AddressSpace, chooser: Chooser): boolean {
  return chooser === 'stub' && placement.kind === 'pie' && placement.align <= taskSize;
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

/**
 * The kernel puts the first segment, which need not be the lowest, at the base it has chosen, rounded down to
 * the alignment: that may leave nothing but 0.
 */
function placer(
  part: ImagePart,
  base: 'image' | 'interp',
  space: AddressSpace,
  host: HostFacts,
  arch: ProgramImage['arch'],
): (address: bigint) => Place {
  const { placement } = part;
  if (placement.kind === 'fixed') return absolute;
  const first = pageStart(part.segments[0]?.address ?? 0n);
  if (placement.align > space.taskSize) return (address) => absolute(address - first);
  if (placement.kind === 'mmap') return (address) => ({ base, offset: address });
  const pages = host.randomizeVaSpace === 0 ? 0n : randomBelow(host, 1n << BigInt(host.mmapRndBits[arch]));
  const align = placement.align > PAGE_SIZE ? placement.align : PAGE_SIZE;
  const bias = alignDown(space.etDynBase + pages * PAGE_SIZE, align) - basePage(part);
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
  chooser: Chooser,
): Layout['brk'] {
  const size = image.brk.end - image.brk.start;
  const { base, offset } = place(image.brk.start);
  if (!image.brk.randomize) return { start: { base, offset }, end: { base, offset: offset + size } };
  if (chooser === 'stub') return { start: { base: 'heap', offset: 0n }, end: { base: 'heap', offset: size } };
  const from = pageEnd(image.placement.kind === 'mmap' ? space.etDynBase : offset);
  const room = space.taskSize - from - size;
  const range = room < space.brkRange ? room : space.brkRange;
  const start = host.randomizeVaSpace === 2 ? from + randomBelow(host, range / PAGE_SIZE) * PAGE_SIZE : from;
  return { start: absolute(start), end: absolute(start + size) };
}

/**
 * The link-time page that is put at the base (load_elf_binary): the anchor is taken from the base and what is left
 * rounded down, so that a page which the anchor lies in the middle of comes before the base. Only where the kernel
 * maps the first segment wherever it finds room is it that segment's page.
 */
export function basePage({ placement, segments }: ImagePart): bigint {
  const first = segments[0]?.address ?? 0n;
  if (placement.kind === 'fixed') return pageStart(first);
  const anchor = placement.anchor ?? first;
  return placement.kind === 'mmap' && placement.align <= PAGE_SIZE ? pageStart(anchor) : pageEnd(anchor);
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
  throw new ForeignError('IMAGE_REFUSED', 'is too large: it would end past the last user address');
}

/**
 * A range in which the stack is bound to lie, wherever in it: execve would lay the segment over the arguments
 * it has just put there. Where the stack only may lie, it is left to chance, as by execve.
 */
function refuseStackPlaces(fixed: readonly Range[], space: AddressSpace, host: HostFacts): void {
  const lowestEnd = space.taskSize - (host.randomizeVaSpace === 0 ? 0n : space.stackRange);
  const over = fixed.find(({ start, end }) => start < lowestEnd && end > space.taskSize - STACK_SIZE);
  if (over === undefined) return;
  throw new ForeignError('IMAGE_REFUSED', `lies where the stack must be, from ${hex(over.start)} on`);
}

/** A random place that meets none of the program's own: in the quiet range, or elsewhere if that is full. */
export function findStub(
  fixed: readonly Range[],
  space: AddressSpace,
  host: Pick<HostFacts, 'random'>,
): bigint {
  // Further up than that the stack may be, and may have grown to.
  const below = space.taskSize - space.stackRange - MAX_STACK;
  const anywhere = { start: LOWEST_STUB, end: below };
  const hole = findHole(fixed, space.quiet, space) ?? findHole(fixed, anywhere, space);
  if (hole === undefined) {
    throw new ForeignError(
      'IMAGE_REFUSED',
      'fills the address space so that there is no room to start it from',
    );
  }
  const room = (hole.end - hole.start - space.stubReserve) / PAGE_SIZE;
  return alignUp(hole.start, PAGE_SIZE) + randomBelow(host, room + 1n) * PAGE_SIZE;
}

/** The first part of a range that has room for the stub and nothing of the program. */
function findHole(fixed: readonly Range[], range: Range, space: AddressSpace): Range | undefined {
  const inside = fixed
    .filter(({ start, end }) => end > range.start && start < range.end)
    .sort((a, b) => (a.start < b.start ? -1 : 1));
  let from = range.start;
  for (const { start, end } of [...inside, { start: range.end, end: range.end }]) {
    if (start - from >= space.stubReserve) return { start: from, end: start };
    if (end > from) from = end;
  }
  return undefined;
}
