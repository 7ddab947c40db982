/** Damaged files, one after the other: each is to be refused with an error of the right kind, or to be a program. */
import { openNothing } from './context.ts';
import type { Damaged } from './damage.ts';
import { outcomeOf } from './outcome.ts';
import { failure, verdictOn } from './probing.ts';
import type { Subject } from './subject.ts';

/** Throws Error for the first file that brings about something else. */
export async function sweep(subject: Subject, name: string, damaged: Iterable<Damaged>): Promise<void> {
  for (const { bytes, what } of damaged) await survives(subject, bytes, name, `${name} ${what}`);
}

/** Loads also what probe does not claim: --format does that. Throws Error. */
export async function survives(
  subject: Subject,
  bytes: Uint8Array,
  name: string,
  what: string,
): Promise<void> {
  const verdict = await verdictOn(subject, bytes, what);
  const { loader } = subject;
  subject.file = `${what}, in load`;
  try {
    await outcomeOf(subject, bytes, name, openNothing);
  } catch (cause) {
    const how =
      verdict === null ? `, which probe does not claim (--format ${loader.name} has it loaded anyhow)` : '';
    throw new Error(
      `load fails on ${what}${how}: ${failure(cause)}. It must return a program, or throw a FormatError or a ForeignError`,
      { cause },
    );
  }
}
