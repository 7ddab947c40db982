/**
 * Hostile files through everything that is pure: probe, load, validate, plan, emit. The outcome is a
 * ForeignError or a plan that breaks no rule of memory-model.ts; never another exception, and never more
 * work than the file is worth. Nothing is run. The seeds are fixed: a failure names its case.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ForeignError } from '../../src/errors.ts';
import { memorySource } from '../../src/source/memory.ts';
import type { Source } from '../../src/source/source.ts';
import { writeElf } from '../support/elf-writer.ts';
import { HANDMADE, INTERPRETER, INTERPRETER_PATH } from '../support/handmade.ts';
import { fakeHost } from '../support/host.ts';
import { brokenRules } from '../support/memory-model.ts';
import { mutate, noise } from '../support/mutate.ts';
import { planOf, stubOf } from '../support/plans.ts';
import { Random } from '../support/random.ts';
import { resolveSource } from '../support/resolve.ts';
import { fileLike } from '../support/sources.ts';

const SAMPLES = new URL('../../samples/', import.meta.url);
const sampleList = JSON.parse(readFileSync(new URL('samples.json', SAMPLES), 'utf8')) as { file: string }[];
const SEEDS: readonly Buffer[] = [
  ...HANDMADE.map(({ bytes }) => bytes),
  writeElf(INTERPRETER),
  ...sampleList.map(({ file }) => readFileSync(new URL(file, SAMPLES))),
];
const GOOD_INTERPRETER = writeElf(INTERPRETER);

/** More than any of these files can need: a program header makes at most a few steps. */
const MOST_STEPS = 20_000;
/** Payloads of more than this are planned but not emitted. */
const MOST_CARRIED = 16 * 1024 * 1024;
const MOST_MILLISECONDS = 5_000;

type Outcome = 'planned' | 'emitted' | string;

async function run(bytes: Buffer, random: Random): Promise<Outcome> {
  const interpreter = random.chance(1, 3) ? mutate(GOOD_INTERPRETER, random) : GOOD_INTERPRETER;
  const source: Source = random.chance(1, 3)
    ? memorySource(bytes, 'memory', random.chance(1, 2))
    : fileLike(bytes, 10);
  const paths = [INTERPRETER_PATH, '/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux.so.2'];
  const files = Object.fromEntries(paths.map((path) => [path, interpreter]));
  const host = fakeHost({
    randomizeVaSpace: random.pick([0, 1, 2] as const),
    lowestMapping: () => random.pick([0n, 0x1000n, 0x10000n]),
    random: (length) => random.bytes(length),
  });
  const { image } = await resolveSource(source, files);
  const plan = planOf(image, { report: random.chance(1, 2) }, host);
  expect(plan.steps.length).toBeLessThan(MOST_STEPS);
  const carried = plan.payloads.reduce((sum, { size }) => sum + size, 0);
  if (carried > MOST_CARRIED) {
    expect(brokenRules(plan, carried)).toEqual([]);
    return 'planned';
  }
  const stub = await stubOf(plan);
  expect(brokenRules(plan, stub.length)).toEqual([]);
  return 'emitted';
}

/** Runs one case and says what became of it; whatever is not allowed is thrown with the case's number. */
async function outcomeOf(seed: number, make: (random: Random) => Buffer): Promise<Outcome> {
  const random = new Random(seed);
  const bytes = make(random);
  const started = performance.now();
  try {
    return await run(bytes, random);
  } catch (error) {
    if (error instanceof ForeignError && error.code !== 'INTERNAL') return error.code;
    throw new Error(`case ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  } finally {
    expect([seed, performance.now() - started < MOST_MILLISECONDS]).toEqual([seed, true]);
  }
}

async function tally(
  cases: number,
  first: number,
  make: (random: Random) => Buffer,
): Promise<Map<Outcome, number>> {
  const outcomes = new Map<Outcome, number>();
  for (let seed = first; seed < first + cases; seed++) {
    const outcome = await outcomeOf(seed, make);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  return outcomes;
}

test('every unchanged seed is emitted, from a file and from memory', async () => {
  for (const bytes of SEEDS) {
    const files = Object.fromEntries(
      [INTERPRETER_PATH, '/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux.so.2'].map((path) => [
        path,
        GOOD_INTERPRETER,
      ]),
    );
    for (const source of [fileLike(bytes, 10), memorySource(bytes, 'memory')]) {
      try {
        const plan = planOf((await resolveSource(source, files)).image);
        expect(brokenRules(plan, (await stubOf(plan)).length)).toEqual([]);
      } catch (error) {
        // The handmade interpreter is a 64-bit one.
        expect(error).toMatchObject({ location: { field: 'PT_INTERP' } });
        expect(bytes[18]).toBe(3);
      }
    }
  }
});

test('mutations of good files end in a plan that keeps the rules, or in a typed error', async () => {
  const outcomes = await tally(6000, 1, (random) => mutate(random.pick(SEEDS), random));
  // A fuzzer that only ever meets one check tests nothing else.
  expect(outcomes.get('emitted') ?? 0).toBeGreaterThan(300);
  for (const code of ['BAD_FORMAT', 'IMAGE_REFUSED', 'MACHINE_REFUSED', 'UNKNOWN_FORMAT'])
    expect([code, outcomes.has(code)]).toEqual([code, true]);
});

test('random bytes behind a known beginning end in a typed error', async () => {
  const outcomes = await tally(3000, 1_000_000, noise);
  expect(outcomes.get('BAD_FORMAT') ?? 0).toBeGreaterThan(300);
  expect(outcomes.get('UNKNOWN_FORMAT') ?? 0).toBeGreaterThan(100);
});
