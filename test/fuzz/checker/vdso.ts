/** The vDSO makes way for reservations and comes back, and waits meanwhile where nothing else is. */

import type { Range } from '../../../src/image/image.ts';
import type { Step } from '../../../src/plan/plan.ts';
import { meets } from './kernel-areas.ts';
import type { Memory } from './memory.ts';
import { PAGE } from './parts.ts';
import type { Judged, Verdicts } from './rules.ts';
import { STUB_RESERVE } from './stub.ts';

type VdsoStep = Extract<Step, { op: 'vdso' }>;

export function checkVdso(judged: Judged, memory: Memory, verdicts: Verdicts, stub: Range): void {
  const { plan, host } = judged;
  const rule = (holds: boolean, by: string) => verdicts.rule('vdso', holds, () => by);
  const steps = plan.steps.filter((step): step is VdsoStep => step.op === 'vdso');
  const places = (op: Step['op']) => plan.steps.flatMap((step, index) => (step.op === op ? [index] : []));
  const reserves = places('reserve');
  const needed = reserves.length > 0 && host.vdsoPieces().length > 0;
  rule(steps.map(({ go }) => go).join() === (needed ? 'aside,back' : ''), 'it goes aside and back');
  const [aside = -1, back = plan.steps.length] = places('vdso');
  const around = aside < Math.min(...reserves, Infinity) && back > Math.max(...places('mmap'), -1);
  rule(around, 'it goes before the first reservation and comes after the last mapping');
  for (const { pieces, aside: start } of steps) {
    const size = pieces.reduce((sum, piece) => sum + piece.size, 0n);
    const range = { start, end: start + size };
    rule(start % PAGE === 0n && start >= host.lowestMapping(), 'a page of user space');
    rule(range.end <= plan.stub + STUB_RESERVE[plan.arch], 'where the stub has room for itself');
    rule(!meets(range, stub), 'clear of the stub');
    rule(memory.of('absolute').over(range.start, range.end).length === 0, 'clear of the program');
    rule(JSON.stringify(pieces, text) === JSON.stringify(host.vdsoPieces(), text), 'all its pieces');
  }
}

const text = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value);
