/** The steps of a ResumePlan, written down: system calls with their arguments, and the kernel's structures as bytes. Pure. */
import type { ResumeCall, ResumeStep, Value } from '../resume-plan.ts';

export type CallStep = Extract<ResumeStep, { op: 'call' }>;

type CallOptions = Partial<
  Pick<CallStep, 'onError' | 'expect' | 'keep' | 'repeat' | 'skipOnSuccess' | 'skipOnError'>
>;

/** `cannot ${what}` is what is said of a failure. It stops the start unless `options` say otherwise. */
export function call(
  name: ResumeCall,
  args: readonly (Value | number)[],
  what: string,
  options: CallOptions = {},
): CallStep {
  return {
    op: 'call',
    call: name,
    args: args.map((arg) => (typeof arg === 'object' ? arg : BigInt.asUintN(64, BigInt(arg)))),
    what,
    onError: 'stop',
    ...options,
  };
}

/** What these steps are alternatives to is over when one succeeds: each leaves out all that come after it. */
export function firstOf(...attempts: readonly CallStep[]): CallStep[] {
  return attempts.map((attempt, index) => {
    const left = attempts.length - 1 - index;
    return left === 0 ? attempt : { ...attempt, onError: 'ignore', skipOnSuccess: left };
  });
}

/** A string as system calls take it. */
export function cString(bytes: Uint8Array): Uint8Array {
  const terminated = new Uint8Array(bytes.length + 1);
  terminated.set(bytes);
  return terminated;
}

/** A string of the system's own: `/proc/self/oom_score_adj`. */
export const text = (string: string): { bytes: Uint8Array } => ({ bytes: cString(Buffer.from(string)) });

/** Bytes that are structures of unsigned 64-bit little-endian fields. */
export function u64s(...values: readonly bigint[]): { bytes: Uint8Array } {
  const bytes = new Uint8Array(values.length * 8);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    view.setBigUint64(index * 8, value, true);
  });
  return { bytes };
}

export function u32s(...values: readonly number[]): { bytes: Uint8Array } {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    view.setUint32(index * 4, value, true);
  });
  return { bytes };
}

/** A path in a message. */
export function shown(path: Uint8Array): string {
  return Buffer.from(path).toString();
}

/** Two strings of bytes are one path: paths as keys. */
export const pathKey = (path: Uint8Array): string => Buffer.from(path).toString('latin1');
