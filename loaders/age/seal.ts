/**
 * The sealing half of age (C2SP, age-encryption.org/v1): a header that wraps a new file key for each recipient, then
 * the payload in chunks of 64 KiB. The header is age-encryption's, the chunks are ours: they stream, at OpenSSL's speed.
 */
import { createCipheriv, hkdfSync, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';

/** The specification's STREAM: each chunk is ChaCha20-Poly1305, and only the last one may be shorter. */
export const CHUNK_SIZE = 64 * 1024;
const TAG_SIZE = 16;
const NONCE_SIZE = 16;
const SALT_SIZE = 16;
/** What the age tool takes, too: a second of work and 256 MiB for every guess. */
const SCRYPT_LOG_N = 18;
const SCRYPT_LABEL = 'age-encryption.org/v1/scrypt';

/** Who is to be able to open what is sealed: the specification allows no mixture of the two. */
export type SealFor =
  | { readonly recipients: readonly string[] }
  /** Its bytes remain the caller's, who overwrites them. */
  | { readonly passphrase: Uint8Array };

export interface SealHeader {
  readonly bytes: Uint8Array;
  /** Secret; `sealed` overwrites it. */
  readonly fileKey: Uint8Array;
}

/** The header of a new file. Throws where age-encryption refuses a recipient (see `checkRecipient`). */
export async function sealHeader(sealFor: SealFor): Promise<SealHeader> {
  const { Encrypter } = await import('./decoder.ts');
  const encrypter = new Encrypter();
  let fileKey: Uint8Array = new Uint8Array(0);
  if ('passphrase' in sealFor) encrypter.addRecipient(await passphraseRecipient(sealFor.passphrase));
  else for (const recipient of sealFor.recipients) encrypter.addRecipient(recipient);
  encrypter.addRecipient({
    wrapFileKey(key) {
      fileKey = key;
      return [];
    },
  });
  // A file with nothing in it is a header, a nonce and an empty chunk.
  const empty = await encrypter.encrypt(new Uint8Array(0));
  return { bytes: empty.subarray(0, empty.length - NONCE_SIZE - TAG_SIZE), fileKey };
}

/** Throws unless files can be sealed for this recipient; the error is age-encryption's. */
export async function checkRecipient(recipient: string): Promise<void> {
  const { fileKey } = await sealHeader({ recipients: [recipient] });
  fileKey.fill(0);
}

/** As age-encryption's own, but for the passphrase, which is no string here, and for speed. */
async function passphraseRecipient(passphrase: Uint8Array) {
  const { Stanza } = await import('./decoder.ts');
  const salt = randomBytes(SALT_SIZE);
  const key = await deriveKey(passphrase, Buffer.concat([Buffer.from(SCRYPT_LABEL), salt]));
  return {
    wrapFileKey(fileKey: Uint8Array) {
      const body = encryptedChunk(key, Buffer.alloc(12), fileKey);
      key.fill(0);
      const text = salt.toString('base64').replace(/=+$/, '');
      return [new Stanza(['scrypt', text, String(SCRYPT_LOG_N)], body)];
    },
  };
}

const deriveKey = (passphrase: Uint8Array, salt: Uint8Array): Promise<Buffer> =>
  scryptOf(passphrase, salt, 32, { N: 2 ** SCRYPT_LOG_N, r: 8, p: 1, maxmem: 2 ** 29 });
const scryptOf = promisify<Uint8Array, Uint8Array, number, object, Buffer>(scrypt);

/**
 * The sealed file, piece by piece, as `input` comes. Overwrites the file key, and what it kept of the input, whether it
 * ends or is ended.
 */
export async function* sealed(
  input: AsyncIterable<Uint8Array>,
  { bytes, fileKey }: SealHeader,
): AsyncGenerator<Uint8Array, void, undefined> {
  const nonce = randomBytes(NONCE_SIZE);
  const key = Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32));
  const chunk = Buffer.alloc(CHUNK_SIZE);
  let size = 0;
  let index = 0;
  try {
    yield bytes;
    yield nonce;
    for await (const piece of input) {
      for (let done = 0; done < piece.length; ) {
        // Only now is it known not to be the last.
        if (size === CHUNK_SIZE) {
          yield encryptedChunk(key, chunkNonce(index++, false), chunk);
          size = 0;
        }
        const part = piece.subarray(done, done + CHUNK_SIZE - size);
        chunk.set(part, size);
        size += part.length;
        done += part.length;
      }
    }
    yield encryptedChunk(key, chunkNonce(index, true), chunk.subarray(0, size));
  } finally {
    for (const secret of [fileKey, key, chunk]) secret.fill(0);
  }
}

/** Ciphertext and tag. */
function encryptedChunk(key: Uint8Array, nonce: Uint8Array, chunk: Uint8Array): Buffer {
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG_SIZE });
  return Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()]);
}

/** 11 bytes that count, big-endian, and one that marks the last chunk. */
function chunkNonce(index: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(index, 5, 6);
  nonce[11] = last ? 1 : 0;
  return nonce;
}
