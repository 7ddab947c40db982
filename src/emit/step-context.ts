/** What every step's code shares: its plan's materials, the flags of mmap, and how a failure is reported. */
import type { AnyPlan } from '../plan/plan.ts';
import { ADOPTED } from './data-page.ts';
import type { Argument, Emitter } from './emitter.ts';
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

/**
 * Where a file of the plan is when the stub runs: open under a number, or in the stub's own file, from a byte of that on,
 * a multiple of the page size; or the plan's step `open` opens it.
 */
export type FileAtStart = number | { readonly ownFileFrom: bigint } | 'opened';

/** include/uapi/asm-generic/fcntl.h: O_CLOEXEC, O_LARGEFILE, O_NONBLOCK (of no pipe a writer is waited for) and O_NOCTTY. */
export const OPEN_FLAGS = 0o2000000n | 0o100000n | 0o4000n | 0o400n;

/** What the steps of one plan need to be emitted. */
export interface StepContext {
  readonly emitter: Emitter;
  readonly failures: Failures;
  readonly plan: AnyPlan;
  readonly files: readonly FileAtStart[];
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

type Files = Pick<StepContext, 'files'>;

/** The descriptor of one of the plan's files, as the argument of a system call. */
export function descriptor(file: number, files: Files): Argument {
  const at = fileAt(file, files);
  return typeof at === 'number' ? BigInt(at) : { data: ADOPTED.opened };
}

/** An offset in one of the plan's files, as one in the file that the descriptor is of. */
export function fileOffset(file: number, offset: bigint, files: Files): bigint {
  const at = fileAt(file, files);
  return typeof at === 'object' ? at.ownFileFrom + offset : offset;
}

function fileAt(file: number, { files }: Files): FileAtStart {
  const at = files[file];
  if (at === undefined) throw new Error(`the plan's file ${file} has no descriptor`);
  return at;
}
