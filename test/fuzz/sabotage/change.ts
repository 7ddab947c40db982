/** Ways to break a good plan, each in one place. */

import type { MmFieldName } from '../../../src/image/mm-field-names.ts';
import type { Payload, Step } from '../../../src/plan/plan.ts';
import type { Judged, Rule } from '../checker/rules.ts';

export type Change = (good: Judged) => Judged;
export interface Sabotage {
  readonly rule: Rule;
  readonly how: string;
  /** A handmade program; `, memory` behind it if its bytes are in no file, `, secret` if they are confidential too. */
  readonly of: string;
  readonly change: Change;
}

export const withPlan = (good: Judged, changes: Partial<Judged['plan']>): Judged => ({
  ...good,
  plan: { ...good.plan, ...changes },
});
/** Other payloads in the plan's vault, which is its first file. */
export const withPayloads = (
  good: Judged,
  change: (payloads: readonly Payload[]) => readonly Payload[],
): Judged =>
  withPlan(good, {
    files: good.plan.files.map((file) =>
      'payloads' in file ? { ...file, payloads: change(file.payloads) } : file,
    ),
  });
export const withSteps = (good: Judged, steps: readonly Step[]) => withPlan(good, { steps });

/** Gives the first step of this kind for which `wanted` holds other fields. */
export function step<Op extends Step['op']>(
  op: Op,
  changes: (found: Extract<Step, { op: Op }>) => object,
  wanted: (found: Extract<Step, { op: Op }>) => boolean = () => true,
): Change {
  return (good) => {
    const isIt = (each: Step): each is Extract<Step, { op: Op }> =>
      each.op === op && wanted(each as Extract<Step, { op: Op }>);
    const index = good.plan.steps.findIndex(isIt);
    const found = good.plan.steps[index];
    if (found === undefined || !isIt(found)) throw new Error(`the plan has no such step ${op}`);
    return withSteps(good, good.plan.steps.with(index, { ...found, ...changes(found) } as Step));
  };
}

export const without =
  (op: Step['op']): Change =>
  (good) =>
    withSteps(
      good,
      good.plan.steps.filter((each) => each.op !== op),
    );
export const again =
  (op: Step['op']): Change =>
  (good) =>
    withSteps(
      good,
      good.plan.steps.flatMap((each) => (each.op === op ? [each, each] : [each])),
    );
export const field = (name: MmFieldName, offset: (now: bigint) => bigint): Change =>
  step('mm', ({ fields }) => ({
    fields: {
      ...fields,
      fields: {
        ...fields.fields,
        [name]: { ...fields.fields[name], offset: offset(fields.fields[name].offset) },
      },
    },
  }));
export const moved = (by: bigint): Change =>
  step('mmap', ({ at }) => ({ at: { ...at, offset: at.offset + by } }));
export const stackByte =
  (offset: (good: Judged) => number): Change =>
  (good) => {
    const bytes = Uint8Array.from(good.plan.stack.bytes);
    const at = offset(good);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return withPlan(good, { stack: { ...good.plan.stack, bytes } });
  };
export const stubByte =
  (at: number, value: number): Change =>
  (good) => {
    const stub = Uint8Array.from(good.stub);
    stub[at] = value;
    return { ...good, stub };
  };

export const STATIC = 'elf64-static';
export const DYNAMIC = 'elf64-dynamic-pie';
