/**
 * An address before the program runs. Most are plain numbers; those that depend on where the kernel
 * puts something (the stack, an interpreter, a PIE without one) are offsets from that thing.
 */
import { hex } from '../errors.ts';

export type Base =
  /** A plain address. */
  | 'absolute'
  /** The end (highest address) of the stack area: offsets are negative. */
  | 'stack'
  /** Where the program or its interpreter has come to lie: offset 0 is link-time address 0. */
  | 'image'
  | 'interp'
  /** Where the heap begins. */
  | 'heap'
  /** In a first stack that the kernel has made: the stack pointer, the auxv, and the strings as the mm fields name them. */
  | 'sp'
  | 'auxv'
  | 'arg_start'
  | 'env_start'
  | 'env_end';

export interface Place {
  readonly base: Base;
  /** Bytes. */
  readonly offset: bigint;
}

export const absolute = (address: bigint): Place => ({ base: 'absolute', offset: address });

export function plus(place: Place, bytes: bigint): Place {
  return { base: place.base, offset: place.offset + bytes };
}

/** `0x401000`, `interp+0x1000`, `stack-0x38`. */
export function placeText({ base, offset }: Place): string {
  if (base === 'absolute') return hex(offset);
  return `${base}${offset < 0n ? '-' : '+'}${hex(offset < 0n ? -offset : offset)}`;
}
