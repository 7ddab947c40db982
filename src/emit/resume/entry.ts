/**
 * The table that the resuming stub walks: an entry for each step. Its fields are 64-bit words; where the code needs an
 * address, the entry has it, so the code itself knows none but its own.
 */

/** Arguments of a system call. */
export const ARGUMENTS = 6;

/** Byte offsets in an entry. */
export const ENTRY = {
  /** The code that carries it out. */
  handler: 0,
  /** The system call. */
  number: 8,
  /** ARGUMENTS pairs: a number, and the address of a slot whose value is added. */
  argument: 16,
  /** The address of the slot that gets the result. */
  keep: 16 + ARGUMENTS * 16,
  /** The only good result: a number, and the address of a slot. */
  expect: 24 + ARGUMENTS * 16,
  /** The entries that come next. */
  onSuccess: 40 + ARGUMENTS * 16,
  onError: 48 + ARGUMENTS * 16,
  /** The code for an error, and what it says. */
  failure: 56 + ARGUMENTS * 16,
  message: 64 + ARGUMENTS * 16,
  messageSize: 72 + ARGUMENTS * 16,
  size: 80 + ARGUMENTS * 16,
} as const;

/** An argument: a number plus what the slot of this name holds. */
export interface Operand {
  readonly value: bigint;
  readonly slot?: string | undefined;
}

/** What the code can do with an entry. */
export type Handler =
  | 'call'
  | 'expect'
  | 'pread'
  | 'sendfile'
  | 'store4'
  | 'store8'
  | 'load4'
  | 'replace4'
  | 'replace8'
  | 'timer'
  | 'process'
  | 'thread'
  | 'gather'
  | 'exit code'
  | 'release'
  | 'arrive'
  | 'enter';

export type FailureHandler = 'stop' | 'say' | 'ignore';

/** An entry before it has an address. */
export interface Entry {
  readonly handler: Handler;
  readonly number?: number;
  readonly args: readonly Operand[];
  readonly keep?: string | undefined;
  readonly expect?: Operand | undefined;
  /** What is left out after it. */
  readonly skipOnSuccess?: number | undefined;
  readonly skipOnError?: number | undefined;
  readonly failure: FailureHandler;
  /** For people; empty where nothing is ever said. */
  readonly message: string;
}

/** Slots that are there without any step keeping them: the vDSO of the stub, and one that is always 0. */
export const SLOT = { vdso: 'vdso', zero: 'zero', trash: 'trash' } as const;
