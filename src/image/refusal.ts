/** What all checks of images say when one cannot be: IMAGE_REFUSED, with the reason. */
import { ForeignError } from '../errors.ts';

export function refuse(message: string): never {
  throw new ForeignError('IMAGE_REFUSED', `cannot be run: ${message}`);
}
