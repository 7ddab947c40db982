/** A stub that serves any number of starts makes the process that execve makes: to the address where nothing is random. */
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { declare } from '../../src/native/koffi.ts';
import { type Identity, identityOf, withoutPrivilege } from '../support/proc.ts';
import { reusableStub } from '../support/reusable.ts';
import { COMMAND, run, SAMPLES, temporary } from '../support/run.ts';
import { ENVIRONMENT } from './identity-checks.ts';
import { exact, vdsoNeighbours, view } from './identity-view.ts';

const directory = temporary();
afterAll(() => directory.remove());

const ADDR_NO_RANDOMIZE = 0x0040000;
const QUERY = 0xffffffff;
const personality = declare('int personality(unsigned long persona)');

/** What is started meanwhile has no randomness. personality(2) */
async function withoutRandomness<T>(start: () => Promise<T>): Promise<T> {
  const before = Number(personality(QUERY));
  personality(before | ADDR_NO_RANDOMIZE);
  try {
    return await start();
  } finally {
    personality(before);
  }
}

interface Case {
  readonly program: string;
  readonly bits: 32 | 64;
  readonly kind: 'here' | 'cached';
  /** The path it is executed by. */
  readonly name: string;
}

const ARGS = ['-', '', 'last'];

function native({ name, bits }: Case): Promise<Identity> {
  return identityOf(name, ARGS, { env: ENVIRONMENT, bits, cwd: directory.path });
}

async function ours({ program, kind, name, bits }: Case): Promise<Identity> {
  const stub = await reusableStub(program, kind, name);
  try {
    return await identityOf(stub.file, ARGS, {
      env: ENVIRONMENT,
      bits,
      cwd: directory.path,
      argv0: name,
      descriptors: stub.descriptors,
    });
  } finally {
    stub.close();
  }
}

/** Names that are shorter, as long as, and longer than what a stub is executed by. */
function names(program: string): string[] {
  const short = `./${basename(program).slice(0, 1)}${++links}`;
  symlinkSync(program, join(directory.path, short));
  const deep = join(directory.path, ...Array.from({ length: 15 }, () => 'x'.repeat(200)));
  mkdirSync(deep, { recursive: true });
  const long = join(deep, `${links}`);
  symlinkSync(program, long);
  return [short, program, long];
}
let links = 0;

const PROGRAMS: readonly [string, 32 | 64][] = [
  ['/bin/cat', 64],
  ...['static', 'static-pie', 'dynamic-pie', 'dynamic-nopie'].map((linking): [string, 64] => [
    join(SAMPLES, `elf/x86_64/tally-${linking}`),
    64,
  ]),
  ...['static', 'static-pie'].map((linking): [string, 32] => [
    join(SAMPLES, `elf/i386/tally-${linking}`),
    32,
  ]),
];

for (const [program, bits] of PROGRAMS)
  for (const kind of ['here', 'cached'] as const)
    describe(`${basename(program)}, ${bits} bits, ${kind}`, () => {
      const cases = names(program).map((name): Case => ({ program, bits, kind, name }));

      test.each(cases)('lies where execve puts it, as %#', async (each) => {
        const by = await withoutRandomness(() => native(each));
        const own = await withoutRandomness(() => ours(each));
        expect(exact(own)).toEqual(exact(by));
        const { maps: _, stat: __, auxv: ___, ...rest } = view(withoutPrivilege(own, by.exe));
        const { maps: _m, stat: _s, auxv: _a, ...wanted } = view(by);
        expect(rest).toEqual(wanted);
      });

      test('has other places in each run, by the same rules', async () => {
        const [each] = cases;
        if (each === undefined) throw new Error('no case');
        const own = await ours(each);
        const by = await native(each);
        expect(view(withoutPrivilege(own, by.exe))).toEqual(view(by));
        expect(vdsoNeighbours(own.maps)).toEqual(vdsoNeighbours(by.maps));
        const again = await ours(each);
        expect(exact(again).stat.start_stack).not.toBe(exact(own).stat.start_stack);
      });
    });

describe.each(['omagic', 'nmagic', 'zmagic', 'qmagic'])('a.out %s', (magic) => {
  const program = join(SAMPLES, `aout/tally-${magic}`);
  test.each(names(program))('is what a plan for one start makes, as %#', async (name) => {
    const each: Case = { program, bits: 32, kind: 'here', name };
    const options = { env: ENVIRONMENT, bits: 32, cwd: directory.path } as const;
    const single = await withoutRandomness(() => identityOf(COMMAND, [name, ...ARGS], options));
    const own = await withoutRandomness(() => ours(each));
    expect({ ...exact(own), exe: own.exe, comm: own.comm }).toEqual({
      ...exact(single),
      exe: single.exe,
      comm: single.comm,
    });
    expect(own.cmdline).toEqual(single.cmdline);
    expect(own.environ).toEqual(single.environ);
  });
});

test('a cached stub does not start another file', async () => {
  const file = directory.file('replaced', '#!/bin/sh\n', 0o755);
  const program = join(SAMPLES, 'elf/x86_64/hello-static');
  const stub = await reusableStub(program, 'cached');
  try {
    const start = (argv0: string) =>
      run('/bin/bash', ['-c', `exec -a "$1" ${stub.file.replace('self', String(process.pid))}`, 'sh', argv0]);
    expect(await start(program)).toMatchObject({ status: 0 });
    writeFileSync(file, 'another');
    utimesSync(file, 0, 0);
    const refused = await start(file);
    expect(refused.status).toBe(126);
    expect(refused.stderr).toMatch(/hello-static: has changed while it was being started.*ESTALE/);
    const missing = await start(join(directory.path, 'missing'));
    expect(missing.status).toBe(126);
    expect(missing.stderr).toMatch(/hello-static: cannot be opened again: ENOENT/);
  } finally {
    stub.close();
  }
});
