/** What is told when the command ends by itself, with an error or without one, beside the error's line. Known only when the options have been read. */
import type { ErrorCode } from '../errors.ts';

/** What a variable says that takes a flag back. */
export const NO = /^(|0|false|no)$/i;

/** Until then, also for errors in the options, the environment says. */
let verbose = !NO.test(process.env['RUN_FOREIGN_VERBOSE'] ?? '');

export function setVerbose(wanted: boolean): void {
  verbose = wanted;
}

export const isVerbose = (): boolean => verbose;

/** Where to read more about an error. */
export const moreLine = (code: ErrorCode): string => `run-foreign: run-foreign explain ${code} says more`;

/** Told the exit status, and the error if there is one. */
type Listener = (status: number, error: unknown) => void;

let listener: Listener | undefined;

export function beforeEnd(action: Listener): void {
  listener = action;
}

export function ending(status: number, error?: unknown): void {
  listener?.(status, error);
}
