/**
 * What a plan's steps do to an address space, step by step, and whether each may: the rules that no plan
 * may break, whatever it was made from. Bases that the kernel chooses are address spaces of their own.
 */
import type { Plan, Step } from '../../src/plan/plan.ts';
import { ADDRESS_SPACES, PAGE_SIZE } from '../../src/process/address-space.ts';
import type { Base, Place } from '../../src/process/place.ts';

interface Area {
  readonly base: Base;
  readonly start: bigint;
  readonly end: bigint;
}

const area = (at: Place, size: bigint): Area => ({ base: at.base, start: at.offset, end: at.offset + size });
const meets = (a: Area, b: Area) => a.base === b.base && a.start < b.end && b.start < a.end;

function isCovered(wanted: Area, areas: readonly Area[]): boolean {
  let from = wanted.start;
  for (;;) {
    const holder = areas.find((each) => each.base === wanted.base && each.start <= from && from < each.end);
    if (holder === undefined) return false;
    if (holder.end >= wanted.end) return true;
    from = holder.end;
  }
}

/** Every rule the plan breaks, in words; none for a good plan. `stubSize` is the emitted file's. */
export function brokenRules(plan: Plan, stubSize: number): string[] {
  const { taskSize } = ADDRESS_SPACES[plan.arch];
  const stub: Area = {
    base: 'absolute',
    start: plan.stub,
    end: plan.stub + 2n * PAGE_SIZE + BigInt(stubSize) + PAGE_SIZE,
  };
  const broken: string[] = [];
  const reserved: Area[] = [];
  const mapped: Area[] = [];
  const rule = (holds: boolean, step: Step, text: string) => {
    if (!holds) broken.push(`${step.op} ${'what' in step ? step.what : ''}: ${text}`);
  };
  if (stub.start % PAGE_SIZE !== 0n || stub.end > taskSize || stub.start < PAGE_SIZE)
    broken.push('the stub stands at no place for it');

  for (const step of plan.steps) {
    if (step.op === 'reserve') {
      rule(step.size > 0n && step.size <= taskSize, step, 'is larger than the address space');
      reserved.push({ base: step.base, start: step.start, end: step.start + step.size });
      continue;
    }
    if (!('at' in step)) continue;
    const where = area(step.at, step.size);
    rule(step.size > 0n, step, 'has no size');
    if (where.base === 'absolute') {
      rule(where.start >= 0n && where.end <= taskSize, step, 'lies outside user space');
      rule(!meets(where, stub), step, 'meets the stub');
    } else {
      rule(isCovered(where, reserved), step, 'lies outside what was reserved');
    }
    if (step.op === 'mmap') {
      rule(where.start % PAGE_SIZE === 0n && where.end % PAGE_SIZE === 0n, step, 'is not whole pages');
      if (step.file !== undefined)
        rule(step.file.offset % PAGE_SIZE === 0n && step.file.offset >= 0n, step, 'has a bad file offset');
      if (step.replace) rule(isCovered(where, mapped), step, 'replaces pages that are not the plan’s');
      else rule(!mapped.some((other) => meets(where, other)), step, 'meets what is mapped already');
      mapped.push(where);
    } else {
      rule(isCovered(where, mapped), step, 'touches memory that is not mapped');
    }
  }
  const jump = plan.steps.at(-1);
  if (jump?.op !== 'jump') broken.push('the plan does not end in a jump');
  else if (!isCovered(area(jump.entry, 1n), mapped)) broken.push('the entry point is not mapped');
  return broken;
}
