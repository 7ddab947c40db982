/** The stub for a plan, of a program that begins or of a process that goes on. */
import { emitResume } from '../emit/resume/resume.ts';
import { emitStub } from '../emit/stub.ts';
import type { StartPlan } from './prepare.ts';

/** `numbers` are what the plan's files have for descriptors when the stub begins. */
export function stubBytes(plan: StartPlan, numbers: readonly number[]): Uint8Array {
  return 'kind' in plan ? emitResume(plan, numbers) : emitStub(plan, numbers);
}
