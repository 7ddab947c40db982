/**
 * The vDSO and the only room that the kernel is asked for change places in one move, where that ends as two moves
 * would. execve finds room for the interpreter first: at the end of the area that fills from the top, where in the
 * stub's process the vDSO is; and then for the vDSO, right below. So when the kernel finds room right below the
 * vDSO, each belongs where the other is, and the plan's "aside" and "back" come to that.
 */

import { joined, type PageRange } from '../plan/page-ranges.ts';
import type { AnyPlan, Step } from '../plan/plan.ts';
import { ADDRESS_SPACES, PAGE_SIZE } from '../process/address-space.ts';
import type { VdsoPiece } from '../process/host.ts';

type VdsoStep = Extract<Step, { op: 'vdso' }>;
type ReserveStep = Extract<Step, { op: 'reserve' }>;
type MmapStep = Extract<Step, { op: 'mmap' }>;

/** From here on the kernel looks for room at huge pages, and "right below" is chance. */
const HUGE_PAGE = 0x20_0000n;

export const vdsoSize = (pieces: readonly VdsoPiece[]): bigint =>
  pieces.reduce((sum, { size }) => sum + size, 0n);

/** The plan's step "aside", if it can wait until the room is asked for: then it may turn out that one move does. */
export function vdsoThatMaySwap(plan: AnyPlan): VdsoStep | undefined {
  const aside = plan.steps.find((step): step is VdsoStep => step.op === 'vdso' && step.go === 'aside');
  const [reserve, ...more] = plan.steps.filter((step): step is ReserveStep => step.op === 'reserve');
  if (aside === undefined || reserve === undefined || more.length > 0) return undefined;
  const { align, base, size, start } = reserve;
  if (align > PAGE_SIZE || size >= HUGE_PAGE || size <= vdsoSize(aside.pieces)) return undefined;
  // What has a place of its own must not find the vDSO there. That far down it is under absurd stack limits only.
  const maps = plan.steps.filter((step): step is MmapStep => step.op === 'mmap');
  const lowest = (ADDRESS_SPACES[plan.arch].taskSize / 5n) * 4n;
  if (maps.some(({ at, size }) => at.base === 'absolute' && at.offset + size > lowest)) return undefined;
  // Into a hole of the room the kernel would put the vDSO.
  let pages: readonly PageRange[] = [];
  for (const { at, size } of maps)
    if (at.base === base) pages = joined(pages, { start: at.offset, end: at.offset + size });
  const [all, ...others] = pages;
  const whole = others.length === 0 && all?.start === start && all.end === start + size;
  return whole ? aside : undefined;
}
