/**
 * Random, truncated and damaged files: whatever a file holds, it is refused in good order or planned;
 * nothing is thrown but a ForeignError, nothing hangs, and what is no program never reaches the jump.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { builtinLoaders } from '../../loaders/index.ts';
import { emitStub } from '../../src/emit/stub.ts';
import { ForeignError } from '../../src/errors.ts';
import { resolveProgram } from '../../src/loader/registry.ts';
import { planProgram } from '../../src/plan/planner.ts';
import { memorySource } from '../../src/source/memory.ts';
import type { Source } from '../../src/source/source.ts';
import { fakeHost } from '../support/host.ts';
import { Random } from '../support/random.ts';
import { inParallel, runForeign, SAMPLES, temporary } from '../support/run.ts';
import { samples } from './sample-runs.ts';

const SEED = 20_261_124;
const directory = temporary();
afterAll(() => directory.remove());

const originals = samples.map(({ file }) => readFileSync(join(SAMPLES, file)));
/** First bytes that get a file past the loaders' probes. */
const BEGINNINGS = [
  '',
  '\x7fELF',
  '\x7fELF\x02\x01\x01',
  '#!',
  '#!/',
  '\x07\x01\x64\0',
  '\x0b\x01\0\0',
  '\xcc\0\x64\0',
];
const LINKERS = new Set(['/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux.so.2']);
const MESSAGE_LIMIT = 1000;

/** The dynamic linkers that samples name are there as far as this machine has them; nothing else is. */
function openLinker(path: Uint8Array): Source {
  const name = Buffer.from(path).toString('latin1');
  if (!LINKERS.has(name) || !existsSync(name)) throw new ForeignError('PROGRAM_NOT_FOUND', 'no such file');
  return memorySource(readFileSync(name), name);
}

/** 'planned', or the code of the error. Anything but a ForeignError fails the test. */
async function outcomeOf(bytes: Uint8Array): Promise<string> {
  const name = Buffer.from('fuzz');
  try {
    const { image } = await resolveProgram({
      source: memorySource(bytes, 'fuzz'),
      argv: [name],
      execfn: name,
      loaders: builtinLoaders,
      context: { open: openLinker, isSelf: () => false },
    });
    const plan = planProgram(image, { program: 'fuzz', argv: [name], envp: [], execfn: name }, fakeHost());
    // What is planned can be emitted, too.
    const payloads = plan.payloads.map(({ source, offset, size }) => source.read(offset, size) as Uint8Array);
    emitStub(
      plan,
      plan.files.map(({ fd }) => fd),
      payloads,
    );
    return 'planned';
  } catch (error) {
    if (!(error instanceof ForeignError)) throw error;
    expect(error.message.length).toBeLessThan(MESSAGE_LIMIT);
    expect(error.code).not.toBe('INTERNAL');
    return error.code;
  }
}

async function outcomesOf(files: readonly Uint8Array[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const [index, bytes] of files.entries()) {
    const code = await outcomeOf(bytes).catch((error: unknown) => {
      throw new Error(`file ${index} of seed ${SEED}: ${(error as Error).stack}`);
    });
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  return counts;
}

function randomFiles(count: number, random: Random): Uint8Array[] {
  return Array.from({ length: count }, () =>
    Buffer.concat([Buffer.from(random.pick(BEGINNINGS), 'latin1'), random.bytes(random.below(3000))]),
  );
}

/** Bytes up to somewhere inside the first kilobyte, or inside the last segment's. */
function truncatedFiles(count: number, random: Random): Uint8Array[] {
  return Array.from({ length: count }, () => {
    const original = random.pick(originals);
    return original.subarray(0, random.below(random.chance(1, 2) ? 1024 : original.length));
  });
}

/** A few bytes of the headers changed, to nonsense or to the edges of their range. */
function damagedFiles(count: number, random: Random): Uint8Array[] {
  return Array.from({ length: count }, () => {
    const copy = Buffer.from(random.pick(originals));
    for (let changes = 1 + random.below(4); changes > 0; changes--) {
      const at = random.below(Math.min(400, copy.length - 8));
      const value = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
      copy.fill(value, at, at + random.pick([1, 2, 4, 8]));
    }
    return copy;
  });
}

describe('in this process', () => {
  test('random files are refused', async () => {
    const counts = await outcomesOf(randomFiles(600, new Random(SEED)));
    expect([...counts.keys()]).not.toContain('planned');
  });

  test('truncated files are refused, or planned if what is cut off is no part of the program', async () => {
    const counts = await outcomesOf(truncatedFiles(400, new Random(SEED + 1)));
    expect(counts.get('BAD_FORMAT')).toBeGreaterThan(100);
  });

  test('damaged files are refused or planned', async () => {
    const counts = await outcomesOf(damagedFiles(1500, new Random(SEED + 2)));
    expect(counts.get('BAD_FORMAT')).toBeGreaterThan(100);
    expect(counts.get('planned')).toBeGreaterThan(100);
  });
});

describe('through the command', () => {
  async function expectRefused(files: readonly Uint8Array[], kind: string): Promise<void> {
    await inParallel([...files.keys()], async (index) => {
      const path = join(directory.path, `${kind}-${index}`);
      writeFileSync(path, files[index] ?? '', { mode: 0o755 });
      const { status, stdout, stderr } = await runForeign([path], { timeout: 10_000 });
      expect({ index, status: status === 127 ? 126 : status, stdout }).toEqual({
        index,
        status: 126,
        stdout: '',
      });
      expect(stderr).toMatch(/^run-foreign: [^\n]+\n$/);
      expect(stderr).not.toContain('internal error');
    });
  }

  test('random files are refused with one line', async () => {
    await expectRefused(randomFiles(25, new Random(SEED + 3)), 'random');
  });

  test('truncated files are refused with one line', async () => {
    const files: Uint8Array[] = [];
    for (const file of truncatedFiles(45, new Random(SEED + 4))) {
      if ((await outcomeOf(file)) !== 'planned') files.push(file);
    }
    expect(files.length).toBeGreaterThan(20);
    await expectRefused(files, 'truncated');
  });
});
