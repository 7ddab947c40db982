/** How a loader is asked whether a file is its own, and what that may cost. */
import { ForeignError } from '../errors.ts';
import { askLoader } from '../loader/call.ts';
import type { Verdict } from '../loader/contract.ts';
import type { Subject } from './subject.ts';
import { watchedSource } from './watched-source.ts';

/** Throws Error, with words for the plugin author: `what` says which file it is. */
export async function verdictOn(
  subject: Subject,
  bytes: Uint8Array,
  what: string,
  size = bytes.length,
): Promise<Verdict> {
  const { loader, options, limit } = subject;
  const { source, complaint } = watchedSource(bytes, what, size);
  subject.file = `${what}, in probe`;
  let verdict: Verdict;
  try {
    verdict = await askLoader(loader, source, { options }, limit);
  } catch (cause) {
    const text = complaint() ?? failure(cause);
    throw new Error(`probe fails on ${what}: ${text}. It must return null for what is not its own`, {
      cause,
    });
  }
  const wrong = complaint();
  if (wrong !== undefined) throw new Error(`probe goes too far on ${what}: ${wrong}`);
  return verdict;
}

/** What was thrown, for messages. */
export function failure(cause: unknown): string {
  if (cause instanceof ForeignError) return `${cause.code}: ${cause.message}`;
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
}
