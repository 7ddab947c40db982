/**
 * Address space randomisation over a thousand starts: the bits that are random under execve are random under us,
 * and no others. The stub is started without Node in between, a thousand Nodes would only take time.
 */
import { spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtinLoaders } from '../../loaders/index.ts';
import { emitStub } from '../../src/emit/stub.ts';
import { loadProgram } from '../../src/launch/load.ts';
import { hostFacts } from '../../src/native/host-facts.ts';
import { memfdExecutable } from '../../src/native/libc.ts';
import { planProgram } from '../../src/plan/planner.ts';
import { loadingInterpreter } from '../support/plans.ts';
import { inParallel, temporary } from '../support/run.ts';
import { compile, LINKINGS } from './compile.ts';

const STARTS = 1000;
const PROGRAMS = [
  '64-bit static PIE',
  '64-bit dynamic PIE',
  '64-bit dynamic non-PIE',
  '32-bit dynamic PIE',
  '32-bit static',
];
const THINGS = ['code', 'stack', 'heap', 'heap from code', 'interpreter', 'vDSO', 'random bytes'] as const;

const directory = temporary();
afterAll(() => directory.remove());
const at = (title: string) => join(directory.path, title.replaceAll(' ', '-'));
beforeAll(async () => {
  const programs = LINKINGS.filter(({ title }) => PROGRAMS.includes(title));
  await inParallel(programs, ({ title, flags }) => compile('places.c', flags, at(title)), 2);
});

type Places = readonly bigint[];

/** Starts `file` with no arguments and no environment, with `fds` from 3 on, and reads its line. */
function placesOf(file: string, argv0: string, fds: readonly number[]): Promise<Places> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, [], { argv0, env: {}, stdio: ['ignore', 'pipe', 'inherit', ...fds] });
    let output = '';
    child.stdout?.on('data', (bytes: Buffer) => {
      output += bytes.toString();
    });
    child.on('error', reject);
    child.on('close', () =>
      resolve(
        output
          .trim()
          .split(' ')
          .map((word) => BigInt(`0x${word}`)),
      ),
    );
  });
}

/** A function that starts the program by a new plan, and so a new stub, each time. */
async function starter(file: string, ownInterpreter: boolean): Promise<() => Promise<Places>> {
  const name = Buffer.from(file);
  const request = { name, args: [], envp: [], loaders: builtinLoaders };
  const { image, argv, path, source } = await loadProgram(request);
  const invocation = { program: file, argv, envp: [], execfn: path, exe: source.file };
  return async () => {
    const planned = planProgram(image, invocation, hostFacts());
    const plan = ownInterpreter ? loadingInterpreter(planned, image) : planned;
    const fds = plan.files.flatMap((file) => ('fd' in file ? [file.fd] : []));
    const memfd = memfdExecutable('places');
    writeSync(
      memfd,
      emitStub(
        plan,
        fds.map((_, index) => 4 + index),
      ),
    );
    try {
      return await placesOf('/proc/self/fd/3', 'places', [memfd, ...fds]);
    } finally {
      closeSync(memfd);
    }
  };
}

/** How often each bit of a thing's address is set, from 0 to 1. */
function frequencies(starts: readonly Places[], thing: number): number[] {
  return Array.from({ length: 48 }, (_, bit) => {
    const set = starts.filter((places) => (((places[thing] ?? 0n) >> BigInt(bit)) & 1n) === 1n).length;
    return set / starts.length;
  });
}

const different = (starts: readonly Places[], thing: number) =>
  new Set(starts.map((places) => places[thing])).size;

const CASES: [title: string, how: string, ownInterpreter: boolean][] = [
  ...PROGRAMS.map((title): [string, string, boolean] => [title, 'planned', false]),
  ['64-bit dynamic PIE', 'its interpreter loaded by the stub', true],
  ['32-bit dynamic PIE', 'its interpreter loaded by the stub', true],
];

describe.each(CASES)('%s, %s', (title, _, ownInterpreter) => {
  test('has its code, stack, heap, interpreter and vDSO at places as random as under execve', async () => {
    const file = at(title);
    const start = await starter(file, ownInterpreter);
    const again = Array.from({ length: STARTS });
    const native = await inParallel(again, () => placesOf(file, file, []), 8);
    const foreign = await inParallel(again, start, 8);
    expect(foreign.every((places) => places.length === THINGS.length)).toBe(true);
    for (const [thing, name] of THINGS.entries()) {
      const [theirs, ours] = [frequencies(native, thing), frequencies(foreign, thing)];
      // Two means of 1000 coin flips differ by more than 0.15 less than once in 10^10 times.
      const apart = theirs.flatMap((mean, bit) => (Math.abs(mean - (ours[bit] ?? 0)) < 0.15 ? [] : [bit]));
      expect([name, apart]).toEqual([name, []]);
      expect(different(foreign, thing)).toBeGreaterThanOrEqual(different(native, thing) * 0.8);
    }
  });
});
