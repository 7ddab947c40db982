/** The bytes of memory: read from where they are, or mapped from there. */
import type { Segment } from '../../image/image.ts';
import { PAGE_SIZE } from '../../process/address-space.ts';
import { isMappable } from '../../source/source.ts';
import type { ResumeStep } from '../resume-plan.ts';
import type { Content, Piece, ResumeContext } from './context.ts';
import { MAP, PUNCH_HOLE } from './kernel.ts';
import { call } from './steps.ts';

/** Smaller ones cost less to read than a mapping does. */
const LEAST_MAPPED = 1024 * 1024;
/** So much of what is confidential is there twice at most. */
const CONFIDENTIAL_PIECE = 16 * 1024 * 1024;

/** The piece as a segment, as Materials takes it. */
export function asSegment(content: Content): Segment {
  const protection = { read: true, write: true, execute: false };
  return { name: '', address: 0n, size: BigInt(content.size), content, protection };
}

/** What of the segments, which ascend, lies in a range. */
export function piecesIn(segments: readonly Segment[], start: bigint, end: bigint): Piece[] {
  const pieces: Piece[] = [];
  for (let index = firstBehind(segments, start); index < segments.length; index++) {
    const { address, content } = segments[index] as Segment;
    if (address >= end) break;
    if (content === undefined || content.size === 0) continue;
    const from = address > start ? address : start;
    const to = address + BigInt(content.size) < end ? address + BigInt(content.size) : end;
    if (to <= from) continue;
    const offset = content.offset + Number(from - address);
    pieces.push({ address: from, content: { ...content, offset, size: Number(to - from) } });
  }
  return joined(pieces);
}

/** The index of the first segment that ends behind an address. */
function firstBehind(segments: readonly Segment[], address: bigint): number {
  let [low, high] = [0, segments.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const segment = segments[middle] as Segment;
    if (segment.address + segment.size > address) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** What follows in memory and in the same source is one piece. */
function joined(pieces: readonly Piece[]): Piece[] {
  const result: Piece[] = [];
  for (const piece of pieces) {
    const last = result.at(-1);
    const follows =
      last !== undefined &&
      last.content.source === piece.content.source &&
      last.address + BigInt(last.content.size) === piece.address &&
      last.content.offset + last.content.size === piece.content.offset;
    if (!follows) result.push(piece);
    else {
      const size = last.content.size + piece.content.size;
      result[result.length - 1] = { ...last, content: { ...last.content, size } };
    }
  }
  return result;
}

/** Whether a piece is to be mapped from where it is: then nothing is read before somebody looks. */
export function isMapped({ address, content }: Piece, { invocation }: ResumeContext): boolean {
  const { source, offset, size } = content;
  return (
    invocation.mapped === true &&
    size >= LEAST_MAPPED &&
    isMappable(source) &&
    offset % Number(PAGE_SIZE) === 0 &&
    size % Number(PAGE_SIZE) === 0 &&
    address % PAGE_SIZE === 0n
  );
}

export function mapPiece(
  { materials }: ResumeContext,
  { address, content }: Piece,
  protection: number,
  what: string,
): ResumeStep {
  const { file, offset } = materials.locate(content);
  const args = [address, content.size, protection, MAP.PRIVATE | MAP.FIXED, { kept: `file ${file}` }, offset];
  return call('mmap', args, `map ${what}`, { expect: address });
}

/** Reads bytes to an address. What is confidential is given back at once. */
export function readSteps(
  { materials }: ResumeContext,
  address: bigint,
  content: Content,
  what: string,
): ResumeStep[] {
  const { file, offset } = materials.locate(content);
  const from = { kept: `file ${file}` };
  const read = (at: number, size: number) =>
    call('pread64', [from, address + BigInt(at), size, offset + BigInt(at)], `read ${what}`, {
      repeat: 'pread',
    });
  if (!materials.isDiscarded(content)) return [read(0, content.size)];
  const steps: ResumeStep[] = [];
  for (let at = 0; at < content.size; at += CONFIDENTIAL_PIECE) {
    const size = Math.min(CONFIDENTIAL_PIECE, content.size - at);
    steps.push(
      read(at, size),
      call('fallocate', [from, PUNCH_HOLE, offset + BigInt(at), size], 'give memory back', {
        onError: 'ignore',
      }),
    );
  }
  return steps;
}
