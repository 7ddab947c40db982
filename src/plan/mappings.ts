/**
 * Segments to memory steps. The rule is the kernel's (elf_load in fs/binfmt_elf.c): map whole pages
 * from the file where the bytes lie so that they can be mapped, zero what the file does not fill, and
 * let later segments lie over earlier ones. Bytes that cannot be mapped are read or copied.
 */
import type { ImagePart, Protection, Segment } from '../image/image.ts';
import { PAGE_SIZE, pageEnd, pageStart } from '../process/address-space.ts';
import type { Place } from '../process/place.ts';
import type { BackingFile, Source } from '../source/source.ts';
import type { Payload, ProtectionText, Step } from './plan.ts';

/** pread64 moves at most 0x7ffff000 bytes at once. */
const MAX_READ = 0x4000_0000n;

/** Collects the files and payloads that steps refer to by index. */
export class Materials {
  readonly files: BackingFile[] = [];
  readonly payloads: readonly Payload[];

  /** `segments` are all that will be mapped. */
  constructor(segments: readonly Segment[]) {
    this.payloads = payloadsOf(segments);
  }

  file(file: BackingFile): number {
    const known = this.files.findIndex((other) => other.fd === file.fd);
    return known >= 0 ? known : this.files.push({ ...file, offset: 0 }) - 1;
  }

  /** Where a segment's bytes are. */
  payload({ source, offset, size }: Payload): { payload: number; offset: number } {
    const index = this.payloads.findIndex(
      (each) => each.source === source && each.offset <= offset && offset + size <= each.offset + each.size,
    );
    const found = this.payloads[index];
    if (found === undefined) throw new Error('a segment that the materials were not made for');
    return { payload: index, offset: offset - found.offset };
  }
}

/** Whether bytes travel inside the stub: they are in no file, or must not be mapped from it. */
function isCarried(source: Source): boolean {
  return source.file === undefined || source.confidential;
}

/** Bytes that several segments share travel once: or a small file could make a stub of any size. */
function payloadsOf(segments: readonly Segment[]): Payload[] {
  const bySource = new Map<Source, Payload[]>();
  for (const { content } of segments) {
    if (content === undefined || content.size === 0 || !isCarried(content.source)) continue;
    const ranges = bySource.get(content.source) ?? [];
    ranges.push({ source: content.source, offset: content.offset, size: content.size });
    bySource.set(content.source, ranges);
  }
  return [...bySource.values()].flatMap(joinOverlapping);
}

function joinOverlapping(ranges: readonly Payload[]): Payload[] {
  const joined: Payload[] = [];
  for (const range of [...ranges].sort((a, b) => a.offset - b.offset)) {
    const last = joined.at(-1);
    if (last === undefined || range.offset >= last.offset + last.size) joined.push(range);
    else {
      const end = Math.max(last.offset + last.size, range.offset + range.size);
      joined[joined.length - 1] = { ...last, size: end - last.offset };
    }
  }
  return joined;
}

export interface PageRange {
  readonly start: bigint;
  readonly end: bigint;
}

type MapStep = Extract<Step, { op: 'mmap' }>;

/** What is mapped where; knows which pages this part has mapped before. */
class Mapper {
  readonly #place: (address: bigint) => Place;
  /** Apart and in order, or thousands of segments over each other would take minutes to cut up. */
  #mapped: readonly PageRange[];

  constructor(place: (address: bigint) => Place, mapped: readonly PageRange[]) {
    this.#place = place;
    this.#mapped = [...mapped];
  }

  at(address: bigint): Place {
    return this.#place(address);
  }

  map(pages: PageRange, rest: Pick<MapStep, 'protection' | 'file' | 'what'>): MapStep[] {
    const pieces = splitByOverlap(pages, this.#mapped);
    this.#mapped = joined(this.#mapped, pages);
    return pieces.map(({ start, end, replace }) => ({
      op: 'mmap',
      at: this.at(start),
      size: end - start,
      ...rest,
      ...(rest.file && { file: { ...rest.file, offset: rest.file.offset + (start - pages.start) } }),
      replace,
    }));
  }

  protect(pages: PageRange, protection: ProtectionText, what: string): Step {
    return { op: 'mprotect', at: this.at(pages.start), size: pages.end - pages.start, protection, what };
  }
}

/**
 * The steps that map and fill a part whose link-time addresses `place` turns into places. It lies over what
 * is mapped `before` it.
 */
export function mapPart(
  part: ImagePart,
  place: (address: bigint) => Place,
  materials: Materials,
  before: readonly PageRange[] = [],
): Step[] {
  const mapper = new Mapper(place, before);
  return part.segments.flatMap((segment) => {
    if (segment.content === undefined || segment.content.size === 0) {
      const { name: what, protection } = segment;
      return mapper.map(pagesOf(segment), { protection: protectionText(protection), what });
    }
    const file = mappableFile(segment);
    return file === undefined
      ? fillSegment(segment, mapper, materials)
      : mapSegment(segment, segment.content, file, mapper, materials);
  });
}

/** Anonymous memory, then the bytes; writable and executable at once only if the segment asks for it. */
function fillSegment(segment: Segment, mapper: Mapper, materials: Materials): Step[] {
  const { name: what } = segment;
  const pages = pagesOf(segment);
  const wanted = protectionText(segment.protection);
  const during = segment.protection.write ? wanted : 'rw-';
  const protect = during === wanted ? [] : [mapper.protect(pages, wanted, what)];
  return [
    ...mapper.map(pages, { protection: during, what }),
    ...copySteps(segment, mapper, materials),
    ...protect,
  ];
}

/** Whole pages from the file, then zeros to the end of the last of them and anonymous pages after it. */
function mapSegment(
  segment: Segment,
  content: NonNullable<Segment['content']>,
  file: BackingFile,
  mapper: Mapper,
  materials: Materials,
): Step[] {
  const { name: what, address, size } = segment;
  const pages = pagesOf(segment);
  const filled = address + BigInt(content.size);
  const filePages = { start: pages.start, end: pageEnd(filled) };
  const wanted = protectionText(segment.protection);
  const tail = address + size > filled ? filePages.end - filled : 0n;
  const readOnlyTail = tail > 0n && !segment.protection.write;
  const steps: Step[] = mapper.map(filePages, {
    protection: readOnlyTail ? 'rw-' : wanted,
    file: { index: materials.file(file), offset: BigInt(file.offset + content.offset) },
    what,
  });
  if (tail > 0n) steps.push({ op: 'zero', at: mapper.at(filled), size: tail, what: `${what}, page tail` });
  if (readOnlyTail) steps.push(mapper.protect(filePages, wanted, what));
  if (pages.end > filePages.end) {
    const rest = { start: filePages.end, end: pages.end };
    steps.push(...mapper.map(rest, { protection: wanted, what: `${what}, zero part` }));
  }
  return steps;
}

/** The pages that some steps map at known addresses. */
export function fixedPages(steps: readonly Step[]): PageRange[] {
  return steps.flatMap((step) =>
    step.op === 'mmap' && step.at.base === 'absolute'
      ? [{ start: step.at.offset, end: step.at.offset + step.size }]
      : [],
  );
}

function pagesOf({ address, size }: Segment): PageRange {
  return { start: pageStart(address), end: pageEnd(address + size) };
}

/** The file to map a segment from: its bytes must lie at page boundaries in memory and in the file. */
function mappableFile(segment: Segment): BackingFile | undefined {
  const { content } = segment;
  const file = content?.source.file;
  if (content === undefined || file === undefined || isCarried(content.source)) return undefined;
  const aligned =
    segment.address % PAGE_SIZE === 0n && BigInt(file.offset + content.offset) % PAGE_SIZE === 0n;
  return aligned ? file : undefined;
}

function copySteps(segment: Segment, mapper: Mapper, materials: Materials): Step[] {
  const { content, address, name: what } = segment;
  if (content === undefined) return [];
  const { source, offset, size } = content;
  const steps: Step[] = [];
  if (source.file === undefined || isCarried(source)) {
    const from = materials.payload({ source, offset, size });
    return [{ op: 'copy', at: mapper.at(address), size: BigInt(size), ...from, what }];
  }
  const file = materials.file(source.file);
  const from = BigInt(source.file.offset + offset);
  for (let done = 0n; done < BigInt(size); done += MAX_READ) {
    const left = BigInt(size) - done;
    const length = left < MAX_READ ? left : MAX_READ;
    steps.push({ op: 'read', at: mapper.at(address + done), size: length, file, offset: from + done, what });
  }
  return steps;
}

/** Cuts `pages` where it meets what is mapped already, so that only our own pages are ever replaced. */
function splitByOverlap(
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
function joined(ranges: readonly PageRange[], added: PageRange): PageRange[] {
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

export function protectionText({ read, write, execute }: Protection): ProtectionText {
  return `${read ? 'r' : '-'}${write ? 'w' : '-'}${execute ? 'x' : '-'}`;
}
