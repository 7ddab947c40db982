/** Which of many ranges that lie over each other is on top where: later ones hide earlier ones. */

interface Layer {
  readonly start: bigint;
  readonly end: bigint;
}

export interface Piece extends Layer {
  /** The index of the range that is seen here. */
  readonly layer: number;
}

/** Ascending and disjoint. Needs n log n for n ranges: images may have very many. */
export function topmost(layers: readonly Layer[]): Piece[] {
  const edges = [...new Set(layers.flatMap(({ start, end }) => [start, end]))].sort(byAddress);
  const slotAt = new Map(edges.map((edge, slot) => [edge, slot]));
  const owners = edges.map(() => -1);
  // The first slot from here on that nobody has, as a chain that gets shorter as it is walked.
  const free = edges.map((_, slot) => slot);
  const firstFree = (from: number): number => {
    let slot = from;
    for (let next = free[slot] ?? slot; next !== slot; next = free[slot] ?? slot) {
      free[slot] = free[next] ?? next;
      slot = next;
    }
    return slot;
  };
  for (let layer = layers.length - 1; layer >= 0; layer--) {
    const { start, end } = layers[layer] as Layer;
    const last = slotAt.get(end) ?? 0;
    for (let slot = firstFree(slotAt.get(start) ?? 0); slot < last; slot = firstFree(slot)) {
      owners[slot] = layer;
      free[slot] = slot + 1;
    }
  }
  return joined(edges, owners);
}

function joined(edges: readonly bigint[], owners: readonly number[]): Piece[] {
  const pieces: Piece[] = [];
  owners.forEach((layer, slot) => {
    const [start, end] = [edges[slot], edges[slot + 1]];
    if (layer < 0 || start === undefined || end === undefined) return;
    const last = pieces.at(-1);
    if (last?.layer === layer && last.end === start) pieces[pieces.length - 1] = { ...last, end };
    else pieces.push({ start, end, layer });
  });
  return pieces;
}

export const byAddress = (one: bigint, other: bigint): number => (one < other ? -1 : one > other ? 1 : 0);
