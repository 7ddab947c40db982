/** Damaged copies of a file: cut short, and with single bits flipped. The same ones on every machine and day. */
import { hex } from '../errors.ts';
import { mulberry32 } from './random.ts';

/** The cuts and flips that are tried, where a file is too long for all of them. */
const FIRST_CUTS = 4096;
const OTHER_CUTS = 512;
const FIRST_FLIPPED = 256;
const OTHER_FLIPS = 2048;
const SEED = 1;

export interface Damaged {
  readonly bytes: Uint8Array;
  /** For messages: what was done to the file. */
  readonly what: string;
}

/** Every length below 4096, and 512 others. */
export function* cuts(bytes: Uint8Array): Generator<Damaged> {
  const { length } = bytes;
  const next = mulberry32(SEED);
  const cut = (size: number, why = '') => ({
    bytes: bytes.subarray(0, size),
    what: `cut to its first ${size} of ${length} bytes${why}`,
  });
  for (let size = 0; size < Math.min(length, FIRST_CUTS); size++) yield cut(size);
  const rest = length - FIRST_CUTS;
  const all = rest <= OTHER_CUTS;
  for (let index = 0; index < (all ? rest : OTHER_CUTS); index++)
    yield all
      ? cut(FIRST_CUTS + index)
      : cut(FIRST_CUTS + (next() % rest), ` (cut ${index} of seed ${SEED})`);
}

/** Every bit of the first 256 bytes, and 2048 others. */
export function* flips(bytes: Uint8Array): Generator<Damaged> {
  const next = mulberry32(SEED);
  const first = Math.min(bytes.length, FIRST_FLIPPED);
  for (let index = 0; index < first * 8; index++)
    yield flip(bytes, Math.floor(index / 8), index % 8, `flip ${index}`);
  const rest = bytes.length - first;
  const all = rest * 8 <= OTHER_FLIPS;
  for (let index = 0; index < (all ? rest * 8 : OTHER_FLIPS); index++) {
    const [at, bit] = all ? [Math.floor(index / 8), index % 8] : [next() % rest, next() % 8];
    yield flip(bytes, first + at, bit, `flip ${first * 8 + index} of seed ${SEED}`);
  }
}

function flip(bytes: Uint8Array, at: number, bit: number, which: string): Damaged {
  const changed = Uint8Array.from(bytes);
  const [old = 0] = bytes.subarray(at);
  const value = old ^ (1 << bit);
  changed[at] = value;
  return {
    bytes: changed,
    what: `with bit ${bit} of the byte at file offset ${hex(at)} flipped, ${hex(old)} to ${hex(value)} (${which})`,
  };
}
