/** Structure-aware mutations: programs that are nearly right, which random bytes never are. */
import { EHDR, EHSIZE, PHDR, PHENTSIZE, putField } from './elf-writer.ts';
import type { Random } from './random.ts';
import { text } from './sources.ts';

/** Values at which something changes: sizes, pages, signs, the ends of address spaces, 2^53. */
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
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_e000n,
  0xffff_f000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x100_0000_0000n,
  0x500_0000_0000n,
  0x5555_5555_4000n,
  0x7fff_ffff_e000n,
  0x7fff_ffff_f000n,
  0x8000_0000_0000n,
  1n << 53n,
  (1n << 53n) - 1n,
  1n << 63n,
  (1n << 64n) - 1n,
] as const;

function oddValue(random: Random): bigint {
  const edge = random.pick(EDGES);
  if (random.chance(1, 3)) return edge + BigInt(random.below(0x3000)) - 0x1800n;
  return random.chance(1, 4) ? random.bigBelow(1n << random.bigBelow(64n)) : edge;
}

function mutateElf(bytes: Buffer, random: Random): void {
  // By the machine, as the loader does; a broken one is as good as any.
  const bits = bytes[18] === 3 ? 32 : 64;
  const count = bytes.length > EHSIZE[bits] ? bytes.readUInt16LE(bits === 64 ? 56 : 44) : 0;
  const inTable = random.chance(4, 5) && count > 0;
  const fields = Object.values(inTable ? PHDR : EHDR);
  const base = inTable ? EHSIZE[bits] + random.below(Math.min(count, 16)) * PHENTSIZE[bits] : 0;
  const field = random.pick(fields);
  if (base + field[bits][0] + 8 > bytes.length) return;
  const value = field === PHDR.p_type ? random.pick([0n, 1n, 1n, 1n, 2n, 3n, 0x6474e551n]) : oddValue(random);
  putField(bytes, bits, base, field, value);
}

function mutateAout(bytes: Buffer, random: Random): void {
  bytes.writeUInt32LE(Number(BigInt.asUintN(32, oddValue(random))), 4 + random.below(7) * 4);
}

/** A copy of `seed` with a few things changed. */
export function mutate(seed: Uint8Array, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(seed);
  const rounds = 1 + random.below(4);
  for (let round = 0; round < rounds; round++) {
    const kind = random.below(10);
    if (kind < 7 && bytes.length >= 64) {
      if (bytes[0] === 0x7f) mutateElf(bytes, random);
      else mutateAout(bytes, random);
    } else if (kind === 7) bytes = bytes.subarray(0, random.below(bytes.length + 1));
    else if (kind === 8 && bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256);
    else bytes = Buffer.concat([bytes, random.bytes(random.below(0x2000))]);
  }
  if (!random.chance(1, 8)) return bytes;
  const lines = [
    '#!run-foreign\n',
    '#!/usr/bin/env -S run-foreign\n',
    '#!/handmade/ld.so x\n',
    '#!',
    '#! \n',
  ];
  return Buffer.concat([text(random.pick(lines)), bytes]);
}

/** Bytes that are random but for a beginning that some loader knows. */
export function noise(random: Random): Buffer {
  const beginnings = [
    '',
    '\x7fELF',
    '\x7fELF\x02\x01\x01',
    '\x0b\x01\x64\x00',
    '\xcc\x00\x64\x00',
    '#!',
    '#!/',
    '\x07\x01\0\0',
  ];
  return Buffer.concat([text(random.pick(beginnings)), random.bytes(random.below(600))]);
}
