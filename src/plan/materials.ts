/** What the steps of a plan refer to by index: the files they map or read, and bytes that travel in the stub. */
import type { Segment } from '../image/image.ts';
import type { BackingFile, Source } from '../source/source.ts';
import type { Payload } from './plan.ts';

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
export function isCarried(source: Source): boolean {
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
