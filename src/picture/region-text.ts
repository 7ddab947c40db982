/** What pictures say of a region in words. */
import { hex } from '../errors.ts';
import type { Region } from './model.ts';
import { sizeText } from './size-text.ts';

/** `8 KiB`, and with `zeros` how much of that is in no file: `8 KiB, 3 KiB zero`. */
export function regionSize(regions: readonly Region[], zeros: boolean): string {
  const [size, zero] = [sum(regions, ({ start, end }) => end - start), sum(regions, zeroBytes)];
  if (size === 0n) return '';
  if (!zeros || zero === 0n) return sizeText(size);
  return zero === size ? `${sizeText(size)} zero` : `${sizeText(size)}, ${sizeText(zero)} zero`;
}

/** Bytes that are in no file and begin as zeros. */
export const zeroBytes = ({ start, end, filled }: Region): bigint =>
  filled === undefined ? 0n : end - start - filled;

const sum = (regions: readonly Region[], of: (region: Region) => bigint): bigint =>
  regions.reduce((total, region) => total + of(region), 0n);

/** `0x1000`, `stack-0x38`. */
export function addressText(address: bigint, base: string | undefined): string {
  if (base === undefined) return hex(address);
  const distance = address < 0n ? -address : address;
  return `${base}${address < 0n ? '-' : '+'}${hex(distance)}`;
}

/** `7`, `7, 9`, `7-12`; empty where no step made it. */
export function stepsText(regions: readonly Region[]): string {
  const numbers = [...new Set(regions.flatMap(({ steps = [] }) => steps))].sort((one, other) => one - other);
  const [first, last] = [numbers[0], numbers.at(-1)];
  if (first === undefined || last === undefined) return '';
  if (last - first === numbers.length - 1 && numbers.length > 2) return `${first}-${last}`;
  return numbers.length <= 3 ? numbers.join(', ') : `${first} … ${last}`;
}
