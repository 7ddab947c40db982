/**
 * What reads and writes headers, in a file of its own because the command loads it only for files in this format: the
 * build makes it a bundle beside the command's, and so it is here that the other one is known.
 */
import { join } from 'node:path';

export { Decrypter, Encrypter, Stanza } from 'age-encryption';

/** The second thread's program, where it was built; from the sources there is none. */
export const WORKER_FILE = join(import.meta.dirname, 'age-worker.cjs');
