/** What `-i` takes: a file, `-`, `fd:N`. On the plain start path, so nothing else is loaded from here. */
import { ForeignError } from '../errors.ts';
import { descriptorIn } from '../launch/descriptor.ts';

/** Names that the kernel has for descriptors; bash puts one where `<(command)` stands. */
const KERNEL_NAMES = /^(?:\/dev\/stdin|(?:\/dev|\/proc\/self)\/fd\/(\d{1,7}))$/;

/** The caller's descriptor that a key file comes through. */
export function keyDescriptor(name: Uint8Array): number | undefined {
  const kernel = KERNEL_NAMES.exec(Buffer.from(name).toString('latin1'));
  return kernel === null ? descriptorIn(name) : Number(kernel[1] ?? 0);
}

const SECRET_KEY = /^AGE-SECRET-KEY-/i;

/**
 * The descriptors among `names`. Throws USAGE for a name that is a key itself, which it does not repeat, and for what
 * cannot be read twice: `program` is what is to be run.
 */
export function keyDescriptors(names: readonly Uint8Array[], program: Uint8Array): number[] {
  const found: number[] = [];
  for (const name of names) {
    if (SECRET_KEY.test(Buffer.from(name).toString('latin1'))) {
      throw new ForeignError('USAGE', '-i and RUN_FOREIGN_IDENTITY take the name of a file, and not a key', {
        hint: 'others have been able to read it: make a new key, and put it into a file',
      });
    }
    const descriptor = keyDescriptor(name);
    if (descriptor === undefined) continue;
    const what = descriptor === 0 ? 'standard input' : `descriptor ${descriptor}`;
    if (found.includes(descriptor))
      throw new ForeignError('USAGE', `two key files cannot both come from ${what}`);
    if (descriptorIn(program) === descriptor) {
      throw new ForeignError('USAGE', `the program and its key cannot both come from ${what}`);
    }
    found.push(descriptor);
  }
  return found;
}
