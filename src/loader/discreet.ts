/** What is wrong with a confidential program, told without anything that was read in it. */
import { type ErrorCode, ForeignError, FormatError, hex } from '../errors.ts';
import type { Source } from '../source/source.ts';
import { lendSource, noting } from './lent.ts';

/** Their messages hold nothing of what is inside. */
const HARMLESS: readonly ErrorCode[] = [
  'UNKNOWN_FORMAT',
  'AMBIGUOUS_FORMAT',
  'TOO_BIG',
  'NESTED_TOO_DEEP',
  'MACHINE_REFUSED',
  'USAGE',
  'INTERNAL',
];

/** The error without names and values; the place of a field stays. */
export function discreetError(cause: unknown): unknown {
  if (!(cause instanceof ForeignError) || cause.harmless || HARMLESS.includes(cause.code)) return cause;
  const where =
    cause instanceof FormatError
      ? `: ${cause.location.field} at file offset ${hex(cause.location.offset)}`
      : '';
  return new ForeignError(
    cause.code,
    `is confidential, and what is inside cannot be run (${cause.code}${where})`,
    {
      hint: '--not-confidential says more',
      ...(cause.subject !== undefined && { subject: cause.subject }),
    },
  );
}

/**
 * Looks at a source with `look`, which is given one like it. If it is confidential, what `look` finds wrong with it is
 * told discreetly; what reading it throws is about the seal, and told as it is.
 */
export async function discreetly<T>(source: Source, look: (source: Source) => Promise<T>): Promise<T> {
  if (!source.confidential) return look(source);
  const ofReading = new Set<unknown>();
  const watched = lendSource(
    source,
    noting((cause) => ofReading.add(cause)),
  );
  try {
    return await look(watched);
  } catch (cause) {
    throw ofReading.has(cause) ? cause : discreetError(cause);
  }
}
