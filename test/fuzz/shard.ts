/**
 * The cases, each with a number that is its seed and all it depends on. They are dealt out to shards, so
 * that test files, which run beside each other, share the work. A failure names its case, and
 * `FUZZ_CASE=123 npx vitest run --project portable test/fuzz` runs it alone; `FUZZ_TIMES=50` makes
 * every shard that many times as long.
 */
import { expect, test } from 'vitest';
import { Random } from '../support/random.ts';
import { type Outcome, outcomeOf } from './case.ts';
import { oddCircumstances } from './make/circumstances.ts';
import { mutate, noise } from './make/mutate.ts';
import { SEEDS } from './make/seeds.ts';

export const SHARDS = 4;
const MUTATIONS_A_SHARD = 29_000;
const RANDOM_FILES = 22_000;
/** Their numbers begin here. */
const FIRST_RANDOM_FILE = 0x8000_0000;

/** The whole process; most of it is node and what tests need. */
const MOST_RESIDENT_KIB = 1024 * 1024;
const MINUTE = 60_000;
/** A shard ends after so many: one cause makes many of them. */
const MOST_FAILURES = 10;

const times = Number(process.env['FUZZ_TIMES'] ?? 1);
const only = process.env['FUZZ_CASE'] === undefined ? undefined : Number(process.env['FUZZ_CASE']);

type Make = (random: Random, number: number) => Buffer;

/** How often each outcome must be met at least: a fuzzer that only ever meets one check tests nothing else. */
type Minimums = Readonly<Record<Outcome, number>>;

/** Every seed has its turn, in every shard. */
const mutation: Make = (random, number) => {
  const seed = SEEDS[Math.floor(number / SHARDS) % SEEDS.length];
  if (seed === undefined) throw new Error('there are no seeds');
  return mutate(seed.bytes, random.pick(SEEDS).bytes, random);
};

/** Defines the test of one shard of the mutations. */
export function testMutations(shard: number): void {
  const numbers = Array.from({ length: MUTATIONS_A_SHARD * times }, (_, index) => shard + index * SHARDS);
  testCases(`mutations of good files, ${shard + 1} of ${SHARDS}`, numbers, mutation, {
    'emitted x86_64': 3000,
    'emitted i386': 2000,
    BAD_FORMAT: 5000,
    UNKNOWN_FORMAT: 100,
    IMAGE_REFUSED: 500,
    MACHINE_REFUSED: 300,
    PROGRAM_NOT_FOUND: 500,
    NESTED_TOO_DEEP: 100,
    TOO_BIG: 300,
    INTERPRETER_MISSING: 300,
  });
}

export function testRandomFiles(): void {
  const numbers = Array.from({ length: RANDOM_FILES * times }, (_, index) => FIRST_RANDOM_FILE + index);
  const minimums = { BAD_FORMAT: 5000, UNKNOWN_FORMAT: 1000, PROGRAM_NOT_FOUND: 500 };
  testCases('random bytes behind a known beginning', numbers, noise, minimums);
}

function testCases(name: string, numbers: readonly number[], make: Make, minimums: Minimums): void {
  test(name, { timeout: 10 * MINUTE * times }, async () => {
    const tally = new Map<Outcome, number>();
    const failures: Error[] = [];
    for (const number of only === undefined ? numbers : numbers.filter((each) => each === only)) {
      const outcome = await runCase(number, make);
      if (outcome instanceof Error) failures.push(outcome);
      else tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
      if (failures.length === MOST_FAILURES) break;
    }
    if (failures.length > 0)
      throw new AggregateError(failures, failures.map(({ message }) => message).join('\n'));
    if (only !== undefined) return;
    const rare = Object.entries(minimums).filter(([outcome, least]) => (tally.get(outcome) ?? 0) < least);
    expect(rare, `of ${JSON.stringify([...tally])}`).toEqual([]);
    expect(process.resourceUsage().maxRSS, 'KiB in memory').toBeLessThan(MOST_RESIDENT_KIB);
  });
}

async function runCase(number: number, make: Make): Promise<Outcome | Error> {
  const random = new Random(number);
  const bytes = make(random, number);
  try {
    return await outcomeOf(bytes, oddCircumstances(random));
  } catch (cause) {
    return new Error(`case ${number}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
