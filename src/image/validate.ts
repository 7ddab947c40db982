/**
 * The host trusts no loader: every image passes here before it is planned. What Linux would refuse or
 * would kill right after its point of no return is refused; oddities that it runs are let through.
 */
import { ForeignError, hex } from '../errors.ts';
import type { ImagePart, ProgramImage, Range, Segment } from './image.ts';

const PAGE_SIZE = 4096n;
const pageStart = (address: bigint) => address - (address % PAGE_SIZE);
const pageEnd = (address: bigint) => pageStart(address + PAGE_SIZE - 1n);

/** More segments than any real program; the kernel stops at 64 KiB of program headers. */
const MAX_SEGMENTS = 4096;

/** Throws IMAGE_REFUSED; `limit` is the first address a program cannot have. */
export function validateImage(image: ProgramImage, limit: bigint): void {
  validatePart(image, 'the program', limit);
  if (image.interpreter !== undefined) validatePart(image.interpreter, 'its interpreter', limit);
  checkRange('start_code … end_code', image.code, limit);
  checkRange('start_data … end_data', image.data, limit);
  checkRange('start_brk … brk', image.brk, limit);
  const starting = image.interpreter ?? image;
  if (!isExecutable(starting, image.stack.execution === 'everything-readable')) {
    refuse(`the entry point ${hex(starting.entry)} lies in no executable segment`);
  }
}

function validatePart(part: ImagePart, what: string, limit: bigint): void {
  const { segments, placement } = part;
  if (segments.length === 0) refuse(`${what} has no segments`);
  if (segments.length > MAX_SEGMENTS)
    refuse(`${what} has ${segments.length} segments, more than ${MAX_SEGMENTS}`);
  for (const segment of segments) validateSegment(segment, limit);
  if (placement.kind === 'fixed') return;
  const { align } = placement;
  if (align <= 0n || (align & (align - 1n)) !== 0n)
    refuse(`the alignment ${hex(align)} is not a power of two`);
  if (align > limit / 4n) refuse(`the alignment ${hex(align)} is larger than an address space`);
}

function validateSegment(segment: Segment, limit: bigint): void {
  const { name, address, size, content } = segment;
  if (address < 0n || size <= 0n) refuse(`${name} is empty or lies at a negative address`);
  if (address + size > limit) {
    refuse(
      `${name} at ${hex(address)} with ${hex(size)} bytes reaches past the last user address ${hex(limit - 1n)}`,
    );
  }
  if (content === undefined) return;
  // A plugin is free to compute nonsense, and BigInt(1.5) would throw a RangeError of its own.
  if (!Number.isSafeInteger(content.offset) || !Number.isSafeInteger(content.size)) {
    refuse(`${name} has a file offset or size that is no whole number: ${content.offset}, ${content.size}`);
  }
  if (BigInt(content.size) > size) refuse(`${name} has more bytes in the file than in memory`);
  const end = content.offset + content.size;
  if (content.offset < 0 || content.size < 0 || end > content.source.size) {
    refuse(
      `${name} needs the file's bytes ${hex(content.offset)} to ${hex(end)}, but it has only ${hex(content.source.size)}`,
    );
  }
}

function checkRange(what: string, range: Range, limit: bigint): void {
  if (range.start < 0n || range.start > range.end || range.end > limit) {
    refuse(`${what} is not a range of user addresses: ${hex(range.start)} … ${hex(range.end)}`);
  }
}

/** Where segments share a page, the last one is what is left of it. */
function isExecutable({ segments, entry }: ImagePart, readableIsEnough: boolean): boolean {
  const last = segments.findLast(
    ({ address, size }) => entry >= pageStart(address) && entry < pageEnd(address + size),
  );
  if (last === undefined) return false;
  const { address, size, protection } = last;
  const allowed = protection.execute || (readableIsEnough && protection.read);
  return allowed && entry >= address && entry < address + size;
}

function refuse(message: string): never {
  throw new ForeignError('IMAGE_REFUSED', `cannot be run: ${message}`);
}
