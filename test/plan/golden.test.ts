/**
 * Whole plans of handmade programs against golden/*.golden.json, on a host without randomness and on one
 * with. After a change that is meant: `UPDATE_GOLDEN=1 npx vitest run --project portable test/plan`, and
 * read the diff.
 */
import { test } from 'vitest';
import type { Plan } from '../../src/plan/plan.ts';
import { planProgram } from '../../src/plan/planner.ts';
import { expectGolden } from '../support/golden.ts';
import { HANDMADE, type Handmade } from '../support/handmade.ts';
import { countingBytes, fakeHost } from '../support/host.ts';
import { imageOf } from '../support/resolve.ts';
import { text } from '../support/sources.ts';

async function planOf(program: Handmade, randomizeVaSpace: 0 | 2): Promise<Plan> {
  const image = await imageOf(program);
  const invocation = {
    program: program.name,
    argv: ['argv0', 'an argument'].map(text),
    envp: ['NAME=value'].map(text),
    execfn: text(`/handmade/${program.name}`),
    exe: image.segments.find(({ content }) => content !== undefined)?.content?.source.file,
  };
  return planProgram(image, invocation, fakeHost({ randomizeVaSpace, random: countingBytes() }));
}

/** The plan without what depends on nothing it decides: sources are named, paths are text. */
function normalised(plan: Plan) {
  return {
    ...plan,
    comm: Buffer.from(plan.comm).toString(),
    files: plan.files.map((file) =>
      'fd' in file ? { ...file, path: Buffer.from(file.path).toString() } : { vault: file.size },
    ),
  };
}

test.each(HANDMADE.map((program) => [program.name, program] as const))('%s', async (name, program) => {
  const plan = await planOf(program, 0);
  expectGolden(new URL(`./golden/${name}.golden.json`, import.meta.url), normalised(plan));
});

test('elf64-dynamic-pie, randomised', async () => {
  const program = HANDMADE.find(({ name }) => name === 'elf64-dynamic-pie');
  if (program === undefined) throw new Error('no such program');
  const plan = await planOf(program, 2);
  expectGolden(new URL('./golden/elf64-dynamic-pie-random.golden.json', import.meta.url), normalised(plan));
});
