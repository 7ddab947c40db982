/** What is said where a plan cannot be: nothing of what is confidential, and whose fault it is. */
import { ForeignError } from '../errors.ts';
import type { LoaderPlugin } from '../loader/contract.ts';
import { discreetError } from '../loader/discreet.ts';
import type { Guests } from '../loader/walk.ts';
import { isConfidential } from '../plan/materials.ts';
import type { LoadedProgram } from './load.ts';

/** What `plan` throws says nothing about what is confidential, and who is to blame for an image that is refused. */
export function discreetly<T>(
  { image, loader }: LoadedProgram,
  guests: Guests | undefined,
  plan: () => T,
): T {
  try {
    return plan();
  } catch (cause) {
    const refusal = guests?.loaders.has(loader) ? refusalOf(loader, cause) : cause;
    throw isConfidential(image) ? discreetError(refusal) : refusal;
  }
}

/** An image that cannot be is rather the loader's fault than the file's. */
function refusalOf({ name }: LoaderPlugin, cause: unknown): unknown {
  if (!(cause instanceof ForeignError) || cause.code !== 'IMAGE_REFUSED') return cause;
  return new ForeignError(cause.code, `${cause.message} (says the loader ${name})`, { cause });
}
