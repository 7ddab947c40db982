/**
 * Hostile checkpoints and cores through everything that is pure: load, validate, plan, emit. The outcome is a ForeignError, or a
 * stub; never another exception, and never much time or memory. `FUZZ_TIMES=50` is for longer.
 */
import { expect, test } from 'vitest';
import { EHDR, OWNER, PHDR } from '../../loaders/core/elf-core.ts';
import { emitResume } from '../../src/emit/resume/resume.ts';
import { ForeignError } from '../../src/errors.ts';
import type { ProgramImage } from '../../src/image/image.ts';
import { validateImage } from '../../src/image/validate.ts';
import { resumeHost } from '../../src/native/resume-host.ts';
import { planResume } from '../../src/plan/resume/resume.ts';
import { coreOf, loadCoreFile } from '../support/cores.ts';
import { randomProcess, type TestProcess } from '../support/process-state.ts';
import { Random } from '../support/random.ts';
import { fileLike } from '../support/sources.ts';
import { bounded } from './bounds.ts';
import { oddValue } from './make/odd.ts';

const TASK_SIZE = 0x7fff_ffff_f000n;
const SEEDS = 12;
const CASES = 4000 * Number(process.env['FUZZ_TIMES'] ?? 1);
const only = process.env['FUZZ_CASE'] === undefined ? undefined : Number(process.env['FUZZ_CASE']);
const OUR_FAULT = ['INTERNAL', 'LOADER_FAILED'];

interface Note {
  readonly at: number;
  readonly content: number;
  readonly size: number;
}

function notesOf(bytes: Buffer): Note[] {
  const notes: Note[] = [];
  const at = EHDR.size;
  const start = Number(bytes.readBigUInt64LE(at + PHDR.p_offset));
  const end = start + Number(bytes.readBigUInt64LE(at + PHDR.p_filesz));
  for (let note = start; note < end; ) {
    const content = note + 12 + Math.ceil(bytes.readUInt32LE(note) / 4) * 4;
    const size = bytes.readUInt32LE(note + 4);
    notes.push({ at: note, content, size });
    note = content + Math.ceil(size / 4) * 4;
  }
  return notes;
}

/** Fields of the headers, 32 or 64 bits of them. */
function mutateHeaders(bytes: Buffer, random: Random): void {
  const count = bytes.readUInt16LE(EHDR.e_phnum);
  const at = random.chance(1, 8)
    ? random.pick(Object.values(EHDR).filter((each) => each < 56))
    : EHDR.size + random.below(count) * PHDR.size + random.pick([0, 4, 8, 16, 24, 32, 40, 48]);
  const value = random.chance(1, 2) ? oddValue(random) : bytes.readBigUInt64LE(at) + 4096n;
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value), at);
}

/** The words of the structures, and the characters of the texts. */
function mutateNote(bytes: Buffer, random: Random): void {
  const { at, content, size } = random.pick(notesOf(bytes));
  if (size < 8) return;
  const owner = bytes.toString('latin1', at + 12, at + 12 + OWNER.length);
  if (owner !== OWNER) {
    const word = content + random.below(size >> 3) * 8;
    bytes.writeBigUInt64LE(BigInt.asUintN(64, oddValue(random)), word);
    return;
  }
  const text = bytes.toString('latin1', content, content + size);
  const changed = mutateText(text, random);
  bytes.write(changed.padEnd(size).slice(0, size), content, 'latin1');
}

const REPLACED: readonly (readonly [RegExp, (found: string, random: Random) => string])[] = [
  [/"0x[0-9a-f]+"/g, (_, random) => `"0x${BigInt.asUintN(64, oddValue(random)).toString(16)}"`],
  [/:\d+/g, (_, random) => `:${random.pick([0, 1, 2, 7, 64, 4096, 2 ** 31, -1, 1.5, random.next()])}`],
  [/true|false/g, (found) => (found === 'true' ? 'false' : 'true')],
  [
    /"kind":"[a-z ]+"/g,
    (_, random) => `"kind":"${random.pick(['file', 'pipe', 'epoll', 'vdso', 'object', 'memfd'])}"`,
  ],
  [/\[[^[\]]*\]/g, () => '[]'],
  [
    /"path":"[^"]*"/g,
    (_, random) => `"path":${random.pick(['""', '"x"', '"/\\u0000"', '{"hex":"2fff"}', '7'])}`,
  ],
  [/,/g, () => '  '],
];

/** One of the values is another. */
function mutateText(text: string, random: Random): string {
  const [pattern, replace] = random.pick(REPLACED);
  const places = [...text.matchAll(pattern)];
  if (places.length === 0) return text;
  const place = random.pick(places);
  return text.slice(0, place.index) + replace(place[0], random) + text.slice(place.index + place[0].length);
}

/** Without our notes it is a core of somebody else's. */
function asForeign(bytes: Buffer): void {
  for (const { at } of notesOf(bytes))
    if (bytes.toString('latin1', at + 12, at + 12 + OWNER.length) === OWNER)
      bytes.write('S', at + 12, 'latin1');
  const last = EHDR.size + (bytes.readUInt16LE(EHDR.e_phnum) - 1) * PHDR.size;
  bytes.writeUInt32LE(0, last);
}

function mutated(seed: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(seed);
  if (random.chance(1, 3)) asForeign(bytes);
  for (let round = random.below(3); round > 0; round--) {
    try {
      if (random.chance(1, 3)) mutateHeaders(bytes, random);
      else mutateNote(bytes, random);
    } catch {
      // Its headers lead nowhere any more.
      bytes = Buffer.from(seed);
    }
  }
  return random.chance(1, 10) ? bytes.subarray(0, random.below(bytes.length + 1)) : bytes;
}

/** Such as can go on here: without the vDSO of a kernel that there never was, and with a stack that is there. */
function seedProcess(random: Random): TestProcess {
  const { state, runs, ...rest } = randomProcess(random);
  const { vdso, ...without } = state;
  const mappings = state.mappings.filter(({ backing }) => !/vdso|vvar/.test(backing.kind));
  const stack = mappings.find(({ growsDown }) => growsDown);
  if (stack === undefined || vdso === undefined) throw new Error('no stack');
  const threads = state.threads.map((thread) => ({
    ...thread,
    registers: { ...thread.registers, rsp: stack.end - 0x1000n },
  }));
  const whole = { address: stack.start, size: stack.end - stack.start };
  return {
    ...rest,
    state: { ...without, mappings, threads },
    runs: [...runs.filter(({ address }) => address < stack.start), whole],
  };
}

const host = resumeHost({ random: (length) => new Random(1).bytes(length) });

async function outcomeOf(bytes: Buffer, random: Random): Promise<string> {
  try {
    return await bounded(async () => {
      const image: ProgramImage = await loadCoreFile(fileLike(bytes, 7));
      validateImage(image, TASK_SIZE);
      const invocation = {
        program: 'core',
        anyCpu: true,
        newPid: random.chance(1, 2),
        mapped: random.chance(1, 2),
        stdio: [undefined, 'inherit', 'recorded'][random.below(3)] as 'inherit' | undefined,
      };
      const { plan } = planResume(image, invocation, host);
      const stub = emitResume(
        plan,
        [...plan.files.keys()].map((index) => 3 + index),
      );
      expect(stub.length).toBeGreaterThan(0);
      return image.variant;
    });
  } catch (error) {
    if (!(error instanceof ForeignError) || OUR_FAULT.includes(error.code)) throw error;
    return error.code;
  }
}

test('hostile checkpoints and cores', { timeout: 600_000 }, async () => {
  const seeds = await Promise.all(
    Array.from({ length: SEEDS }, (_, seed) => coreOf(seedProcess(new Random(1000 + seed)))),
  );
  const tally = new Map<string, number>();
  const failures: string[] = [];
  for (let number = 0; number < CASES && failures.length < 10; number++) {
    if (only !== undefined && only !== number) continue;
    const random = new Random(number);
    const bytes = mutated(random.pick(seeds), random);
    try {
      const outcome = await outcomeOf(bytes, random);
      tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
    } catch (cause) {
      failures.push(`case ${number}: ${cause instanceof Error ? cause.stack : String(cause)}`);
    }
  }
  expect(failures.join('\n')).toBe('');
  if (only !== undefined) return;
  const least = { checkpoint: 100, 'core file': 100, BAD_FORMAT: 500, IMAGE_REFUSED: 50 };
  const rare = Object.entries(least).filter(([outcome, count]) => (tally.get(outcome) ?? 0) < count);
  expect(rare, JSON.stringify([...tally])).toEqual([]);
});
