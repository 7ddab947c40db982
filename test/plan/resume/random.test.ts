/** Plans of processes with everything that a checkpoint can hold: what holds for each of them. */
import { describe, expect, it } from 'vitest';
import { emitResume } from '../../../src/emit/resume/resume.ts';
import { ForeignError } from '../../../src/errors.ts';
import type { ProcessState } from '../../../src/image/process-state.ts';
import { resumeHost } from '../../../src/native/resume-host.ts';
import { resumePlanJson, resumePlanText } from '../../../src/plan/print-resume.ts';
import { planResume } from '../../../src/plan/resume/resume.ts';
import type { ResumePlan, ResumeStep, Value } from '../../../src/plan/resume-plan.ts';
import type { BackingFile } from '../../../src/source/source.ts';
import { coreOf, loadCoreBytes } from '../../support/cores.ts';
import { randomProcess } from '../../support/process-state.ts';
import { Random } from '../../support/random.ts';
import { resumeHostOf } from '../../support/resume-host.ts';

const TIMES = Number(process.env['FUZZ_TIMES'] ?? 1) * 60;
const EXE: BackingFile = { fd: 7, path: Buffer.from('/bin/program'), offset: 0 };

const random0 = { random: (length: number) => new Uint8Array(length) };

async function planned(seed: number): Promise<{ plan: ResumePlan; state: ProcessState } | undefined> {
  const random = new Random(seed);
  const loaded = await loadCoreBytes(await coreOf(randomProcess(random)));
  if (loaded.process === undefined) throw new Error('no process');
  const { vdso } = resumeHost(random0);
  const address = loaded.process.state.vdso?.address;
  // Of another kernel, but one that can be read.
  const state: ProcessState = {
    ...loaded.process.state,
    vdso:
      vdso && address !== undefined
        ? { address, image: vdso.image, buildId: Buffer.from('other') }
        : undefined,
  };
  const image = { ...loaded, process: { ...loaded.process, state } };
  const host = resumeHostOf(random, { vdso });
  const invocation = { program: 'core', exe: EXE, report: random.chance(1, 2), newPid: random.chance(1, 2) };
  try {
    return { plan: planResume(image, invocation, host).plan, state };
  } catch (cause) {
    expect(cause).toBeInstanceOf(ForeignError);
    return undefined;
  }
}

type Call = Extract<ResumeStep, { op: 'call' }>;
const calls = (steps: readonly ResumeStep[]): Call[] =>
  steps.filter((step): step is Call => step.op === 'call');

function keptIn(value: Value): string[] {
  if (typeof value === 'bigint') return [];
  if ('kept' in value) return [value.kept];
  return 'words' in value ? value.words.flatMap(keptIn) : [];
}

function usedBy(step: ResumeStep): string[] {
  if (step.op === 'call')
    return [...step.args, ...(step.expect === undefined ? [] : [step.expect])].flatMap(keptIn);
  if (step.op === 'store' || step.op === 'replace') return [step.value, step.to].flatMap(keptIn);
  if (step.op === 'load') return keptIn(step.from);
  return step.op === 'timer' ? keptIn(step.event) : [];
}

const keptBy = (step: ResumeStep): string[] =>
  (step.op === 'call' || step.op === 'load') && step.keep !== undefined ? [step.keep] : [];

function checkKept({ steps, threads }: ResumePlan): void {
  const known = new Set(['vdso']);
  const walk = (each: readonly ResumeStep[]) => {
    for (const step of each) {
      for (const name of usedBy(step)) expect([name, known.has(name)]).toEqual([name, true]);
      for (const name of keptBy(step)) known.add(name);
      if (step.op === 'threads') for (const thread of threads) walk(thread.steps);
    }
  };
  walk(steps);
}

/** What is mapped by the end, of what has an address of its own. */
function checkMappings({ steps, stub, room, vdso }: ResumePlan, { mappings }: ProcessState): void {
  const mapped = calls(steps).filter(({ call }) => call === 'mmap');
  for (const { args } of mapped) {
    const [at = 0n, size = 0n, , flags] = args as bigint[];
    expect((flags ?? 0n) & 0x10_0000n).toBe(0x10_0000n);
    expect(at + size <= stub || at >= stub + room).toBe(true);
  }
  const starts = new Set(mapped.map(({ args }) => args[0]));
  for (const { start, backing } of mappings) {
    // What was the vDSO is plain memory, and ours is elsewhere.
    if (backing.kind === 'vdso') expect(vdso).not.toBe(start);
    if (backing.kind !== 'object' && !backing.kind.startsWith('vvar')) expect(starts.has(start)).toBe(true);
    expect(start < stub || start >= stub + room).toBe(true);
  }
}

function checkDescriptors({ steps }: ResumePlan, { descriptors = [], openFiles }: ProcessState): void {
  const last = calls(steps).findLastIndex(
    ({ call, args }) => call === 'close_range' && args[1] === 0xffff_ffffn,
  );
  const numbered = calls(steps).filter(
    ({ call, args }) => call === 'dup3' && (args[1] as bigint) < BigInt(above(descriptors)),
  );
  const wanted = descriptors.filter(({ number, openFile }) => {
    const file = openFiles[openFile];
    if (file === undefined || file.kind === 'skipped') return false;
    return number > 2 || !(file.kind === 'standard stream' || (file.kind === 'device' && file.terminal));
  });
  expect(numbered.map(({ args }) => Number(args[1])).sort((a, b) => a - b)).toEqual(
    wanted.map(({ number }) => number).sort((a, b) => a - b),
  );
  for (const step of numbered) expect(calls(steps).indexOf(step)).toBeLessThan(last);
}

const above = (descriptors: ProcessState['descriptors'] = []): number =>
  Math.max(...descriptors.map(({ number }) => number)) + 1;

function checkSkips(steps: readonly ResumeStep[]): void {
  steps.forEach((step, index) => {
    if (step.op !== 'call') return;
    for (const skip of [step.skipOnSuccess ?? 0, step.skipOnError ?? 0])
      expect(index + skip).toBeLessThan(steps.length);
  });
}

describe('any process', () => {
  it.each(Array.from({ length: TIMES }, (_, seed) => seed))('number %i', async (seed) => {
    const found = await planned(seed);
    if (found === undefined) return;
    const { plan, state } = found;
    checkKept(plan);
    checkMappings(plan, state);
    checkDescriptors(plan, state);
    checkSkips(plan.steps);
    expect(plan.threads.map(({ tid }) => tid)).toEqual(state.threads.map(({ tid }) => tid));
    expect(
      emitResume(
        plan,
        plan.files.map((_, index) => index + 3),
      ).length,
    ).toBeGreaterThan(8192);
    expect(resumePlanText(plan).split('\n').length).toBeGreaterThan(plan.steps.length);
    expect(JSON.parse(JSON.stringify(resumePlanJson(plan)))).toMatchObject({ kind: 'resume' });
  });

  it('mostly has a plan', async () => {
    const plans = await Promise.all(Array.from({ length: 20 }, (_, seed) => planned(seed)));
    expect(plans.filter((plan) => plan !== undefined).length).toBeGreaterThan(10);
  });
});
