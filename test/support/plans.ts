/** Plans and stubs of programs, for tests of what comes behind the planner. */
import { emitStub } from '../../src/emit/stub.ts';
import type { ProgramImage } from '../../src/image/image.ts';
import type { Plan, Step } from '../../src/plan/plan.ts';
import { type Invocation, interpreterStep, planProgram } from '../../src/plan/planner.ts';
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

/** The plan of an image with its interpreter loaded by the stub, from its path. */
export function loadingInterpreter(plan: Plan, image: ProgramImage): Plan {
  const step = interpreterStep(image);
  if (step === undefined) throw new Error('the interpreter must be planned');
  const steps = plan.steps.flatMap((each): Step[] => {
    if (each.op === 'reserve' && each.base === 'interp') return [step];
    if (each.op === 'jump') return [{ ...each, entry: 'interpreter entry' }];
    return 'at' in each && each.at.base === 'interp' ? [] : [each];
  });
  const used = new Set(steps.flatMap(filesOf));
  return { ...plan, steps: steps.filter((each) => each.op !== 'close' || used.has(each.file)) };
}

function filesOf(step: Step): (number | undefined)[] {
  if (step.op === 'mmap') return [step.file?.index];
  if (step.op === 'mm') return [step.exe];
  return step.op === 'read' || step.op === 'stdin' ? [step.file] : [];
}

export const VAULT_FD = 99;
