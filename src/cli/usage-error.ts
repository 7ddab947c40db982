/** What is wrong with how the command was called. */
import { ForeignError } from '../errors.ts';

export function usageError(message: string, hint = 'see run-foreign --help'): ForeignError {
  return new ForeignError('USAGE', message, { hint });
}
