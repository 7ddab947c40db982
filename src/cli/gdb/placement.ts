/**
 * Where a program lies that may lie anywhere, as gdb is to be told where it cannot find out: it asks auxv, and that is the
 * stub's where the kernel lets nobody set it.
 */
import { hex } from '../../errors.ts';
import type { PreparedProgram } from '../../launch/prepare.ts';
import { probeMmField, probeMmMap } from '../../native/mm-probe.ts';

/** What to add to link-time addresses, an expression of gdb's; undefined where there is nothing to tell. */
export function untoldOffset({ image, plan }: PreparedProgram): string | undefined {
  if (image.placement.kind === 'fixed') return undefined;
  if (probeMmMap() === undefined || probeMmField() === undefined) return undefined;
  if (image.interpreter === undefined) return `$pc-${hex(image.entry)}`;
  const mm = plan.steps.find((step) => step.op === 'mm');
  const start = mm?.fields.fields.start_code;
  return start?.base === 'absolute' ? hex(start.offset - image.code.start) : undefined;
}
