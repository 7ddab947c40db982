/**
 * What is done on the way to a program, told while it is done. Whoever asks for nothing passes no Trace, and then nothing is
 * measured. Nothing of a confidential program is told: neither what it is nor how large.
 */
import { type ErrorCode, ForeignError } from './errors.ts';

/** What can happen; docs/trace.md says what each has to tell. */
export type TraceEventName =
  | 'launcher'
  | 'node'
  | 'command'
  | 'loaders'
  | 'open'
  | 'ask'
  | 'load'
  | 'keys'
  | 'authenticate'
  | 'plan'
  | 'vault'
  | 'memory-file'
  | 'stub'
  | 'hand-over'
  | 'freeze'
  | 'thaw'
  | 'write'
  | 'copy'
  | 'exec'
  | 'end'
  | 'error';

export type TraceValue = string | number | boolean;

/** Something that was done on the way to a program. */
export interface TraceEvent {
  /** What it is; docs/trace.md lists them, and what else each of them has. */
  readonly event: TraceEventName;
  /** When it began, milliseconds after this process did. */
  readonly at_ms: number;
  /** How long it took, milliseconds; 0 of what is a moment. */
  readonly duration_ms: number;
  /** Of what went wrong: the code of the error. */
  readonly failed?: ErrorCode;
  readonly [field: string]: TraceValue | undefined;
}

/** Told of everything, in the order in which it ends. */
export type Trace = (event: TraceEvent) => void;

/** What is known of a step before it is done. */
export type TraceStep = { readonly event: TraceEventName } & Readonly<Record<string, TraceValue>>;

type Outcome = Readonly<Record<string, TraceValue>>;

const NOTHING = (): Outcome => ({});

/** Milliseconds since Node began, on a clock that nobody sets. */
export const sinceStart = (): number => process.uptime() * 1000;

/** Does `action`, and tells how long it took and, with `outcome`, what came of it. */
export function timed<T>(
  trace: Trace | undefined,
  step: TraceStep,
  action: () => Promise<T>,
  outcome: (result: T) => Outcome = NOTHING,
): Promise<T> {
  if (trace === undefined) return action();
  const began = sinceStart();
  return action().then(
    (result) => {
      tell(trace, { ...step, ...outcome(result) }, began);
      return result;
    },
    (cause: unknown) => {
      tellFailure(trace, step, began, cause);
      throw cause;
    },
  );
}

/** As `timed`, for what is done at once. */
export function timedNow<T>(
  trace: Trace | undefined,
  step: TraceStep,
  action: () => T,
  outcome: (result: T) => Outcome = NOTHING,
): T {
  if (trace === undefined) return action();
  const began = sinceStart();
  let result: T;
  try {
    result = action();
  } catch (cause) {
    tellFailure(trace, step, began, cause);
    throw cause;
  }
  tell(trace, { ...step, ...outcome(result) }, began);
  return result;
}

/** Tells of what is done as it is told, or began at `began`. */
export function tell(trace: Trace | undefined, step: TraceStep, began?: number): void {
  if (trace === undefined) return;
  const now = sinceStart();
  const { event, ...fields } = step;
  trace({ event, at_ms: rounded(began ?? now), duration_ms: rounded(now - (began ?? now)), ...fields });
}

function tellFailure(trace: Trace, step: TraceStep, began: number, cause: unknown): void {
  tell(trace, { ...step, failed: cause instanceof ForeignError ? cause.code : 'INTERNAL' }, began);
}

/** To microseconds: more is noise. */
const rounded = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000;
