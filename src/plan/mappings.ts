/**
 * Segments to memory steps. The rule is the kernel's (elf_load in fs/binfmt_elf.c): map whole pages
 * from the file where the bytes lie so that they can be mapped, zero what the file does not fill, and
 * let later segments lie over earlier ones. Bytes that cannot be mapped, or must not be, are read.
 */
import type { ImagePart, Segment } from '../image/image.ts';
import { type ProtectionText, permissions } from '../image/permissions.ts';
import { PAGE_SIZE, pageEnd, pageStart } from '../process/address-space.ts';
import type { Place } from '../process/place.ts';
import { isConfidential, type Location, type Materials } from './materials.ts';
import { joined, type PageRange, splitByOverlap } from './page-ranges.ts';
import type { Step } from './plan.ts';

/** pread64 moves at most 0x7ffff000 bytes at once. */
const MAX_READ = 0x4000_0000n;
/** Of what is read from the vault so much is there twice for a moment. */
const DISCARDED_AT_ONCE = 0x100_0000n;

type MapStep = Extract<Step, { op: 'mmap' }>;
type Content = NonNullable<Segment['content']>;

/** What is mapped where; knows which pages this part has mapped before. */
class Mapper {
  readonly #place: (address: bigint) => Place;
  /** Apart and in order, or thousands of segments over each other would take minutes to cut up. */
  #mapped: readonly PageRange[];

  constructor(place: (address: bigint) => Place, mapped: readonly PageRange[]) {
    this.#place = place;
    this.#mapped = mapped;
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

  hide(pages: PageRange, what: string): Step {
    return { op: 'hide', at: this.at(pages.start), size: pages.end - pages.start, what };
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
  const confidential = isConfidential(part);
  return part.segments.flatMap((segment) => {
    const { content } = segment;
    if (content === undefined || content.size === 0) {
      const { name: what, protection } = segment;
      const pages = pagesOf(segment);
      const hidden = confidential ? [mapper.hide(pages, what)] : [];
      return [...mapper.map(pages, { protection: permissions(protection), what }), ...hidden];
    }
    const from = materials.locate(content);
    return isMapped(segment, content, from)
      ? mapSegment(segment, content, from, mapper)
      : fillSegment(segment, content, mapper, materials);
  });
}

/** The kernel maps whole pages. What is confidential is to lie in memory that no file has. */
function isMapped(segment: Segment, content: Content, { offset }: Location): boolean {
  return !content.source.confidential && segment.address % PAGE_SIZE === 0n && offset % PAGE_SIZE === 0n;
}

/** Anonymous memory, then the bytes; writable and executable at once only if the segment asks for it. */
function fillSegment(segment: Segment, content: Content, mapper: Mapper, materials: Materials): Step[] {
  const { name: what } = segment;
  const pages = pagesOf(segment);
  const wanted = permissions(segment.protection);
  const during = segment.protection.write ? wanted : 'rw-';
  return [
    ...mapper.map(pages, { protection: during, what }),
    ...(content.source.confidential ? [mapper.hide(pages, what)] : []),
    ...readSteps(segment, content, mapper, materials),
    ...(during === wanted ? [] : [mapper.protect(pages, wanted, what)]),
  ];
}

/** Whole pages from the file, then zeros to the end of the last of them and anonymous pages after it. */
function mapSegment(segment: Segment, content: Content, { file, offset }: Location, mapper: Mapper): Step[] {
  const { name: what, address, size } = segment;
  const pages = pagesOf(segment);
  const filled = address + BigInt(content.size);
  const filePages = { start: pages.start, end: pageEnd(filled) };
  const wanted = permissions(segment.protection);
  const tail = address + size > filled ? filePages.end - filled : 0n;
  const readOnlyTail = tail > 0n && !segment.protection.write;
  const steps: Step[] = mapper.map(filePages, {
    protection: readOnlyTail ? 'rw-' : wanted,
    file: { index: file, offset },
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

function pagesOf({ address, size }: Segment): PageRange {
  return { start: pageStart(address), end: pageEnd(address + size) };
}

function readSteps(segment: Segment, content: Content, mapper: Mapper, materials: Materials): Step[] {
  const { address, name: what } = segment;
  const { file, offset } = materials.locate(content);
  const discarded = materials.isDiscarded(content);
  const most = discarded ? DISCARDED_AT_ONCE : MAX_READ;
  const steps: Step[] = [];
  for (let done = 0n; done < BigInt(content.size); done += most) {
    const left = BigInt(content.size) - done;
    const from = { file, offset: offset + done, size: left < most ? left : most };
    steps.push({ op: 'read', at: mapper.at(address + done), ...from, what });
    if (discarded) steps.push({ op: 'discard', ...from });
  }
  return steps;
}
