/** Keys for tests, and an age implementation that shares no code with ours, to look at what was sealed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Decrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from 'age-encryption';

export interface TestKey {
  /** `AGE-SECRET-KEY-…`. */
  readonly identity: string;
  /** `age1…`. */
  readonly recipient: string;
  /** A key file with the identity. */
  readonly file: string;
}

let count = 0;

export async function newKey(directory: string, kind: 'X25519' | 'hybrid' = 'X25519'): Promise<TestKey> {
  const identity = await (kind === 'hybrid' ? generateHybridIdentity() : generateX25519Identity());
  const file = join(directory, `key-${++count}.txt`);
  writeFileSync(file, `# a key of the tests\n${identity}\n`, { mode: 0o600 });
  return { identity, recipient: await identityToRecipient(identity), file };
}

/** What is sealed in `file`; throws unless the key fits and every byte is authentic. */
export async function openedWith(key: { identity: string } | { passphrase: string }, file: Uint8Array) {
  const decrypter = new Decrypter();
  if ('identity' in key) decrypter.addIdentity(key.identity);
  else decrypter.addPassphrase(key.passphrase);
  return Buffer.from(await decrypter.decrypt(file));
}
