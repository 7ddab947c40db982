/** Plans and stubs of programs, for tests of what comes behind the planner. */
import { emitStub } from '../../src/emit/stub.ts';
import type { ProgramImage } from '../../src/image/image.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { type Invocation, planProgram } from '../../src/plan/planner.ts';
import type { HostFacts } from '../../src/process/host.ts';
import { fakeHost } from './host.ts';
import { text } from './sources.ts';

export function planOf(
  image: ProgramImage,
  changes: Partial<Invocation> = {},
  host: HostFacts = fakeHost(),
): Plan {
  const invocation: Invocation = {
    program: 'prog',
    argv: ['prog', 'an argument'].map(text),
    envp: [text('NAME=value')],
    execfn: text('/handmade/prog'),
    exe: image.segments.find(({ content }) => content?.source.file !== undefined)?.content?.source.file,
    ...changes,
  };
  return planProgram(image, invocation, host);
}

/** The stub of a plan, with its files open as what they are, and the vault as VAULT_FD. */
export function stubOf(plan: Plan): Buffer {
  return Buffer.from(
    emitStub(
      plan,
      plan.files.map((file) => ('fd' in file ? file.fd : VAULT_FD)),
    ),
  );
}

export const VAULT_FD = 99;
