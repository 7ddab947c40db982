/** Actually Portable Executables changed where it matters: in the ELF that the script makes of them, and in its spelling. */
import { octal } from '../../../samples/ape/script.ts';
import type { Random } from '../../support/random.ts';
import { mutateElf } from './elf.ts';

const EHSIZE = 64;
const SCRIPT_SIZE = 8192;
const PRINTED = /printf '((?:\\[0-7]{3}){64})'/;
/** What means something between the quotes, or ends them. */
const CHARACTERS = [..."'\\0178nx \0\x7f"];

const startOf = (bytes: Uint8Array) => Buffer.from(bytes.subarray(0, SCRIPT_SIZE)).toString('latin1');

/** Whether there is a header that can be written anew: spelled with three digits a byte. */
export function isApe(bytes: Uint8Array): boolean {
  return /^(MZqFpD|jartsr)='/.test(startOf(bytes)) && PRINTED.test(startOf(bytes));
}

export function mutateApe(bytes: Buffer, random: Random): Buffer {
  const match = PRINTED.exec(startOf(bytes));
  const printed = match?.[1];
  if (match === null || printed === undefined) return bytes;
  const at = match.index + "printf '".length;
  if (random.chance(1, 6)) {
    bytes.write(random.pick(CHARACTERS), at + random.below(printed.length), 'latin1');
    return bytes;
  }
  const script = Buffer.from(bytes.subarray(0, EHSIZE));
  const header = printed.split('\\').slice(1);
  bytes.set(header.map((digits) => Number.parseInt(digits, 8)));
  const mutated = mutateElf(bytes, random);
  const text = octal(mutated.subarray(0, EHSIZE));
  mutated.set(script);
  mutated.write(text, at, 'latin1');
  return mutated;
}
