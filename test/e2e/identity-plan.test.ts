/**
 * A program in memory is what the planner said it would be: its fields, its stack, its pages. For a.out,
 * which no kernel starts any more, also what fs/binfmt_aout.c made of the header.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtinLoaders } from '../../loaders/index.ts';
import { loadProgram } from '../../src/launch/load.ts';
import { hostFacts } from '../../src/native/host-facts.ts';
import type { Plan, Step } from '../../src/plan/plan.ts';
import { planProgram } from '../../src/plan/planner.ts';
import type { Base, Place } from '../../src/process/place.ts';
import { mayMapAt } from '../support/machine.ts';
import {
  type Identity,
  identityOf,
  type Mapping,
  type StatField,
  withoutPrivilege,
} from '../support/proc.ts';
import { COMMAND, NODE_PATH, runForeign, SAMPLES } from '../support/run.ts';
import { withoutRandomness } from './identity-checks.ts';
import { withoutVdso } from './identity-view.ts';

const ENVIRONMENT = { PATH: NODE_PATH, SOME: 'value' };
const ARGS = ['-', '', 'last'];
const RANDOM_FIELDS: readonly StatField[] = ['start_brk', 'start_stack'];

interface Planned {
  readonly plan: Plan;
  readonly identity: Identity;
  /** Whether nothing was random, so that all of the plan can be compared. */
  readonly fixed: boolean;
}

async function planAndRun(file: string, bits: 32 | 64, args = ARGS): Promise<Planned> {
  const prefix = await withoutRandomness();
  const envp = Object.entries(ENVIRONMENT).map(([name, value]) => Buffer.from(`${name}=${value}`));
  const name = Buffer.from(file);
  const request = { name, args: args.map((arg) => Buffer.from(arg)), envp, loaders: builtinLoaders };
  const { image, argv, path } = await loadProgram(request);
  const invocation = { program: file, argv, envp, execfn: path };
  const plan = planProgram(image, invocation, { ...hostFacts(), randomizeVaSpace: 0 });
  const [command = '', ...rest] = [...prefix, COMMAND, file, ...args];
  const started = await identityOf(command, rest, { env: ENVIRONMENT, bits });
  const identity = withoutPrivilege(started, file);
  return { plan, identity, fixed: prefix.length > 0 };
}

/** Planned places as addresses, with the bases of the process that came of it. */
function resolver({ plan, identity }: Planned): (place: Place) => bigint {
  const { maps, exe, auxv } = identity;
  const first = (test: (mapping: Mapping) => boolean) => maps.find(test)?.start ?? 0n;
  const reserve = plan.steps.find((step) => step.op === 'reserve' && step.base === 'image');
  const imageBase = first(({ name }) => name === exe);
  const planned = plan.steps.flatMap((step) =>
    step.op === 'mmap' && step.at.base === 'absolute' ? [step.at.offset] : [],
  );
  const lowest = planned.reduce((least, address) => (address < least ? address : least), 1n << 64n);
  // Of a PIE under randomisation the plan above holds another base than the run had.
  const shift = lowest > 0x5000_0000n && planned.length > 0 ? imageBase - lowest : 0n;
  const bases: Partial<Record<Base, bigint>> = {
    absolute: shift,
    stack: maps.find(({ name }) => name === '[stack]')?.end ?? 0n,
    image: imageBase - (reserve?.op === 'reserve' ? reserve.start : 0n),
    interp: auxv.find(([type]) => type === 7)?.[1] ?? 0n,
  };
  return ({ base, offset }) => {
    const address = bases[base];
    if (address === undefined) throw new Error(`a plan for one start with the base ${base}`);
    return address + offset;
  };
}

function expectPlanned(planned: Planned): void {
  const { plan, identity, fixed } = planned;
  const resolve = resolver(planned);
  const mm = mmStep(plan);
  for (const [name, value] of Object.entries(identity.stat)) {
    if (!fixed && RANDOM_FIELDS.includes(name as StatField)) continue;
    expect(value, name).toBe(resolve(mm.fields.fields[name as StatField]));
  }
  expect(identity.comm).toBe(Buffer.from(plan.comm).toString());
}

function mmStep(plan: Plan): Extract<Step, { op: 'mm' }> {
  const step = plan.steps.find((each) => each.op === 'mm');
  if (step === undefined) throw new Error('a plan without an mm step');
  return step;
}

/** Page by page what the plan maps, and what the process has apart from stack, vDSO and grown heap. */
function expectPages(planned: Planned): void {
  const resolve = resolver(planned);
  const wanted = new Map<bigint, string>();
  for (const step of planned.plan.steps) {
    if (step.op !== 'mmap' && step.op !== 'mprotect') continue;
    const start = resolve(step.at);
    for (let at = start; at < start + step.size; at += 4096n) wanted.set(at, step.protection);
  }
  const heap = resolve(mmStep(planned.plan).fields.fields.brk);
  const found = new Map<bigint, string>();
  for (const { start, end, permissions, name } of withoutVdso(planned.identity.maps)) {
    if (['[stack]', '[vsyscall]'].includes(name)) continue;
    for (let at = start; at < end; at += 4096n) {
      // The kernel names the mapping that brk lies in; a bss before it can be in the same.
      if (name !== '[heap]' || at < heap) found.set(at, permissions.slice(0, 3));
    }
  }
  expect(sorted(found)).toEqual(sorted(wanted));
}

function sorted(pages: ReadonlyMap<bigint, string>): string[] {
  return [...pages]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([address, permissions]) => `${address.toString(16)} ${permissions}`);
}

const sample = (path: string) => join(SAMPLES, path);

describe.each([
  ['elf/x86_64/tally-static', 64],
  ['elf/x86_64/tally-static-pie', 64],
  ['elf/i386/tally-static', 32],
  ['elf/i386/tally-static-pie', 32],
] as const)('%s', (path, bits) => {
  test('has exactly the fields and pages of its plan', async () => {
    const planned = await planAndRun(sample(path), bits);
    expectPlanned(planned);
    expectPages(planned);
  });
});

describe.each(['/bin/cat', sample('elf/x86_64/tally-dynamic-nopie')])('%s', (path) => {
  test('has exactly the fields of its plan', async () => {
    expectPlanned(await planAndRun(realpathSync(path), 64, ['-']));
  });
});

describe.each(['omagic', 'nmagic', 'zmagic', 'qmagic'] as const)('aout/tally-%s', (magic) => {
  const file = sample(`aout/tally-${magic}`);
  const refused = !mayMapAt(magic === 'qmagic' ? 4096 : 0);

  test('has exactly the fields and pages of its plan', async () => {
    if (refused) {
      expect(await runForeign([file])).toMatchObject({ status: 126, stdout: '' });
      return;
    }
    const planned = await planAndRun(file, 32);
    expectPlanned(planned);
    expectPages(planned);
  });

  test('has the record that the kernels which knew a.out made, as far as fields may lie so low', async () => {
    if (refused) {
      expect(await runForeign([file])).toMatchObject({ status: 126, stdout: '' });
      return;
    }
    const { stat, cmdline } = await identityOf(COMMAND, [file, ...ARGS], { bits: 32 });
    const minimum = hostFacts().lowestMmField();
    const rules = aoutRules(file, magic);
    const raised = (address: bigint, above = 0n) => (address < minimum + above ? minimum + above : address);
    expect(stat.start_code).toBe(raised(rules.start_code));
    expect(stat.end_code).toBe(raised(rules.end_code, 1n));
    expect(stat.start_data).toBe(raised(rules.start_data));
    expect(stat.end_data).toBe(raised(rules.end_data));
    expect([raised(rules.bss), raised(rules.end)]).toContain(stat.start_brk);
    expect(stat.arg_end).toBe(stat.env_start);
    expect(stat.start_stack % 4n).toBe(0n);
    expect(cmdline).toEqual([file, ...ARGS]);
  });

  test('shows no auxiliary vector, for it has none', async () => {
    if (refused) {
      expect(await runForeign([file])).toMatchObject({ status: 126, stdout: '' });
      return;
    }
    const { auxv } = await identityOf(COMMAND, [file], { bits: 32 });
    expect(auxv).toEqual([[0, 0n]]);
  });
});

/** start_code and its kin as load_aout_binary set them: samples/aout/README.md. */
function aoutRules(file: string, magic: string) {
  const header = readFileSync(file);
  const [text, data, bss] = [4, 8, 12].map((at) => BigInt(header.readUInt32LE(at))) as [
    bigint,
    bigint,
    bigint,
  ];
  const start_code = magic === 'qmagic' ? 0x1000n : 0n;
  const end_code = start_code + text;
  const start_data = magic === 'omagic' ? end_code : ((end_code + 4095n) / 4096n) * 4096n;
  const end_data = start_data + data;
  return { start_code, end_code, start_data, end_data, bss: end_data, end: end_data + bss };
}
