/** What the memory steps of a plan leave of all they map, for the addresses that count from one base. */
import type { Protection } from '../image/image.ts';
import type { ProtectionText } from '../image/permissions.ts';
import type { Plan, Step } from '../plan/plan.ts';
import type { Region } from './model.ts';
import { byAddress, type Piece, topmost } from './topmost.ts';

type Placed = Extract<Step, { op: 'mmap' | 'mprotect' | 'read' | 'zero' }>;

interface Change {
  readonly start: bigint;
  readonly end: bigint;
  /** From 1, as `run-foreign plan` counts. */
  readonly number: number;
  readonly step: Placed;
}

export function mappedRegions({ steps }: Plan, base: 'absolute' | 'image' | 'interp'): Region[] {
  const changes = steps.flatMap((step, index): Change[] => {
    if (!isPlaced(step) || step.at.base !== base || step.size <= 0n) return [];
    return [{ start: step.at.offset, end: step.at.offset + step.size, number: index + 1, step }];
  });
  const maps = changes.filter(({ step }) => step.op === 'mmap');
  const shaping = changes.filter(({ step }) => step.op === 'mmap' || step.op === 'mprotect');
  const filling = changes
    .filter(({ step }) => step.op === 'read' || step.op === 'zero')
    .sort((one, other) => byAddress(one.start, other.start));
  return common(topmost(maps), topmost(shaping)).flatMap(({ start, end, owner, shape }): Region[] => {
    const [mapping, last] = [maps[owner], shaping[shape]];
    if (mapping?.step.op !== 'mmap' || last === undefined || !('protection' in last.step)) return [];
    const inside = within(filling, start, end);
    const changed = last === mapping ? [] : [last.number];
    return [
      {
        start,
        end,
        name: mapping.step.what,
        protection: protectionOf(last.step.protection),
        filled: filledOf(mapping.step.file !== undefined, inside, start, end),
        steps: [mapping.number, ...inside.map(({ number }) => number), ...changed],
      },
    ];
  });
}

/** Where pieces of two kinds lie over each other; both ascend. */
function common(owners: readonly Piece[], shapes: readonly Piece[]) {
  const found: { start: bigint; end: bigint; owner: number; shape: number }[] = [];
  let [at, other] = [0, 0];
  for (;;) {
    const [owner, shape] = [owners[at], shapes[other]];
    if (owner === undefined || shape === undefined) return found;
    const start = owner.start > shape.start ? owner.start : shape.start;
    const end = owner.end < shape.end ? owner.end : shape.end;
    if (start < end) found.push({ start, end, owner: owner.layer, shape: shape.layer });
    if (owner.end <= end) at++;
    else other++;
  }
}

function isPlaced(step: Step): step is Placed {
  return step.op === 'mmap' || step.op === 'mprotect' || step.op === 'read' || step.op === 'zero';
}

/** Those that begin between two addresses. */
function within(changes: readonly Change[], start: bigint, end: bigint): Change[] {
  let [low, high] = [0, changes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((changes[middle]?.start ?? 0n) < start) low = middle + 1;
    else high = middle;
  }
  const found: Change[] = [];
  for (let change = changes[low]; change !== undefined && change.start < end; change = changes[++low])
    found.push(change);
  return found;
}

/** A mapped file fills a region up to what is zeroed, reading fills it as far as it goes. */
function filledOf(fromFile: boolean, inside: readonly Change[], start: bigint, end: bigint): bigint {
  const read = inside.filter(({ step }) => step.op === 'read').at(-1);
  if (read !== undefined) return (read.end < end ? read.end : end) - start;
  if (!fromFile) return 0n;
  const zeroed = inside.find((change) => change.step.op === 'zero' && change.end >= end);
  return (zeroed?.start ?? end) - start;
}

const protectionOf = (text: ProtectionText): Protection => ({
  read: text[0] === 'r',
  write: text[1] === 'w',
  execute: text[2] === 'x',
});
