/** What `run-foreign check --json` says. */
import { expect } from 'vitest';
import type { Outcome } from './run.ts';

export interface CheckDocument {
  readonly ok: boolean;
  readonly checks: readonly CheckResult[];
}

export interface CheckResult {
  readonly id: string;
  readonly ok: boolean;
  readonly required: boolean;
  readonly found: string;
  readonly neededFor: readonly string[];
  readonly advice?: string;
  readonly fix?: string;
}

/** The document; its exit status must say the same. */
export function checkDocument({ status, stdout, stderr }: Outcome): CheckDocument {
  expect(stderr).toBe('');
  const document = JSON.parse(stdout) as CheckDocument;
  expect(status).toBe(document.ok ? 0 : 1);
  return document;
}

/** The answer to one question. */
export function checkResult(outcome: Outcome): CheckResult {
  const { checks } = checkDocument(outcome);
  const [only] = checks;
  if (only === undefined || checks.length > 1) throw new Error(`${checks.length} answers`);
  return only;
}
