/**
 * Random and truncated files through the command: each is refused with one line, and what is no program
 * never reaches the jump. Far more of them go through all but the command in test/fuzz.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ForeignError } from '../../src/errors.ts';
import { noise } from '../fuzz/make/mutate.ts';
import { planOf } from '../support/plans.ts';
import { Random } from '../support/random.ts';
import { resolveSource } from '../support/resolve.ts';
import { inParallel, runForeign, SAMPLES, temporary } from '../support/run.ts';
import { fileLike } from '../support/sources.ts';
import { samples } from './sample-runs.ts';

const SEED = 20_261_124;
const directory = temporary();
afterAll(() => directory.remove());

const originals = samples.map(({ file }) => readFileSync(join(SAMPLES, file)));
/** The dynamic linkers that samples name are there as far as this machine has them; nothing else is. */
const linkers = Object.fromEntries(
  ['/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux.so.2']
    .filter((path) => existsSync(path))
    .map((path) => [path, readFileSync(path)]),
);

/** Bytes up to somewhere inside the first kilobyte, or anywhere. */
function truncated(random: Random): Uint8Array {
  const original = random.pick(originals);
  return original.subarray(0, random.below(random.chance(1, 2) ? 1024 : original.length));
}

/** Whether what was cut off is a part of the program. */
async function isRefused(bytes: Uint8Array): Promise<boolean> {
  try {
    planOf((await resolveSource(fileLike(bytes, 3), linkers)).image);
    return false;
  } catch (error) {
    if (error instanceof ForeignError) return true;
    throw error;
  }
}

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
  const random = new Random(SEED);
  const files = Array.from({ length: 25 }, () => noise(random));
  await expectRefused(files, 'random');
});

test('truncated files are refused with one line', async () => {
  const random = new Random(SEED + 1);
  const files: Uint8Array[] = [];
  for (let left = 45; left > 0; left--) {
    const file = truncated(random);
    if (await isRefused(file)) files.push(file);
  }
  expect(files.length).toBeGreaterThan(20);
  await expectRefused(files, 'truncated');
});
