/**
 * What lies in memory in the end, byte by byte, for programs small enough: the steps are carried out on
 * pages of our own, and every segment that can still be seen must have its content there, then zeros.
 */
import type { Segment } from '../../../src/image/image.ts';
import type { Step } from '../../../src/plan/plan.ts';
import { lastSegments, PAGE, pageDown } from './parts.ts';
import type { Judged, Verdicts } from './rules.ts';
import { fileBytes } from './vault.ts';

const PAGE_BYTES = Number(PAGE);
const MOST_BYTES = 128n * PAGE;

/** By base and page number. */
type Pages = Map<string, Uint8Array>;

export function checkContents(judged: Judged, verdicts: Verdicts): void {
  const mapped = judged.plan.steps.reduce((sum, step) => (step.op === 'mmap' ? sum + step.size : sum), 0n);
  if (mapped > MOST_BYTES) return;
  const pages: Pages = new Map();
  for (const step of judged.plan.steps) carryOut(step, judged, pages);
  for (const [base, seen] of lastSegments(judged)) {
    for (const { start, end, value } of seen.pieces) {
      const { segment, bias } = value;
      for (let page = start; page < end; page += PAGE) {
        const good = holds(pages.get(`${base} ${page}`), page - bias, segment);
        verdicts.rule('contents', good, () => `${segment.name} at ${base} 0x${page.toString(16)}`);
      }
    }
  }
}

function carryOut(step: Step, judged: Judged, pages: Pages): void {
  if (!('at' in step) || step.op === 'mprotect' || step.op === 'hide') return;
  const size = Number(step.size);
  if (step.op === 'read') write(pages, step, fileBytes(judged, step.file, Number(step.offset), size));
  else if (step.op === 'mmap' && step.file !== undefined)
    write(pages, step, fileBytes(judged, step.file.index, Number(step.file.offset), size));
  else write(pages, step, new Uint8Array(size));
}

function write(pages: Pages, { op, at }: Extract<Step, { at: unknown }>, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    const address = at.offset + BigInt(done);
    const page = pageDown(address);
    const inPage = Number(address - page);
    const name = `${at.base} ${page}`;
    if (op === 'mmap') pages.set(name, new Uint8Array(PAGE_BYTES));
    const size = Math.min(PAGE_BYTES - inPage, bytes.length - done);
    pages.get(name)?.set(bytes.subarray(done, done + size), inPage);
    done += size;
  }
}

function bytesOf(
  { source, offset }: NonNullable<Segment['content']>,
  from: number,
  size: number,
): Uint8Array {
  const start = Math.min(offset + from, source.size);
  const bytes = source.read(start, Math.min(size, source.size - start));
  if (bytes instanceof Promise) throw new Error('the checker reads from memory only');
  return bytes;
}

/** Whether a page, by its link-time address, has what the segment says of it. */
function holds(page: Uint8Array | undefined, address: bigint, segment: Segment): boolean {
  if (page === undefined) return false;
  const from = Number(segment.address > address ? segment.address - address : 0n);
  const end = segment.address + segment.size - address;
  const to = Number(end < PAGE ? end : PAGE);
  const wanted = Buffer.alloc(to - from);
  const { content } = segment;
  const skipped = Number(address - segment.address) + from;
  if (content !== undefined && skipped < content.size)
    wanted.set(bytesOf(content, skipped, Math.min(wanted.length, content.size - skipped)));
  return wanted.equals(page.subarray(from, to));
}
