/** Images as loaders would make them, for tests that start behind the loaders. */
import type { Arch, ProgramImage, Protection, Segment } from '../../src/image/image.ts';

export const PROTECTION: Record<'r' | 'rx' | 'rw' | 'rwx', Protection> = {
  r: { read: true, write: false, execute: false },
  rx: { read: true, write: false, execute: true },
  rw: { read: true, write: true, execute: false },
  rwx: { read: true, write: true, execute: true },
};

export function segment(address: bigint, size: bigint, changes: Partial<Segment> = {}): Segment {
  return { name: 'text', address, size, protection: PROTECTION.rx, ...changes };
}

/** One executable page at 0x400000, unless told otherwise. */
export function testImage(changes: Partial<ProgramImage> = {}): ProgramImage {
  const segments = changes.segments ?? [segment(0x400000n, 0x1000n)];
  const first = segments[0]?.address ?? 0n;
  return {
    format: 'test',
    variant: 'made by a test',
    arch: 'x86_64' satisfies Arch,
    placement: { kind: 'fixed' },
    segments,
    entry: first,
    code: { start: first, end: first + 0x1000n },
    data: { start: first, end: first + 0x1000n },
    brk: { start: first + 0x1000n, end: first + 0x1000n, randomize: false },
    stack: { layout: 'sysv', execution: 'none' },
    ...changes,
  };
}
