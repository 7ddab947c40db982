/** Repeatable randomness for property tests and fuzzing: the same seed gives the same numbers everywhere. */
import { mulberry32 } from '../../src/testkit/random.ts';

export class Random {
  /** An integer in [0, 2^32). */
  readonly next: () => number;

  constructor(seed: number) {
    this.next = mulberry32(seed);
  }

  /** An integer in [0, limit). */
  below(limit: number): number {
    return this.next() % limit;
  }

  bigBelow(limit: bigint): bigint {
    let value = 0n;
    for (let word = 0; word < 3; word++) value = (value << 32n) | BigInt(this.next());
    return value % limit;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let index = 0; index < length; index++) bytes[index] = this.next() & 0xff;
    return bytes;
  }

  pick<T>(list: readonly T[]): T {
    const chosen = list[this.below(list.length)];
    if (chosen === undefined) throw new Error('nothing to pick from');
    return chosen;
  }

  chance(part: number, of: number): boolean {
    return this.below(of) < part;
  }
}
