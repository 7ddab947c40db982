/** Values at which something changes: sizes, pages, signs, the ends of address spaces, 2^53. */
import type { Random } from '../../support/random.ts';

const EDGES = [
  0n,
  1n,
  2n,
  3n,
  0x10n,
  0xfffn,
  0x1000n,
  0x1001n,
  0x10000n,
  0x400000n,
  0x2000_0000n,
  0x3000_0000n,
  0x5655_5000n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_d000n,
  0xffff_e000n,
  0xffff_f000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x100_0000_0000n,
  0x500_0000_0000n,
  0x1000_0000_0000n,
  0x5555_5555_4000n,
  0x7fff_ffff_e000n,
  0x7fff_ffff_f000n,
  0x8000_0000_0000n,
  (1n << 53n) - 1n,
  1n << 53n,
  1n << 63n,
  (1n << 64n) - 1n,
] as const;

export function oddValue(random: Random): bigint {
  const edge = random.pick(EDGES);
  if (random.chance(1, 3)) return edge + BigInt(random.below(0x3000)) - 0x1800n;
  return random.chance(1, 4) ? random.bigBelow(1n << random.bigBelow(64n)) : edge;
}

/** A change small enough that most of what a field's neighbours say stays true. */
export function nearby(value: bigint, random: Random): bigint {
  const step = random.pick([1n, 0x10n, 0x800n, 0x1000n, 0x10000n, 0x20_0000n]);
  return value + step * BigInt(random.below(9) - 4);
}
