/** The last door: whoever made a plan, bytes that were not authenticated do not get into the vault. */
import { expect, test } from 'vitest';
import { ForeignError } from '../../src/errors.ts';
import { startPlan } from '../../src/launch/start.ts';
import { vaultOf } from '../../src/plan/plan.ts';
import { memorySource } from '../../src/source/memory.ts';
import type { Source } from '../../src/source/source.ts';
import { foreignError } from '../support/errors.ts';
import { handmade } from '../support/handmade.ts';
import { planOf } from '../support/plans.ts';
import { resolveSource } from '../support/resolve.ts';

test('a payload that is not what the user wanted stops the start before it is read', async () => {
  let reads = 0;
  const plain = memorySource(handmade('elf64-static').bytes, 'net');
  const source: Source = {
    ...plain,
    read(offset, length) {
      reads++;
      return plain.read(offset, length);
    },
    authenticate: () => Promise.reject(new ForeignError('UNAUTHENTICATED', 'is something else')),
  };
  const plan = planOf((await resolveSource(source)).image);
  expect(vaultOf(plan)?.payloads.length).toBeGreaterThan(0);
  reads = 0;
  const said: string[] = [];
  const error = await foreignError(() =>
    startPlan(plan, { say: (text) => said.push(text), progress: () => {}, starting: () => {} }),
  );
  expect(error).toMatchObject({ code: 'UNAUTHENTICATED', exitCode: 126 });
  expect({ reads, said }).toEqual({ reads: 0, said: [] });
});
