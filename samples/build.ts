/**
 * Rebuilds every sample. `tsx samples/build.ts` writes them in place; `--check` builds them anew and compares
 * the bytes with what is committed. Exit status: 0, 1 something differs or fails, 2 a tool is missing or the
 * usage is wrong.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { AOUT_ARTIFACTS } from './aout/recipe.ts';
import { APE_ARTIFACTS } from './ape/recipe.ts';
import { ELF_ARTIFACTS } from './elf/recipe.ts';
import { FLAT_ARTIFACTS } from './flat/recipe.ts';
import { LIST } from './recipe/list.ts';
import { PACKED_ARTIFACTS } from './recipe/packed.ts';
import { type Artifact, MissingTool, SAMPLES } from './recipe/toolbox.ts';
import { WASM_ARTIFACTS } from './wasm/recipe.ts';

const LIST_FILE = join(SAMPLES, 'samples.json');
const NUMBERS = 20_000;

/** An input larger than any step by which tally's heap grows. */
const numbers: Artifact = {
  file: 'inputs/numbers.txt',
  executable: false,
  make: () => new TextEncoder().encode(Array.from({ length: NUMBERS }, (_, i) => `${i + 1}\n`).join('')),
};

const ARTIFACTS: readonly Artifact[] = [
  ...AOUT_ARTIFACTS,
  ...ELF_ARTIFACTS,
  ...APE_ARTIFACTS,
  ...FLAT_ARTIFACTS,
  ...PACKED_ARTIFACTS,
  ...WASM_ARTIFACTS,
  numbers,
];

/** Hands every artifact, freshly made, to `use`. */
function makeAll(use: (artifact: Artifact, bytes: Uint8Array) => void): void {
  for (const artifact of ARTIFACTS) {
    const scratch = mkdtempSync(join(tmpdir(), 'samples-'));
    try {
      use(artifact, artifact.make(scratch));
    } finally {
      rmSync(scratch, { recursive: true });
    }
  }
}

/** The list is compared as data: its layout on the page is the formatter's business. */
function listIsCurrent(): boolean {
  if (!existsSync(LIST_FILE)) return false;
  const written: unknown = JSON.parse(readFileSync(LIST_FILE, 'utf8'));
  return isDeepStrictEqual(written, JSON.parse(JSON.stringify(LIST)));
}

function write(): void {
  makeAll((artifact, bytes) => {
    const path = join(SAMPLES, artifact.file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
    chmodSync(path, artifact.executable ? 0o755 : 0o644);
  });
  if (!listIsCurrent()) writeFileSync(LIST_FILE, `${JSON.stringify(LIST, null, 2)}\n`);
  process.stdout.write(`samples: ${ARTIFACTS.length} files written\n`);
}

function firstDifference(committed: Uint8Array, made: Uint8Array): number {
  const index = committed.findIndex((byte, i) => byte !== made[i]);
  return index === -1 ? committed.length : index;
}

/** All differences, not the first one: another compiler changes many files, and that should be plain to see. */
function check(): void {
  const differences: string[] = [];
  makeAll((artifact, bytes) => {
    const path = join(SAMPLES, artifact.file);
    if (!existsSync(path)) {
      differences.push(`${artifact.file}: not there`);
      return;
    }
    const committed = new Uint8Array(readFileSync(path));
    if (Buffer.compare(committed, bytes) === 0) return;
    const offset = firstDifference(committed, bytes);
    differences.push(
      `${artifact.file}: differs from offset ${offset} (committed ${committed.length} bytes, built ${bytes.length})`,
    );
  });
  if (!listIsCurrent()) differences.push('samples.json: differs from recipe/list.ts');
  for (const difference of differences) process.stderr.write(`samples/${difference}\n`);
  if (differences.length > 0) process.exitCode = 1;
  else process.stdout.write(`samples: ${ARTIFACTS.length} files are as built\n`);
}

const [option, ...rest] = process.argv.slice(2);
try {
  if (rest.length > 0 || (option !== undefined && option !== '--check')) {
    process.stderr.write('usage: tsx samples/build.ts [--check]\n');
    process.exitCode = 2;
  } else if (option === '--check') check();
  else write();
} catch (error) {
  if (!(error instanceof Error)) throw error;
  process.stderr.write(`samples: ${error.message}\n`);
  process.exitCode = error instanceof MissingTool ? 2 : 1;
}
