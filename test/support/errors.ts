/** Catches what an action throws, so that a test can look at every part of it. */
import { expect } from 'vitest';
import { ForeignError, FormatError } from '../../src/errors.ts';

/** The ForeignError `action` ends with; anything else, success included, fails the test. */
export async function foreignError(action: () => unknown): Promise<ForeignError> {
  let outcome: unknown;
  try {
    outcome = await action();
  } catch (error) {
    expect(error).toBeInstanceOf(ForeignError);
    if (error instanceof ForeignError) return error;
  }
  throw new Error(`nothing was thrown; the outcome was ${String(outcome)}`);
}

/** The FormatError `action` ends with: the verdict "mine, but broken". */
export async function formatError(action: () => unknown): Promise<FormatError> {
  const error = await foreignError(action);
  expect(error).toBeInstanceOf(FormatError);
  if (error instanceof FormatError) return error;
  throw error;
}
