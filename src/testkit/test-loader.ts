/** The tests themselves, each with a name of its own. What they look at is in the files beside this one. */
import { describe, expect, test } from 'vitest';
import { builtinLoaders } from '../../loaders/index.ts';
import { FormatError, hex } from '../errors.ts';
import { askLoader } from '../loader/call.ts';
import type { LoaderPlugin } from '../loader/contract.ts';
import { checkGivenOptions } from '../loader/options.ts';
import { Nonsense } from '../loader/value.ts';
import { checkLoader } from '../plugins/check-loader.ts';
import { memorySource } from '../source/memory.ts';
import type { BrokenFile, LoaderCases, ProgramCase, Sample } from './cases.ts';
import { openReal } from './context.ts';
import { cuts, flips } from './damage.ts';
import { type Outcome, outcomeOf, outcomeText } from './outcome.ts';
import { failure, verdictOn } from './probing.ts';
import { runProgram } from './run-program.ts';
import { ownSamples, sampleBytes } from './samples.ts';
import { Subject } from './subject.ts';
import { survives, sweep } from './sweep.ts';

/** Milliseconds for one test: a sweep takes a second or two where nothing else is done. */
const TIMEOUT = 180_000;
/** How large a file may be said to be, bytes, when only its beginning is there. */
const CLAIMED_SIZE = 2 ** 30;
/** How often the same is asked. */
const TIMES = 3;
/** How many of the samples that are wrongly claimed a message names. */
const SHOWN = 3;

/**
 * Registers tests for `loader` with vitest: call it at the top level of a test file. They are
 *
 * - the loader has the shape that the contract wants;
 * - `probe` claims what is in `accepts`, says the same each time, reads at most 64 KiB of a file of any size in at most
 *   1000 reads, and asks for nothing past the end; it claims neither `rejects` nor an empty file, one byte, or the
 *   samples of the built-in loaders (of a loader with `order: 'post'` it may: it is asked last);
 * - what is accepted loads, comes to the same each time, and to what `__plans__/NAME.txt` beside the test file says. The
 *   first run writes these files, `vitest -u` writes them anew; they are for people to read in a review;
 * - every file in `broken` is refused with a FormatError that names its field and its offset;
 * - every accepted file that is cut short anywhere, or has a bit flipped, is "not mine", an error of the right kind or a
 *   program: never an exception of another kind, never a hang (10 s);
 * - each of `programs` is run as a process of its own, and prints and ends as it says.
 *
 * The same each time: no clock and no randomness is in it but a fixed seed.
 */
export function testLoader(loader: LoaderPlugin, cases: LoaderCases): void {
  const subject = new Subject(loader, cases);
  describe(`the loader ${loader.name}`, () => {
    testShape(subject);
    for (const [name, sample] of Object.entries(cases.accepts)) testAccepted(subject, name, sample);
    testRejected(subject, cases);
    for (const [name, broken] of Object.entries(cases.broken ?? {})) testBroken(subject, name, broken);
    for (const program of cases.programs ?? []) testProgram(subject, program);
  });
}

function testShape({ loader, loaders, given }: Subject): void {
  test('is a loader', () => {
    try {
      checkLoader({ default: loader });
    } catch (cause) {
      if (!(cause instanceof Nonsense)) throw cause;
      throw new Error(`it is no loader: ${cause.message}`, { cause });
    }
    checkGivenOptions(given, loaders);
  });
}

function testAccepted(subject: Subject, name: string, sample: Sample): void {
  const { isLast } = subject;

  test(`probe claims ${name}, the same each time and reading little`, { timeout: TIMEOUT }, async () => {
    const bytes = await sampleBytes(sample);
    const verdicts = [];
    for (let time = 0; time < TIMES; time++) verdicts.push(await verdictOn(subject, bytes, name));
    const [first] = verdicts;
    if (verdicts.some((verdict) => verdict !== first))
      throw new Error(`probe says ${verdicts.join(', then ')} of the same bytes, ${name}`);
    if (first === null && !isLast)
      throw new Error(
        `probe says null of ${name}, which is in accepts: return 'exact' or 'likely' for its own files`,
      );
    const size = Math.max(bytes.length, CLAIMED_SIZE);
    await verdictOn(subject, bytes, `${name} with zeros behind it, ${size} bytes in all`, size);
  });

  test(`${name} comes to what __plans__/ says`, { timeout: TIMEOUT }, async () => {
    const bytes = await sampleBytes(sample);
    const texts = [];
    for (let time = 0; time < TIMES; time++) texts.push(await acceptedText(subject, name, bytes));
    const [first = '', ...others] = texts;
    for (const other of others)
      expect(other, `load makes different things of the same file, ${name}`).toBe(first);
    await expect(first).toMatchFileSnapshot(`__plans__/${name.replace(/[^\w.-]+/g, '-')}.txt`);
  });

  test(`${name} may be cut short anywhere`, { timeout: TIMEOUT }, async () => {
    await sweep(subject, name, cuts(await sampleBytes(sample)));
  });

  test(`any bit of ${name} may be flipped`, { timeout: TIMEOUT }, async () => {
    await sweep(subject, name, flips(await sampleBytes(sample)));
  });
}

async function acceptedText(subject: Subject, name: string, bytes: Uint8Array): Promise<string> {
  subject.file = `${name}, in load`;
  let outcome: Outcome;
  try {
    outcome = await outcomeOf(subject, bytes, name, openReal);
  } catch (cause) {
    throw new Error(`load fails on ${name}, which is in accepts: ${failure(cause)}`, { cause });
  }
  if (outcome.kind !== 'refused') return outcomeText(outcome);
  const { error } = outcome;
  throw new Error(`${name}, which is in accepts, is refused: ${failure(error)}`, { cause: error });
}

function testRejected(subject: Subject, { rejects = {} }: LoaderCases): void {
  const none = new Uint8Array(0);
  const nobodys: Record<string, Sample> = subject.isLast
    ? {}
    : { 'an empty file': none, 'a file of one byte': Uint8Array.of(0x7f) };
  for (const [name, sample] of Object.entries({ ...nobodys, ...rejects })) {
    test(`probe does not claim ${name}`, { timeout: TIMEOUT }, async () => {
      const bytes = await sampleBytes(sample);
      const verdict = await verdictOn(subject, bytes, name);
      if (verdict !== null) throw new Error(`probe says '${verdict}' of ${name}, and must say null`);
      await survives(subject, bytes, 'rejected', name);
    });
  }
  if (subject.isLast) return;
  test('probe claims no sample of another built-in loader', { timeout: TIMEOUT }, async () => {
    const claimed: string[] = [];
    for (const { name, bytes } of ownSamples()) {
      if (await isOwn(subject, bytes)) continue;
      const verdict = await verdictOn(subject, bytes, `run-foreign's sample ${name}`);
      if (verdict !== null) claimed.push(`'${verdict}' of ${name}`);
    }
    if (claimed.length === 0) return;
    const more = claimed.length > SHOWN ? ` and of ${claimed.length - SHOWN} more` : '';
    throw new Error(
      `probe must say null of run-foreign's own samples, and says ${claimed.slice(0, SHOWN).join(', ')}${more}: look at more of the file`,
    );
  });
}

/** Whether a built-in loader of the same name claims it: then this one takes its place. */
async function isOwn({ loader }: Subject, bytes: Uint8Array): Promise<boolean> {
  const same = builtinLoaders.find(({ name }) => name === loader.name);
  if (same === undefined) return false;
  return (await askLoader(same, memorySource(bytes, 'sample'), { options: {} })) !== null;
}

function testBroken(subject: Subject, name: string, { file, field, offset }: BrokenFile): void {
  test(`${name} is refused for its ${field}`, { timeout: TIMEOUT }, async () => {
    const bytes = await sampleBytes(file);
    const verdict = await verdictOn(subject, bytes, name);
    if (verdict === null && !subject.isLast)
      throw new Error(
        `probe says null of ${name}: a file that is its own and broken is to be claimed, and refused by load`,
      );
    subject.file = `${name}, in load`;
    let outcome: Outcome;
    try {
      outcome = await outcomeOf(subject, bytes, name, openReal);
    } catch (cause) {
      throw new Error(`load fails on ${name}: ${failure(cause)}. It must throw a FormatError`, { cause });
    }
    if (outcome.kind !== 'refused')
      throw new Error(
        `${name} is broken in ${field}, and load does not say so: it comes to a ${outcome.kind}`,
      );
    const { error } = outcome;
    if (!(error instanceof FormatError))
      throw new Error(`${name} is refused with ${failure(error)}: throw a FormatError, which says where`, {
        cause: error,
      });
    const { location } = error;
    const wanted = `${field} at file offset ${hex(offset)}`;
    expect(
      `${location.field} at file offset ${hex(location.offset)}`,
      `what ${name} is refused for: ${error.message}`,
    ).toBe(wanted);
  });
}

function testProgram(subject: Subject, program: ProgramCase): void {
  test(`runs ${program.name}`, { timeout: TIMEOUT }, async () => {
    subject.file = program.name;
    const { stdout, stderr, status, signal } = await runProgram(subject, program);
    const wanted = {
      stdout: program.stdout,
      stderr: program.stderr ?? '',
      status: program.signal === undefined ? (program.status ?? 0) : null,
      signal: program.signal ?? null,
    };
    const isText = typeof wanted.stdout === 'string';
    const found = {
      stdout: isText ? stdout.toString() : Uint8Array.from(stdout),
      stderr: stderr.toString(),
      status,
      signal,
    };
    if (!isText) wanted.stdout = Uint8Array.from(Buffer.from(wanted.stdout));
    expect(found, `how ${program.name} ran`).toEqual(wanted);
  });
}
