/** The checker checks: it finds nothing wrong with good plans, and sees every way to break one. */
import { describe, expect, test } from 'vitest';
import { HANDMADE, handmade } from '../support/handmade.ts';
import { fakeHost } from '../support/host.ts';
import { brokenRules } from './checker/checker.ts';
import { type From, judge } from './checker/judged.ts';
import { RULES } from './checker/rules.ts';
import { IDENTITY_AND_STACK } from './sabotage/identity-and-stack.ts';
import { MEMORY } from './sabotage/memory.ts';
import { STEPS_AND_STUB } from './sabotage/steps-and-stub.ts';

test.each(HANDMADE.map((program) => [program.name, program] as const))(
  '%s breaks no rule, from a file, from memory or confidential, randomised or not',
  async (_, program) => {
    for (const randomizeVaSpace of [0, 1, 2] as const) {
      for (const from of ['file', 'memory', 'secret'] as const) {
        expect(brokenRules(await judge(program, from, fakeHost({ randomizeVaSpace })))).toEqual([]);
      }
    }
  },
);

const SABOTAGES = [...STEPS_AND_STUB, ...MEMORY, ...IDENTITY_AND_STACK];

describe('a plan that was broken', () => {
  test.each(SABOTAGES.map((each) => [each.rule, each.how, each] as const))(
    '%s: %s',
    async (rule, _, sabotage) => {
      const [name, from] = sabotage.of.split(', ');
      const good = await judge(handmade(name ?? ''), from as From | undefined);
      const broken = brokenRules(sabotage.change(good)).map((each) => each.rule);
      expect(broken).toContain(rule);
    },
  );

  test('in each of the ways there are', () => {
    const missing = Object.keys(RULES).filter((rule) => !SABOTAGES.some((each) => each.rule === rule));
    expect(missing).toEqual([]);
  });
});
