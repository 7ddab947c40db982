/**
 * Every sample in every way it can be started, each run compared with what samples.json says it does.
 * samples.test.ts takes the samples that need nothing but Linux, samples.debian.test.ts the others.
 */
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Run, Sample } from '../../samples/recipe/sample.ts';
import { mayMapAt } from '../support/machine.ts';
import {
  COMMAND,
  inParallel,
  NODE_PATH,
  type Outcome,
  run,
  runForeign,
  SAMPLES,
  temporary,
} from '../support/run.ts';

export const samples = JSON.parse(readFileSync(join(SAMPLES, 'samples.json'), 'utf8')) as Sample[];

/** Where a sample's first page goes, if that is low. */
const LOWEST_PAGE = { OMAGIC: 0, NMAGIC: 0, ZMAGIC: 0, QMAGIC: 4096 } as const;

/** Whether this machine refuses the sample: its pages lie lower than it may map. */
function isRefused({ magic }: Sample): boolean {
  return magic !== undefined && !mayMapAt(LOWEST_PAGE[magic]);
}

export function describeSamples(chosen: readonly Sample[]): void {
  const directory = temporary();
  beforeAll(() => symlinkSync(COMMAND, join(directory.path, 'run-foreign')));
  afterAll(() => directory.remove());

  describe.concurrent.each(chosen)('$name', (sample) => {
    const file = join(SAMPLES, sample.file);
    const { options = [] } = sample;

    test('runs under run-foreign as samples.json says', async () => {
      await expectRuns(sample, ({ args, env, stdin }) =>
        runForeign([...options, sample.file, ...args], { env, input: stdin }),
      );
    });

    test('runs by a #! line that names run-foreign', async () => {
      const copy = withLine(directory.path, sample, 'plain', [`#!${COMMAND}`, ...options]);
      await expectRuns(sample, ({ args, env, stdin }) =>
        run(copy, args, { env: { PATH: NODE_PATH, ...env }, input: stdin }),
      );
    });

    test('runs by a #! line with env -S and --format', async () => {
      const words = ['#!/usr/bin/env', '-S', join(directory.path, 'run-foreign'), '--format', sample.format];
      const copy = withLine(directory.path, sample, 'env', [...words, ...options]);
      const first = sample.runs.slice(0, 1);
      const [last] = sample.runs.slice(1).slice(-1);
      const chosen = { ...sample, runs: last === undefined ? first : [...first, last] };
      await expectRuns(chosen, ({ args, env, stdin }) =>
        run(copy, args, { env: { PATH: NODE_PATH, ...env }, input: stdin }),
      );
    });

    test('runs by itself when it was compiled', async () => {
      const folder = join(directory.path, `${sample.name}-compiled`);
      mkdirSync(folder);
      const compiled = join(folder, basename(sample.file));
      const outcome = await runForeign(['compile', ...options, file, '-o', compiled]);
      expect(outcome).toEqual({ status: 0, stdout: '', stderr: '' });
      const outcomes = await inParallel(sample.runs, ({ args, env, stdin }) =>
        run(compiled, args, { env, input: stdin }),
      );
      outcomes.forEach((outcome, index) => {
        if (isRefused(sample)) {
          expect(outcome).toMatchObject({ status: 126, stdout: '' });
          expect(outcome.stderr).toMatch(/^run-foreign: \S+: cannot map .*: E(PERM|ACCES)\n$/);
          return;
        }
        const { stdout, stderr, status } = sample.runs[index] as Run;
        expect(outcome, `run ${index}`).toEqual({ stdout, stderr, status });
      });
    });

    test('is planned, and not run, by run-foreign plan', async () => {
      const outcome = await runForeign(['plan', '--json', ...options, file], { env: { PATH: NODE_PATH } });
      if (isRefused(sample)) {
        expectRefusal(outcome);
        return;
      }
      expect(outcome).toMatchObject({ status: 0, stderr: '' });
      expectPlan(sample, JSON.parse(outcome.stdout));
    });

    if (sample.format === 'elf' && sample.packed === undefined) {
      test('does the same when the kernel starts it', async () => {
        await expectRuns(sample, ({ args, env, stdin }) =>
          run(file, args, { env, input: stdin, argv0: sample.file }),
        );
      });
    }
  });
}

async function expectRuns(sample: Sample, start: (run: Run) => Promise<Outcome>): Promise<void> {
  const outcomes = await inParallel(sample.runs, start);
  outcomes.forEach((outcome, index) => {
    if (isRefused(sample)) {
      expectRefusal(outcome);
      return;
    }
    const { stdout, stderr, status } = sample.runs[index] as Run;
    expect(outcome, `run ${index}`).toEqual({ stdout, stderr, status });
  });
}

function expectRefusal({ status, stdout, stderr }: Outcome): void {
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^run-foreign: .*must be loaded at address 0x[0-9a-f]+, .*CAP_SYS_RAWIO.*\n$/);
  expect(status).toBe(126);
}

/** The sample's bytes after a first line, as an executable file of the sample's own name. */
function withLine(directory: string, sample: Sample, kind: string, words: readonly string[]): string {
  const folder = join(directory, `${sample.name}-${kind}`);
  mkdirSync(folder);
  const path = join(folder, basename(sample.file));
  writeFileSync(
    path,
    Buffer.concat([Buffer.from(`${words.join(' ')}\n`), readFileSync(join(SAMPLES, sample.file))]),
  );
  chmodSync(path, 0o755);
  return path;
}

/** What every plan holds, whatever the printer's taste: the architecture, and its steps up to the jump. */
function expectPlan(sample: Sample, plan: unknown): void {
  const inner = findPlan(plan);
  expect(inner).toMatchObject({ arch: sample.arch });
  const ops = inner.steps.map(({ op }) => op);
  expect(ops).toContain('mmap');
  expect(ops.indexOf('leave')).toBeGreaterThan(ops.indexOf('stack'));
  expect(ops.at(-1)).toBe('jump');
}

interface PrintedPlan {
  readonly arch: string;
  readonly steps: readonly { readonly op: string }[];
}

/** The plan itself, or the object under `plan`. */
function findPlan(value: unknown): PrintedPlan {
  for (const candidate of [value, (value as { plan?: unknown } | null)?.plan]) {
    if (typeof candidate === 'object' && candidate !== null && 'steps' in candidate)
      return candidate as PrintedPlan;
  }
  throw new Error('run-foreign plan --json printed no steps');
}
