/** A program as a loader has found it, as a picture: its own addresses, of nobody knows which process yet. */
import type { ImagePart, ProgramImage, Segment } from '../image/image.ts';
import { ADDRESS_SPACES, pageEnd, pageStart } from '../process/address-space.ts';
import type { Block, Mark, Picture, Region } from './model.ts';
import { processBlock } from './of-process.ts';
import { sizeText } from './size-text.ts';
import { topmost } from './topmost.ts';

/** The program, and beside it its interpreter. `name` is the file's. */
export function imagePicture(image: ProgramImage, name: string, facts: readonly string[]): Picture {
  const { interpreter, process } = image;
  const head = { title: name, facts: [`${image.format}, ${image.variant}, ${image.arch}`, ...facts] };
  if (process !== undefined) {
    const column = {
      title: 'The process as it was',
      facts: [],
      blocks: [processBlock(process.state, image.segments)],
    };
    return { ...head, columns: [column] };
  }
  const program = { title: 'The program', facts: [placementText(image)], blocks: [programBlock(image)] };
  if (interpreter === undefined) return { ...head, columns: [program] };
  const beside = {
    title: `Its interpreter, ${interpreter.source.name}`,
    facts: [placementText(interpreter)],
    blocks: [partBlock(interpreter)],
  };
  return { ...head, columns: [program, beside] };
}

function placementText({ placement }: ImagePart): string {
  if (placement.kind === 'fixed') return 'lies where its addresses say';
  return placement.kind === 'pie'
    ? 'addresses count from a base, chosen where such programs go'
    : 'addresses count from where the kernel finds room';
}

/** What of the program itself is mapped, with the marks that the kernel keeps of it. */
export function programBlock(image: ProgramImage): Block {
  const { code, data, brk, phdr } = image;
  const own: Mark[] = [
    { at: code.start, name: 'start_code' },
    { at: code.end, name: 'end_code' },
    { at: data.start, name: 'start_data' },
    { at: data.end, name: 'end_data' },
    ...(phdr === undefined ? [] : [{ at: phdr.address, name: 'AT_PHDR' }]),
    { at: brk.end, name: heapText(image), important: true },
  ];
  const { regions, marks } = partBlock(image);
  return { regions, marks: [...marks, ...own] };
}

function heapText({ brk, arch, placement }: ProgramImage): string {
  if (!brk.randomize) return 'heap from here on';
  if (placement.kind === 'mmap') return 'heap elsewhere, by chance';
  return `heap from here, or up to ${sizeText(ADDRESS_SPACES[arch].brkRange)} above`;
}

/** A program or an interpreter, in the whole pages that it takes. */
export function partBlock({ segments, entry }: ImagePart): Block {
  const pages = segments.map(({ address, size }) => ({
    start: pageStart(address),
    end: pageEnd(address + size),
  }));
  const regions = topmost(pages).map(({ start, end, layer }): Region => {
    const segment = segments[layer] as Segment;
    return {
      start,
      end,
      name: segment.name,
      protection: segment.protection,
      filled: filledOf(segment, start, end),
    };
  });
  return { regions, marks: [{ at: entry, name: 'entry', important: true }] };
}

function filledOf({ address, content }: Segment, start: bigint, end: bigint): bigint {
  const filledTo = content === undefined ? start : address + BigInt(content.size);
  return filledTo <= start ? 0n : (filledTo < end ? filledTo : end) - start;
}
