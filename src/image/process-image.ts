/** A process that goes on, as an image: what all those have in common that are not laid out. */
import type { ProgramImage, ResumedProcess, Segment } from './image.ts';

/** `segments` is what its mappings do not say; everything else of the image follows from the state. */
export function processImage(
  variant: string,
  process: ResumedProcess,
  segments: readonly Segment[],
): ProgramImage {
  const { mm, threads } = process.state;
  return {
    format: 'core',
    variant,
    arch: 'x86_64',
    placement: { kind: 'fixed' },
    segments,
    entry: threads[0]?.registers.rip ?? 0n,
    code: { start: mm.start_code, end: mm.end_code },
    data: { start: mm.start_data, end: mm.end_data },
    brk: { start: mm.start_brk, end: mm.brk, randomize: false },
    stack: { layout: 'sysv', execution: 'none' },
    process,
  };
}
