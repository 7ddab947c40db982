/**
 * What elfy gets instead of Node's assert (see build.ts). Loading that one opens process.stderr, which makes a pipe
 * that is shared with others non-blocking, and takes milliseconds of every start.
 */
export function equal(actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${String(actual)} is not ${String(expected)}`);
}
