/**
 * What must hold of a program whose interpreter the stub has loaded itself, next to the same file started by execve:
 * without randomisation to the address, with it by what lies where. A program must wait on its standard input.
 */
import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { AT } from '../../src/process/auxv.ts';
import { stubIdentity, writeStub } from '../support/own-interpreter.ts';
import { type Identity, identityOf, mappingAt } from '../support/proc.ts';
import { temporary } from '../support/run.ts';
import { ENVIRONMENT, type Program, withoutRandomness } from './identity-checks.ts';
import { exact, vdsoNeighbours, view } from './identity-view.ts';

const directory = temporary();
afterAll(() => directory.remove());

async function startBoth({ title, file, bits, args = [] }: Program, randomize: boolean) {
  const program = realpathSync(file());
  const path = directory.file(`${basename(program)}-${title.replaceAll(/\W/g, '-')}-${randomize}`, '');
  const stub = await writeStub(path, { program, args, env: ENVIRONMENT, randomize });
  const prefix = randomize ? [] : ['setarch', '-R'];
  const [command = '', ...rest] = [...prefix, program, ...args];
  const native = await identityOf(command, rest, { env: ENVIRONMENT, bits, through: ['/setarch'] });
  const ours = await stubIdentity(stub, program, bits, prefix);
  // Who may not set it has the stub there.
  return { native, ours: { ...ours, exe: native.exe }, stub, program };
}

const base = ({ auxv }: Identity) => auxv.find(([type]) => type === AT.BASE)?.[1] ?? 0n;

/** The tests of one program. */
export function testOwnInterpreter(program: Program): void {
  test(`${program.title} lies where execve puts it, without randomisation`, async (context) => {
    if ((await withoutRandomness()).length === 0) return context.skip('personality(2) is forbidden here');
    const { native, ours } = await startBoth(program, false);
    expect(exact(ours)).toEqual(exact(native));
    expect(base(ours)).toBeGreaterThan(0n);
  });

  test(`${program.title} has the memory, auxv and fields of execve, and other places in each run`, async () => {
    const { native, ours, stub, program: path } = await startBoth(program, true);
    expect(view(ours)).toEqual(view(native));
    expect(vdsoNeighbours(ours.maps)).toEqual(vdsoNeighbours(native.maps));
    expect(mappingAt(ours.maps, base(ours))?.start).toBe(base(ours));
    // The same stub again: the kernel finds another place. 32-bit code has only 256, so not always at once.
    const bases = new Set([base(ours)]);
    for (let run = 0; run < MOST_STARTS && bases.size === 1; run++)
      bases.add(base(await stubIdentity(stub, path, program.bits)));
    expect(bases.size).toBe(2);
  });
}

const MOST_STARTS = 6;
