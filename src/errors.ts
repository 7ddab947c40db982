/**
 * Every error run-foreign means to show to a person. Each has a stable `code`, the exit status the
 * command ends with, and where it helps a hint; none of them may hold bytes of a confidential program.
 */

/** Exit statuses of the command, as shells and env(1) use them. */
export const EXIT = { usage: 2, ours: 125, cannotRun: 126, notFound: 127 } as const;

/** What kind of error it is. The codes are stable; the messages are for people, and are not. */
export type ErrorCode =
  | 'PROGRAM_NOT_FOUND'
  | 'NOT_EXECUTABLE'
  | 'UNKNOWN_FORMAT'
  | 'AMBIGUOUS_FORMAT'
  | 'BAD_FORMAT'
  | 'UNSUPPORTED'
  | 'IMAGE_REFUSED'
  | 'TOO_BIG'
  | 'NESTED_TOO_DEEP'
  | 'MACHINE_REFUSED'
  | 'UNAUTHENTICATED'
  | 'KEY_NEEDED'
  | 'INTERPRETER_MISSING'
  | 'PROCESS_NOT_FOUND'
  | 'PROCESS_REFUSED'
  | 'LOADER_FAILED'
  | 'NETWORK'
  | 'USAGE'
  | 'INTERNAL';

const STATUS: Record<ErrorCode, number> = {
  PROGRAM_NOT_FOUND: EXIT.notFound,
  NOT_EXECUTABLE: EXIT.cannotRun,
  UNKNOWN_FORMAT: EXIT.cannotRun,
  AMBIGUOUS_FORMAT: EXIT.cannotRun,
  BAD_FORMAT: EXIT.cannotRun,
  UNSUPPORTED: EXIT.cannotRun,
  IMAGE_REFUSED: EXIT.cannotRun,
  TOO_BIG: EXIT.cannotRun,
  NESTED_TOO_DEEP: EXIT.cannotRun,
  MACHINE_REFUSED: EXIT.cannotRun,
  UNAUTHENTICATED: EXIT.cannotRun,
  KEY_NEEDED: EXIT.cannotRun,
  INTERPRETER_MISSING: EXIT.cannotRun,
  PROCESS_NOT_FOUND: EXIT.notFound,
  PROCESS_REFUSED: EXIT.cannotRun,
  LOADER_FAILED: EXIT.ours,
  NETWORK: EXIT.cannotRun,
  USAGE: EXIT.usage,
  INTERNAL: EXIT.ours,
};

export const ERROR_CODES = Object.keys(STATUS) as ErrorCode[];

/** What the command ends with for an error of this code. */
export const exitStatus = (code: ErrorCode): number => STATUS[code];

export interface ErrorDetails {
  /** What the message is about: usually the program as the user named it. */
  readonly subject?: string;
  /** What the user can do about it, as a sentence without a full stop. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Whether the message holds nothing that was read in a file, so that it may be shown of a confidential one. */
  readonly harmless?: boolean;
}

/** What marks the errors of this module, also of another copy of it: a loader may bring its own. */
const BRAND = Symbol.for('run-foreign.error');
const FORMAT_BRAND = Symbol.for('run-foreign.format-error');

const hasBrand = (value: unknown, brand: symbol): boolean =>
  typeof value === 'object' && value !== null && brand in value;

/** The one error type of the library: look at `code`, never at the text. */
export class ForeignError extends Error {
  readonly [BRAND] = true;
  override readonly name: string = 'ForeignError';
  readonly code: ErrorCode;
  readonly exitCode: number;
  /** What the message is about; whoever knows it last fills it in. */
  subject: string | undefined;
  readonly hint: string | undefined;
  readonly harmless: boolean;

  /** True of errors of another copy of run-foreign, too. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return hasBrand(value, BRAND);
  }

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.exitCode = STATUS[code];
    this.subject = details.subject;
    this.hint = details.hint;
    this.harmless = details.harmless === true;
  }
}

export type FormatValue = bigint | number | string;

/** Where in a file something is wrong. */
export interface FormatLocation {
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** The field as its specification spells it, for example `e_phnum`. */
  readonly field: string;
  /** What was found there. */
  readonly value: FormatValue;
}

/**
 * The verdict "mine, but broken": the file is of this format and cannot be run.
 * The message carries file offset, field and value.
 */
export class FormatError extends ForeignError {
  override readonly name = 'FormatError';
  readonly [FORMAT_BRAND] = true;
  readonly location: FormatLocation;

  /** True of errors of another copy of run-foreign, too. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return hasBrand(value, FORMAT_BRAND);
  }

  constructor(message: string, location: FormatLocation, details: ErrorDetails = {}) {
    const value = typeof location.value === 'string' ? location.value : hex(location.value);
    super(
      'BAD_FORMAT',
      `${message} (file offset ${hex(location.offset)}, ${location.field} = ${value})`,
      details,
    );
    this.location = location;
  }
}

/** Runs `action`; an error that does not say what it is about gets `subject`. */
export async function about<T>(subject: string, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw withSubject(error, subject);
  }
}

/** An error that does not say what it is about gets `subject`. */
export function withSubject(error: unknown, subject: string): unknown {
  if (error instanceof ForeignError) error.subject ??= subject;
  return error;
}

/**
 * What goes wrong with something that a program needs is an error about the program: `part` says what it is, `its
 * interpreter`. The command line is not to blame for it. Anything but a ForeignError is returned as it is.
 */
export function partError(part: string, cause: unknown): unknown {
  if (!(cause instanceof ForeignError)) return cause;
  const { code, message, subject, hint } = cause;
  const what = subject === undefined ? part : `${part} ${subject}`;
  return new ForeignError(code === 'USAGE' ? 'BAD_FORMAT' : code, `${what}: ${message}`, {
    cause,
    ...(hint !== undefined && { hint }),
  });
}

/** A number as people read addresses and offsets: `0x1000`. */
export function hex(value: bigint | number): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

/** The one line that is shown for an error: `run-foreign: PROGRAM: what is wrong; what to do`. */
export function errorLine(error: ForeignError): string {
  const subject = error.subject === undefined ? '' : `${error.subject}: `;
  const hint = error.hint === undefined ? '' : `; ${error.hint}`;
  return printable(`run-foreign: ${subject}${error.message}${hint}`);
}

/** Text that cannot steer a terminal. */
export function printable(text: string): string {
  // Nearly always, and a class of Unicode takes a third of a millisecond to compile.
  if (/^[ -~]*$/.test(text)) return text;
  return text.replace(/\p{Cc}/gu, '?');
}
