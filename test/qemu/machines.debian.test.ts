/**
 * Every kind of machine, made in guests of Debian's kernels: there CAP_SYS_RESOURCE counts, and the calls of
 * PR_SET_MM by field can be seen at work. The real command runs in the guest, and every program is compared with
 * the same program started by the guest's own execve.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exact, type View, vdsoNeighbours, view, writableCode } from '../e2e/identity-view.ts';
import { expectSection, table } from '../support/fidelity.ts';
import type { Identity } from '../support/proc.ts';
import { temporary } from '../support/run.ts';
import { type Boot, boot, buildGuest, kernels } from './boot.ts';
import {
  GUEST_ROOT,
  type Observation,
  PROGRAMS,
  type ProgramName,
  SCENARIOS,
  type Scenario,
  type ScenarioName,
} from './scenarios.ts';

const directory = temporary();
afterAll(() => directory.remove());
const guest = { initrd: join(directory.path, 'initrd'), scratch: directory.path };
const BOOT_LIMIT = 200_000;

beforeAll(() => buildGuest(guest.initrd, guest.scratch));

const releases = kernels();
const newest = releases.at(-1);
const all = Object.entries(SCENARIOS) as [ScenarioName, Scenario][];

describe.each(releases)('Linux %s', (release) => {
  let booted: Boot;
  beforeAll(async () => {
    booted = await boot(release, { ...guest, onlyEssential: release !== newest });
    expect(booted.release).toBe(release);
  }, BOOT_LIMIT);

  const seen = (scenario: ScenarioName, program: ProgramName, by: Observation['by']): Observation => {
    const found = booted.observations.find(
      (each) => each.scenario === scenario && each.program === program && each.by === by,
    );
    if (found === undefined) throw new Error(`${program} was not seen, ${scenario}, by ${by}`);
    return found;
  };
  /** Every program of a scenario that the guest's kernel starts too. */
  const pairsOf = (name: ScenarioName) =>
    SCENARIOS[name].programs
      .filter((program) => PROGRAMS[program].native)
      .map((program) => ({
        program,
        native: seen(name, program, 'execve'),
        foreign: seen(name, program, 'run-foreign'),
      }));

  const scenarios = all.filter(([, { essential }]) => release === newest || essential === true);
  const without = (parts: Scenario['missing']) => scenarios.filter(([, { missing }]) => missing === parts);

  test.each(scenarios)('%s: every program runs, with its limits', (name, { programs }) => {
    for (const program of programs) {
      const { stdout, status } = seen(name, program, 'run-foreign');
      expect({ program, stdout, status }).toEqual({ program, stdout: '2 3 6 -\n', status: 0 });
    }
    for (const { native, foreign } of pairsOf(name)) {
      expect([native.stdout, native.status]).toEqual([foreign.stdout, foreign.status]);
      expect(foreign.dataLimit).toBe(native.dataLimit);
    }
  });

  test.each(without(undefined))('%s: nothing in /proc tells the programs from those of execve', (name) => {
    for (const { program, native, foreign } of pairsOf(name)) {
      expect(native.identity.exe).toBe(join(GUEST_ROOT, 'samples', PROGRAMS[program].sample));
      expect(differences(native.identity, foreign.identity)).toEqual([]);
      expect(view(foreign.identity)).toEqual(view(native.identity));
      expect(vdsoPlace(foreign.identity)).toEqual(vdsoPlace(native.identity));
      expect(writableCode(foreign.identity.maps)).toEqual(writableCode(native.identity.maps));
    }
  });

  test.each(without(undefined))('%s: the stub has nothing to complain of', (name, { programs }) => {
    for (const program of programs) {
      const { stderr } = seen(name, program, 'run-foreign');
      expect(stderr).toContain('run-foreign plan shows them');
      expect(stderr).not.toMatch(/refused|did not set|stays the memfd/);
    }
  });

  test('without randomisation every address is the one execve chose', () => {
    const pairs = pairsOf('the same, without randomisation');
    expect(pairs).toHaveLength(2);
    for (const { native, foreign } of pairs) expect(exact(foreign.identity)).toEqual(exact(native.identity));
  });

  if (release !== newest) return;

  test.each(without('the file'))('%s: only the file is missing, and that is said', (name) => {
    for (const { native, foreign } of pairsOf(name)) {
      expect(foreign.identity.exe).toMatch(/^\/memfd:.* \(deleted\)$/);
      expect(differences(native.identity, foreign.identity)).toEqual(['exe']);
      expect(foreign.stderr).toMatch(/\/proc\/PID\/exe stays the memfd.*CAP_SYS_RESOURCE/);
    }
  });

  test.each(without('all but the name'))(
    '%s: the stub’s identity stays, and every field is named',
    (name) => {
      for (const { native, foreign } of pairsOf(name)) {
        expect(foreign.identity.comm).toBe(native.identity.comm);
        expect(foreign.identity.stat.start_code).not.toBe(native.identity.stat.start_code);
        expect(foreign.identity.cmdline).not.toEqual(native.identity.cmdline);
        const named = /refused PR_SET_MM_MAP and did not set ([a-z_ ]+):/.exec(foreign.stderr)?.[1] ?? '';
        expect(new Set(named.split(' '))).toEqual(new Set(ORDER.toLowerCase().split(' ')));
      }
    },
  );

  test('a program no kernel starts is the same by field as by the map', () => {
    const [byMap, byField] = (['root', 'root, on a kernel without PR_SET_MM_MAP'] as const).map(
      (name) => seen(name, 'aout', 'run-foreign').identity,
    );
    if (byMap === undefined || byField === undefined) throw new Error('not seen');
    expect(view(byField)).toEqual(view(byMap));
    expect(byField.exe).toBe(join(GUEST_ROOT, 'samples', PROGRAMS.aout.sample));
  });

  test('by field, every call in the plan’s order is accepted at once, and the limit is put back', () => {
    const pairs = pairsOf('the same, under a finite RLIMIT_DATA');
    expect(pairs).toHaveLength(2);
    for (const { calls } of pairs.map(({ foreign }) => foreign)) {
      const maps = calls.filter((call) => call.includes('PR_SET_MM_MAP,'));
      expect(maps.map((call) => /= -1 (\w+)/.exec(call)?.[1])).toEqual(['EINVAL', 'EINVAL']);
      const fields = calls.flatMap((call) => /PR_SET_MM_(?!MAP)\w+, .* = .*$/.exec(call)?.[0] ?? []);
      const answers = fields.map((call) => call.replace(/^PR_SET_MM_(\w+), .* = (.*)$/, '$1 $2'));
      expect(answers).toEqual(ORDER.split(' ').map((field) => `${field} 0`));
      const limits = calls.filter((call) => call.includes('RLIMIT_DATA'));
      expect(limits).toEqual([
        expect.stringMatching(/\{rlim_cur=RLIM64_INFINITY.*\}, \{rlim_cur=1048576\*1024, .*\}\) = 0$/),
        expect.stringMatching(/\{rlim_cur=1048576\*1024, rlim_max=1048576\*1024\}, NULL\) = 0$/),
      ]);
    }
  });

  test('check tells what sets the identity there, and that programs can be run where something does', () => {
    const said = Object.fromEntries(
      booted.checked.map(({ scenario, ok, checks }) => {
        const of = (id: string) => checks[id]?.ok;
        return [scenario, [ok, of('pr-set-mm-map'), of('exe-fd'), of('pr-set-mm-fields')]];
      }),
    );
    expect(said).toEqual({
      'root with CAP_SYS_RESOURCE and neither CAP_SYS_ADMIN nor CAP_CHECKPOINT_RESTORE': [
        true,
        true,
        true,
        true,
      ],
      'root, on a kernel without PR_SET_MM_MAP': [true, false, true, true],
      'the same, without CAP_SYS_RESOURCE': [false, false, false, false],
    });
    const found = (name: ScenarioName, id: string) =>
      booted.checked.find(({ scenario }) => scenario === name)?.checks[id]?.found;
    const withoutMap = 'root, on a kernel without PR_SET_MM_MAP';
    expect(found(withoutMap, 'pr-set-mm-fields')).toContain('used here');
    expect(found(withoutMap, 'exe-fd')).toBe('may be set, with CAP_SYS_RESOURCE');
    expect(found(withoutMap, 'lowest-mm-field')).toContain('0x10000 ');
  });

  test('docs/fidelity.md says what is missing where', () => {
    const rows = all.map(([name, { why }]) => {
      const found = pairsOf(name).flatMap(({ native, foreign }) =>
        differences(native.identity, foreign.identity),
      );
      const parts = PARTS.filter(([part]) => found.includes(part)).map(([, text]) => text);
      return [name, parts.join(', ') || 'nothing', why];
    });
    expectSection('machines', table(['kind of machine', 'what differs from execve', 'why'], rows));
  });
});

const ORDER =
  'START_CODE END_CODE START_CODE BRK START_BRK START_DATA END_DATA START_DATA START_BRK BRK START_STACK ' +
  'ARG_START ARG_END ARG_START ENV_START ENV_END ENV_START AUXV EXE_FILE';

/** How people call what is compared. */
const PARTS: readonly (readonly [keyof View, string])[] = [
  ['comm', 'the short name'],
  ['exe', '/proc/PID/exe'],
  ['cmdline', '/proc/PID/cmdline'],
  ['environ', '/proc/PID/environ'],
  ['stat', 'the addresses in /proc/PID/stat'],
  ['auxv', '/proc/PID/auxv'],
  ['maps', 'the names [heap] and [stack] in /proc/PID/maps'],
];

/** Which parts of the view differ; what counts from the program's own mapping does so under either name. */
function differences(native: Identity, foreign: Identity): (keyof View)[] {
  const [one, other] = [view(native), view({ ...foreign, exe: native.exe })];
  const differs = (part: keyof View) =>
    part === 'exe' ? native.exe !== foreign.exe : JSON.stringify(one[part]) !== JSON.stringify(other[part]);
  return PARTS.map(([part]) => part).filter(differs);
}

/** Linux 6.1 puts the vDSO at a random distance above the stack, 6.12 beside other mappings. */
function vdsoPlace({ maps }: Identity): unknown {
  const [stack, vdso] = ['[stack]', '[vdso]'].map((name) => maps.find((each) => each.name === name)?.start);
  return (vdso ?? 0n) > (stack ?? 0n) ? 'above the stack' : vdsoNeighbours(maps);
}
