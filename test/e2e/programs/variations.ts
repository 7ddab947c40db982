/** What is taken out of two outputs before they are compared: what differs between any two runs of a program. */

export interface Variation {
  /** For the table: what is taken out. */
  readonly what: string;
  /** For the table: why two runs differ in it. */
  readonly why: string;
  readonly pattern: RegExp;
  readonly to: string;
}

/** Numbers of processes and threads, where `pattern` finds them. */
export function processNumbers(pattern: RegExp, to: string): Variation {
  return { what: 'process numbers', why: 'Linux counts on', pattern, to };
}

export const ADDRESSES: Variation = {
  what: 'addresses',
  why: 'they are random',
  pattern: /\b0x[0-9a-f]{5,}\b/g,
  to: '0xADDRESS',
};

/** Durations and speeds, where `pattern` finds them. */
export function times(pattern: RegExp, to: string): Variation {
  return { what: 'times', why: 'they are measured', pattern, to };
}
