/** From a header to the file key: with the user's keys, or with a passphrase. */
import { ForeignError, FormatError, type IdentityFile, type LoadContext } from 'run-foreign/loader';
import { Decrypter, type Stanza } from './decoder.ts';
import type { Header } from './header.ts';
import type { Identity } from './identities.ts';
import { checkWorkFactor, unwrapWithPassphrase } from './scrypt.ts';
import { checkStanzas, describeRecipients, isSupported, typeOf } from './stanzas.ts';

/** As ssh(1) does. */
const PASSPHRASE_TRIES = 3;

/** What a file is unlocked with. */
export type Unlocking = Pick<LoadContext, 'secrets' | 'progress'> & {
  /** For who is asked for a passphrase. */
  readonly name: string;
  readKeys(file: IdentityFile): Promise<Identity[]>;
};

/**
 * The file key, 16 bytes, which the caller overwrites. The header is authentic then. Throws KEY_NEEDED when no key
 * fits, UNSUPPORTED when none can, FormatError.
 */
export async function unlock({ bytes }: Header, unlocking: Unlocking): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  let found: Uint8Array | undefined;
  decrypter.addIdentity({
    async unwrapFileKey(stanzas: Stanza[]) {
      found = await unwrap(stanzas, bytes, unlocking);
      return found;
    },
  });
  try {
    return await decrypter.decryptHeader(bytes);
  } catch (cause) {
    if (cause instanceof ForeignError) throw cause;
    if (found !== undefined) {
      found.fill(0);
      const location = { offset: bytes.lastIndexOf('\n---') + 1, field: 'MAC', value: 'another' };
      throw new FormatError('has a header that was changed: a key fits, but its sum does not', location, {
        cause,
      });
    }
    const value = cause instanceof Error ? cause.message : String(cause);
    throw new FormatError('has a damaged header', { offset: 0, field: 'header', value }, { cause });
  }
}

async function unwrap(stanzas: readonly Stanza[], header: Buffer, unlocking: Unlocking): Promise<Uint8Array> {
  checkStanzas(stanzas, header);
  const [first] = stanzas;
  if (first !== undefined && typeOf(first) === 'scrypt') {
    checkWorkFactor(first, header);
    return askFor(first, unlocking);
  }
  if (!stanzas.some(isSupported)) {
    throw new ForeignError(
      'UNSUPPORTED',
      `is sealed for ${describeRecipients(stanzas)}, and no such key is known here`,
      {
        hint: 'seal it for an age key, age1…',
      },
    );
  }
  return tryIdentities(stanzas, header, unlocking);
}

async function askFor(stanza: Stanza, { secrets, progress, name }: Unlocking): Promise<Uint8Array> {
  for (let tries = 0; tries < PASSPHRASE_TRIES; tries++) {
    const passphrase = await secrets.passphrase(tries === 0 ? name : `${name} (that was not it)`);
    progress('deriving the key', 0);
    try {
      const fileKey = await unwrapWithPassphrase(stanza, passphrase);
      progress('deriving the key', 1, 1);
      if (fileKey !== undefined) return fileKey;
    } finally {
      passphrase.fill(0);
    }
  }
  throw new ForeignError('KEY_NEEDED', `the passphrase is wrong, ${PASSPHRASE_TRIES} times`);
}

async function tryIdentities(
  stanzas: readonly Stanza[],
  header: Buffer,
  { secrets, readKeys }: Unlocking,
): Promise<Uint8Array> {
  const recipients = `is sealed for ${describeRecipients(stanzas)}`;
  const tried: string[] = [];
  for (const file of await secrets.identities()) {
    const identities = await readKeys(file);
    for (const identity of identities) {
      const fileKey = await identity.unwrap(stanzas, header);
      if (fileKey !== undefined) return fileKey;
    }
    tried.push(describeKeys(file.name, identities));
  }
  if (tried.length === 0) {
    throw new ForeignError('KEY_NEEDED', `${recipients}, and there is no key`, {
      hint: 'name a key file with -i',
    });
  }
  throw new ForeignError('KEY_NEEDED', `${recipients}, and no key fits; tried: ${tried.join(', ')}`, {
    hint: 'name another key file with -i',
  });
}

function describeKeys(name: string, identities: readonly Identity[]): string {
  const [only, ...others] = identities;
  const what = others.length === 0 ? (only?.recipient ?? '1 key') : `${identities.length} keys`;
  return `${name} (${what})`;
}
