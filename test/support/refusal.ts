/** What a user sees when a program is not started. */
import { expect } from 'vitest';
import type { Outcome } from './run.ts';

/** One line with our name on standard error, in which `line` is, and nothing on standard output. */
export function expectRefusal(outcome: Outcome, line: RegExp | string, expected = 126): void {
  const { status, stdout, stderr } = outcome;
  expect(stderr).toMatch(/^run-foreign: [^\n]+\n$/);
  if (typeof line === 'string') expect(stderr).toContain(line);
  else expect(stderr).toMatch(line);
  expect({ status, stdout }).toEqual({ status: expected, stdout: '' });
}
