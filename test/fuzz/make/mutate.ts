/** Structure-aware mutations: programs that are nearly right, which random bytes never are. */
import { gzipSync } from 'node:zlib';
import type { Random } from '../../support/random.ts';
import { isApe, mutateApe } from './ape.ts';
import { isElf, mutateElf } from './elf.ts';
import { nearby, oddValue } from './odd.ts';
import { wrap } from './script.ts';

const AOUT_HEADER = 32;
const AOUT_MAGICS = [0o407, 0o410, 0o413, 0o314] as const;

/** Fields of struct exec behind a_info; now and then another magic or machine type. */
function mutateAout(bytes: Buffer, random: Random): Buffer {
  if (bytes.length < AOUT_HEADER) return bytes;
  for (let round = random.below(3); round >= 0; round--) {
    const at = 4 + random.below(7) * 4;
    const value = random.chance(1, 2) ? oddValue(random) : nearby(BigInt(bytes.readUInt32LE(at)), random);
    bytes.writeUInt32LE(Number(BigInt.asUintN(32, value)), at);
  }
  if (random.chance(1, 8)) bytes.writeUInt16LE(random.pick(AOUT_MAGICS), 0);
  if (random.chance(1, 16)) bytes[2] = random.pick([0, 100, 101, random.below(256)]);
  return bytes;
}

function mutateHeader(bytes: Buffer, random: Random): Buffer {
  if (isElf(bytes)) return mutateElf(bytes, random);
  return isApe(bytes) ? mutateApe(bytes, random) : mutateAout(bytes, random);
}

/** The beginning of one file and the rest of another. */
function splice(bytes: Buffer, other: Uint8Array, random: Random): Buffer {
  const at = random.chance(1, 2) ? random.pick([20, 32, 52, 64, 120]) : random.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), other.subarray(at)]);
}

/** Bytes of anything. */
function damage(bytes: Buffer, random: Random): Buffer {
  for (let round = random.below(4); round >= 0 && bytes.length > 0; round--) {
    const near = random.chance(1, 2) ? Math.min(bytes.length, 400) : bytes.length;
    bytes[random.below(near)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
  }
  return bytes;
}

/** A copy of `seed` with a few things changed; `other` is there to be spliced in. */
export function mutate(seed: Uint8Array, other: Uint8Array, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(seed);
  for (let round = random.below(2); round >= 0; round--) {
    const kind = random.below(16);
    if (kind < 11) bytes = mutateHeader(bytes, random);
    else if (kind === 11) bytes = bytes.subarray(0, random.below(bytes.length + 1));
    else if (kind === 12) bytes = bytes.subarray(0, random.below(Math.min(bytes.length, 1024) + 1));
    else if (kind === 13) bytes = damage(bytes, random);
    else if (kind === 14) bytes = splice(bytes, other, random);
    else bytes = Buffer.concat([bytes, random.bytes(random.below(0x1000))]);
  }
  // Packed, the program is in no file: other steps for the same image.
  if (random.chance(1, 16)) bytes = gzipSync(bytes, { level: 1 });
  return random.chance(1, 8) ? wrap(bytes, random) : bytes;
}

/** First bytes that get a file past the loaders' probes. */
const BEGINNINGS = [
  '',
  '\x7fELF',
  '\x7fELF\x02\x01\x01',
  '\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x03\0\x01\0\0\0',
  '\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0',
  '\x07\x01\x64\0',
  '\x0b\x01\0\0',
  '\x0b\x01\x64\0',
  '\xcc\0\x64\0',
  "MZqFpD='\n'\n",
  "jartsr='\n'\nprintf '\\177ELF\\2\\1\\1",
  '#!',
  '#!/',
  '#!run-foreign\n',
  '\x1f\x8b\x08',
  '\x1f\x8b\x08\0\0\0\0\0\0\x03',
  '\xfd7zXZ\0',
  '\x28\xb5\x2f\xfd',
  '\0asm\x01\0\0\0',
  '\0asm\x01\0\0\0\x02',
  'PK\x03\x04',
  'PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\x08\0\0\0\x08\0\0\0\x14\0\0\0META-INF/MANIFEST.MF',
  '\xca\xfe\xba\xbe\0\0\0\x3d',
];

/** Bytes that are random but for a beginning that some loader knows. */
export function noise(random: Random): Buffer {
  const bytes = random.bytes(random.below(random.chance(1, 16) ? 5000 : 600));
  // Most fields of real headers are small.
  if (random.chance(1, 3)) for (let at = 0; at < bytes.length; at++) if (random.chance(3, 4)) bytes[at] = 0;
  return Buffer.concat([Buffer.from(random.pick(BEGINNINGS), 'latin1'), bytes]);
}
