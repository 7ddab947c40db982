/**
 * The host trusts no loader: every image passes here before it is planned. What Linux would refuse or
 * would kill right after its point of no return is refused; oddities that it runs are let through.
 */
import { hex } from '../errors.ts';
import { isMappable } from '../source/source.ts';
import type { ImagePart, ProgramImage, Range, Segment } from './image.ts';
import { refuse } from './refusal.ts';
import { validateProcess } from './validate-state.ts';

/** More segments than any real program; the kernel stops at 64 KiB of program headers. */
const MAX_SEGMENTS = 4096;
const PAGE_SIZE = 4096n;

/** Throws IMAGE_REFUSED; `limit` is the first address a program cannot have. */
export function validateImage(image: ProgramImage, limit: bigint): void {
  if (image.process !== undefined) {
    validateProcess(image, image.process, limit);
    return;
  }
  const starting = image.interpreter ?? image;
  const who = image.interpreter === undefined ? 'the program' : 'its interpreter';
  // A program with an interpreter needs no segments: then the interpreter is all that is mapped.
  if (starting.segments.length === 0) refuse(`${who} has no segments`);
  validatePart(image, 'the program', limit);
  if (image.interpreter !== undefined) validatePart(image.interpreter, 'its interpreter', limit);
  checkRange('start_code … end_code', image.code, limit);
  checkRange('start_data … end_data', image.data, limit);
  checkRange('start_brk … brk', image.brk, limit);
  checkEntry(starting, image.stack.execution === 'everything-readable');
}

function validatePart(part: ImagePart, what: string, limit: bigint): void {
  const { segments, placement } = part;
  if (segments.length > MAX_SEGMENTS)
    refuse(`${what} has ${segments.length} segments, more than ${MAX_SEGMENTS}`);
  for (const segment of segments) validateSegment(segment, limit);
  if (placement.kind === 'fixed') return;
  const { align, anchor = 0n } = placement;
  if (align <= 0n || (align & (align - 1n)) !== 0n)
    refuse(`the alignment ${hex(align)} is not a power of two`);
  if (anchor < 0n || anchor >= limit) refuse(`the anchor ${hex(anchor)} of ${what} is not a user address`);
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
  const pastEnd = end > content.source.size && !mayReachPastEnd(segment);
  if (content.offset < 0 || content.size < 0 || pastEnd) {
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

/** Pages behind the end of a file can be mapped, and are no error as long as nobody touches them. */
function mayReachPastEnd({ address, content }: Segment): boolean {
  if (content === undefined || !isMappable(content.source)) return false;
  return address % PAGE_SIZE === 0n && BigInt(content.offset) % PAGE_SIZE === 0n;
}

/** Of all segments that reach into the entry point's page the last one is there to be seen. */
function checkEntry({ segments, entry }: ImagePart, readableIsEnough: boolean): void {
  const page = entry - (entry % PAGE_SIZE);
  const segment = segments.findLast(
    ({ address, size }) => address < page + PAGE_SIZE && page < address + size,
  );
  const { protection } = segment ?? {};
  if (segment === undefined || !(protection?.execute || (readableIsEnough && protection?.read))) {
    refuse(`the entry point ${hex(entry)} lies in no executable segment`);
  }
  const { address, content } = segment;
  const fromFile = content !== undefined && page < address + BigInt(content.size);
  if (fromFile && BigInt(content.offset) + page - address >= BigInt(content.source.size)) {
    refuse(`the entry point ${hex(entry)} lies past the end of the file`);
  }
}
