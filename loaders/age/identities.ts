/**
 * Identity files (age-keygen(1)): one secret key a line, blank lines and `#` comments; or such a file sealed with a
 * passphrase. What is wrong in them is named by file and line, never by what stands there.
 */
import { ForeignError, type IdentityFile } from 'run-foreign/loader';
import { decodeUpperCase } from './bech32.ts';
import { KEY_SIZE } from './cipher.ts';
import { Decrypter, type Stanza } from './decoder.ts';
import { BEGIN_ARMOR, MAGIC } from './magic.ts';
import { X25519Identity } from './x25519.ts';

export interface Identity {
  /** Its public half, where that is short enough to be shown. */
  readonly recipient?: string;
  /** The file key, if a stanza is for this identity. */
  unwrap(stanzas: readonly Stanza[], header: Buffer): Promise<Uint8Array | undefined>;
}

const LF = 0x0a;
const CR = 0x0d;
const HASH = 0x23;
const X25519_PREFIX = 'AGE-SECRET-KEY-';
const HYBRID_PREFIX = 'AGE-SECRET-KEY-PQ-';

/** Whether the file is sealed itself, with a passphrase. */
export function isSealed({ bytes }: IdentityFile): boolean {
  return beginsWith(bytes, MAGIC) || beginsWith(bytes, BEGIN_ARMOR);
}

/** Throws USAGE for a line that is no key, UNSUPPORTED for keys of other kinds. */
export async function parseIdentities({ name, bytes }: IdentityFile): Promise<Identity[]> {
  if (beginsWith(bytes, '-----BEGIN OPENSSH PRIVATE KEY-----')) {
    throw unsupported(name, 'holds an OpenSSH private key');
  }
  const identities: Identity[] = [];
  let number = 0;
  for (const line of lines(bytes)) {
    number += 1;
    if (line.length === 0 || line[0] === HASH) continue;
    if (beginsWith(line, 'AGE-PLUGIN-')) throw unsupported(name, `names a plugin of age in line ${number}`);
    const identity = x25519(line) ?? hybrid(line);
    if (identity === undefined) {
      throw new ForeignError('USAGE', `line ${number} is no age key`, {
        subject: name,
        hint: 'a key file holds lines AGE-SECRET-KEY-1…, as age-keygen writes them',
      });
    }
    identities.push(identity);
  }
  if (identities.length > 0) return identities;
  throw new ForeignError('USAGE', 'holds no key', { subject: name });
}

function unsupported(name: string, what: string): ForeignError {
  return new ForeignError('UNSUPPORTED', what, {
    subject: name,
    hint: 'keys can be AGE-SECRET-KEY-1… and AGE-SECRET-KEY-PQ-1…, as age-keygen writes them',
  });
}

function* lines(bytes: Uint8Array): Generator<Uint8Array> {
  for (let from = 0; from < bytes.length; ) {
    const found = bytes.indexOf(LF, from);
    const end = found < 0 ? bytes.length : found;
    yield bytes.subarray(from, end > from && bytes[end - 1] === CR ? end - 1 : end);
    from = end + 1;
  }
}

function x25519(line: Uint8Array): Identity | undefined {
  const secret = decodeUpperCase(X25519_PREFIX, line);
  try {
    if (secret?.length !== KEY_SIZE) return undefined;
    const identity = new X25519Identity(secret);
    return {
      recipient: identity.recipient,
      unwrap: async (stanzas, header) => identity.unwrap(stanzas, header),
    };
  } finally {
    secret?.fill(0);
  }
}

/** The package takes such a key as a string only, so a copy of it stays until it is collected. */
function hybrid(line: Uint8Array): Identity | undefined {
  const secret = decodeUpperCase(HYBRID_PREFIX, line);
  secret?.fill(0);
  if (secret?.length !== KEY_SIZE) return undefined;
  return {
    async unwrap(_, header) {
      const decrypter = new Decrypter();
      let missed = false;
      decrypter.addIdentity(Buffer.from(line).toString('latin1'));
      decrypter.addIdentity({
        unwrapFileKey() {
          missed = true;
          return null;
        },
      });
      try {
        return await decrypter.decryptHeader(header);
      } catch (cause) {
        if (missed) return undefined;
        throw cause;
      }
    },
  };
}

function beginsWith(bytes: Uint8Array, start: Uint8Array | string): boolean {
  const wanted = Buffer.from(start);
  return wanted.equals(bytes.subarray(0, wanted.length));
}
