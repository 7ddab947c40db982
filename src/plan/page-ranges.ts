/** Ranges of whole pages: cutting them where they meet, and keeping them apart and in order. */
import type { Step } from './plan.ts';

export interface PageRange {
  readonly start: bigint;
  readonly end: bigint;
}

/** Cuts `pages` where it meets what is mapped already, so that only our own pages are ever replaced. */
export function splitByOverlap(
  pages: PageRange,
  mapped: readonly PageRange[],
): (PageRange & { replace: boolean })[] {
  const pieces: (PageRange & { replace: boolean })[] = [];
  let from = pages.start;
  for (const { start, end } of mapped) {
    if (end <= from || start >= pages.end) continue;
    if (start > from) pieces.push({ start: from, end: start, replace: false });
    const to = end < pages.end ? end : pages.end;
    pieces.push({ start: start > from ? start : from, end: to, replace: true });
    from = to;
  }
  if (from < pages.end) pieces.push({ start: from, end: pages.end, replace: false });
  return pieces;
}

/** `ranges` with one more, still apart and in order: what touches becomes one. */
export function joined(ranges: readonly PageRange[], added: PageRange): PageRange[] {
  let { start, end } = added;
  const [before, after]: [PageRange[], PageRange[]] = [[], []];
  for (const range of ranges) {
    if (range.end < start) before.push(range);
    else if (range.start > end) after.push(range);
    else {
      if (range.start < start) start = range.start;
      if (range.end > end) end = range.end;
    }
  }
  return [...before, { start, end }, ...after];
}

/** The pages that some steps map at known addresses, apart and in order. */
export function fixedPages(steps: readonly Step[]): readonly PageRange[] {
  let pages: readonly PageRange[] = [];
  for (const step of steps) {
    if (step.op !== 'mmap' || step.at.base !== 'absolute') continue;
    pages = joined(pages, { start: step.at.offset, end: step.at.offset + step.size });
  }
  return pages;
}
