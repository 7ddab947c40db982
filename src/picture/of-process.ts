/** A process that goes on, as a picture: its mappings where they were. */
import type { Segment } from '../image/image.ts';
import type { Mapping, ProcessState } from '../image/process-state.ts';
import type { Block, Mark, Region } from './model.ts';
import { byAddress } from './topmost.ts';

/** `segments` are the bytes that are stored. */
export function processBlock(state: ProcessState, segments: readonly Segment[]): Block {
  const stored = storedIn(segments);
  const regions = state.mappings
    .map((mapping): Region => {
      const { start, end, protection } = mapping;
      const region = { start, end, protection, name: mappingName(mapping, state) };
      return mapping.backing.kind === 'anonymous' ? { ...region, filled: stored(start, end) } : region;
    })
    .sort((one, other) => byAddress(one.start, other.start));
  return { regions, marks: [...threadMarks(state), ...fieldMarks(state)] };
}

/** What a mapping is, in few words: the path of its file, `[heap]`, the name that prctl(2) gave it. */
export function mappingName(mapping: Mapping, { openFiles, mm }: ProcessState): string {
  const { backing, name, start, end } = mapping;
  switch (backing.kind) {
    case 'file':
      return textOf(backing.file.path);
    case 'object': {
      const file = openFiles[backing.openFile];
      if (file?.kind === 'memfd') return `memfd ${textOf(file.name)}`;
      return file?.kind === 'deleted file' ? `${textOf(file.path)} (deleted)` : 'shared memory';
    }
    case 'anonymous':
      if (start <= mm.start_stack && mm.start_stack < end) return '[stack]';
      if (start < mm.brk && mm.start_brk < end) return '[heap]';
      return name === undefined ? 'memory' : `memory called ${textOf(name)}`;
    default:
      return `[${backing.kind}]`;
  }
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

function threadMarks({ threads }: ProcessState): Mark[] {
  return threads.flatMap(({ tid, registers: { rip, rsp } }) => [
    { at: rsp, name: `rsp of thread ${tid}`, important: true },
    { at: rip, name: `rip of thread ${tid}` },
  ]);
}

function fieldMarks({ mm }: ProcessState): Mark[] {
  const names = [
    'start_code',
    'end_code',
    'start_data',
    'end_data',
    'start_brk',
    'brk',
    'start_stack',
  ] as const;
  // Cores of others do not say where they were.
  return names.filter((name) => mm[name] !== 0n).map((name) => ({ at: mm[name], name }));
}

/** How many bytes from `start` on are stored, up to the last one that is. */
function storedIn(segments: readonly Segment[]): (start: bigint, end: bigint) => bigint {
  const ends = segments
    .flatMap(({ address, content }) =>
      content === undefined || content.size === 0 ? [] : [{ address, end: address + BigInt(content.size) }],
    )
    .sort((one, other) => byAddress(one.address, other.address));
  return (start, end) => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle]?.address ?? 0n) < end) low = middle + 1;
      else high = middle;
    }
    const last = ends[low - 1];
    if (last === undefined || last.end <= start) return 0n;
    return (last.end < end ? last.end : end) - start;
  };
}
