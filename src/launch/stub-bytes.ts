/** The stub for a plan, of a program that begins or of a process that goes on. */
import { emitStub } from '../emit/stub.ts';
import type { StartPlan } from './prepare.ts';

/** `numbers` are what the plan's files have for descriptors when the stub begins. */
export async function stubBytes(plan: StartPlan, numbers: readonly number[]): Promise<Uint8Array> {
  if (!('kind' in plan)) return emitStub(plan, numbers);
  // Few starts need it.
  const { emitResume } = await import('../emit/resume/resume.ts');
  return emitResume(plan, numbers);
}
