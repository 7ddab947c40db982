/** What the steps of a plan refer to by index: the files they map or read, the vault among them. */
import type { ImagePart, Segment } from '../image/image.ts';
import { PAGE_SIZE } from '../process/address-space.ts';
import type { BackingFile, Source } from '../source/source.ts';
import type { Payload, PlanFile, Vault } from './plan.ts';

/** Where bytes are: a file of the plan and an offset in it. */
export interface Location {
  readonly file: number;
  readonly offset: bigint;
}

type Content = NonNullable<Segment['content']>;

/** Collects the files that steps refer to by index. */
export class Materials {
  readonly files: PlanFile[] = [];
  readonly vault: Vault | undefined;
  /** What more than one segment is filled from. */
  readonly #shared: ReadonlySet<Payload>;
  readonly #isCarried: (source: Source) => boolean;

  /** `segments` are all that will be mapped; with `carryAll` no bytes are left to the files that they are in. */
  constructor(segments: readonly Segment[], carryAll = false) {
    this.#isCarried = carryAll ? () => true : isCarried;
    const { payloads, shared } = payloadsOf(segments, this.#isCarried);
    this.#shared = shared;
    const last = payloads.at(-1);
    if (last === undefined) return;
    this.vault = {
      payloads,
      size: pagesFor(last.at + last.size),
      confidential: payloads.some(({ source }) => source.confidential),
    };
    this.files.push(this.vault);
  }

  file(file: BackingFile): number {
    const known = this.files.findIndex((other) => 'fd' in other && other.fd === file.fd);
    return known >= 0 ? known : this.files.push({ ...file, offset: 0 }) - 1;
  }

  /** Where a segment's bytes are. */
  locate(content: Content): Location {
    const { source, offset } = content;
    if (source.file !== undefined && !this.#isCarried(source))
      return { file: this.file(source.file), offset: BigInt(source.file.offset + offset) };
    const payload = this.#payload(content);
    return { file: 0, offset: BigInt(payload.at + offset - payload.offset) };
  }

  /** Whether bytes are not to stay in the vault when they have been read, because no other segment has them. */
  isDiscarded(content: Content): boolean {
    return content.source.confidential && !this.#shared.has(this.#payload(content));
  }

  #payload({ source, offset, size }: Content): Payload {
    const found = this.vault?.payloads.find(
      (each) => each.source === source && each.offset <= offset && offset + size <= each.offset + each.size,
    );
    if (found === undefined) throw new Error('a segment that the materials were not made for');
    return found;
  }
}

/** Whether bytes come in the vault: they are in no file, or must not be mapped from it. */
export function isCarried(source: Source): boolean {
  return source.file === undefined || source.confidential;
}

/** Whether any of a part's bytes are confidential: then so is what it computes. */
export function isConfidential({ segments }: Pick<ImagePart, 'segments'>): boolean {
  return segments.some(({ content }) => content?.source.confidential === true);
}

/** Bytes that several segments share are there once: or a small file could make a vault of any size. */
function payloadsOf(
  segments: readonly Segment[],
  isCarried: (source: Source) => boolean,
): { payloads: Payload[]; shared: Set<Payload> } {
  const bySource = new Map<Source, Content[]>();
  for (const { content } of segments) {
    if (content === undefined || content.size === 0 || !isCarried(content.source)) continue;
    bySource.set(content.source, [...(bySource.get(content.source) ?? []), content]);
  }
  const payloads: Payload[] = [];
  const shared = new Set<Payload>();
  let end = 0;
  for (const { uses, ...range } of [...bySource.values()].flatMap(joinOverlapping)) {
    // As they lie in their own file, so that what could be mapped from there can be mapped from the vault.
    const payload = { ...range, at: pagesFor(end) + (range.offset % Number(PAGE_SIZE)) };
    end = payload.at + payload.size;
    payloads.push(payload);
    if (uses > 1) shared.add(payload);
  }
  return { payloads, shared };
}

function joinOverlapping(ranges: readonly Content[]): (Content & { uses: number })[] {
  const joined: (Content & { uses: number })[] = [];
  for (const range of [...ranges].sort((a, b) => a.offset - b.offset)) {
    const last = joined.at(-1);
    if (last === undefined || range.offset >= last.offset + last.size) joined.push({ ...range, uses: 1 });
    else {
      const end = Math.max(last.offset + last.size, range.offset + range.size);
      joined[joined.length - 1] = { ...last, size: end - last.offset, uses: last.uses + 1 };
    }
  }
  return joined;
}

/** `size` in whole pages, bytes. */
function pagesFor(size: number): number {
  return Math.ceil(size / Number(PAGE_SIZE)) * Number(PAGE_SIZE);
}
