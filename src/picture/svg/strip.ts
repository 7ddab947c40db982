/** The strip at the left of a box, which says what is in it, and where in the box an address is. */
import { PAGE_SIZE } from '../../process/address-space.ts';
import type { Region } from '../model.ts';
import { accessClass } from './box-text.ts';
import { element, type Svg } from './xml.ts';

/** Its width. */
export const STRIP = 12;

/** Above it and below it. */
const INSET = 4;
/** Neighbours in one box: more of them cannot be told apart. */
const MOST_BANDS = 16;

/** How much of a region is in a file, or what each of several neighbours allows. */
export function drawStrip(regions: readonly Region[], x: number, top: number, height: number): Svg[] {
  const [y, room] = [top + INSET, height - 2 * INSET];
  const [first] = regions;
  if (first === undefined || first.start === first.end || regions.length > MOST_BANDS) return [];
  const outline = element('rect', { x, y, width: STRIP, height: room, class: 'strip' });
  if (regions.length > 1) return [...bands(regions, x, y, room), outline];
  if (first.filled === undefined) return [];
  const share = Number((first.filled * 1000n) / (first.end - first.start)) / 1000;
  if (first.filled === 0n) return [outline];
  const filled = { x, y, width: STRIP, height: Math.max(2, share * room), class: 'filled' };
  return [element('rect', filled), outline];
}

function bands(regions: readonly Region[], x: number, y: number, room: number): Svg[] {
  const edges = edgesOf(regions);
  return regions.map(({ protection }, index) => {
    const [from, to] = [edges[index] ?? 0, edges[index + 1] ?? 1];
    const band = { x, y: y + from * room, width: STRIP, height: (to - from) * room };
    return element('rect', { ...band, class: `${accessClass(protection)} strip-band` });
  });
}

/** Where regions that share a box begin, and the last one ends, from 0 to 1: the small ones must be seen, too. */
function edgesOf(regions: readonly Region[]): number[] {
  const weights = regions.map(({ start, end }) => Math.log2(Number((end - start) / PAGE_SIZE) + 2));
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  let edge = 0;
  return [0, ...weights.map((weight) => (edge += weight / all))];
}

/** A function that says at which height an address of the regions is drawn. */
export function heightIn(regions: readonly Region[], top: number, height: number): (at: bigint) => number {
  const banded = regions.length > 1 && regions.length <= MOST_BANDS;
  const parts = banded ? regions : [{ start: regions[0]?.start ?? 0n, end: regions.at(-1)?.end ?? 0n }];
  const edges = banded ? edgesOf(regions) : [0, 1];
  const [from, room] = banded ? [top + INSET, height - 2 * INSET] : [top, height];
  return (at) => {
    const index = Math.max(
      0,
      parts.findIndex(({ end }) => at <= end),
    );
    const { start, end } = parts[index] ?? { start: at, end: at };
    const share = end === start ? 0.5 : Number(((at - start) * 10_000n) / (end - start)) / 10_000;
    const [low, high] = [edges[index] ?? 0, edges[index + 1] ?? 1];
    return from + (low + share * (high - low)) * room;
  };
}
