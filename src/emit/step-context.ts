/** What every step's code shares: its plan's materials, the flags of mmap, and how a failure is reported. */
import type { Plan } from '../plan/plan.ts';
import type { Emitter } from './emitter.ts';
import { type Failures, messageName } from './failure.ts';

/** include/uapi/asm-generic/mman-common.h, include/uapi/linux/mman.h */
export const MAP = {
  PRIVATE: 0x2,
  FIXED: 0x10,
  ANONYMOUS: 0x20,
  NORESERVE: 0x4000,
  FIXED_NOREPLACE: 0x100000,
};
export const NO_FILE = -1n;

/** What the steps of one plan need to be emitted. */
export interface StepContext {
  readonly emitter: Emitter;
  readonly failures: Failures;
  readonly plan: Plan;
  /** The descriptor of each of the plan's files. */
  readonly descriptors: readonly number[];
  /** Stores bytes in the stub's file and returns their address. */
  readonly store: (bytes: Uint8Array) => bigint;
}

/** Reports `message` when the system call just made has failed. */
export function failOnError(context: StepContext, message: string): void {
  context.emitter.jumpOnError(context.failures.label(failureText(context, message)));
}

export function failureText({ plan }: StepContext, message: string): string {
  return `run-foreign: ${messageName(plan.program)}: ${message}: `;
}

/** The descriptor of one of the plan's files. */
export function descriptor(file: number, { descriptors }: Pick<StepContext, 'descriptors'>): number {
  const fd = descriptors[file];
  if (fd === undefined) throw new Error(`the plan's file ${file} has no descriptor`);
  return fd;
}
