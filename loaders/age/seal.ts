/**
 * The sealing half of age (C2SP, age-encryption.org/v1): a header that wraps a new file key for each recipient, then
 * the payload in chunks. The header is age-encryption's; the chunks are ours: they stream, at OpenSSL's speed.
 */
import { randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { CHUNK_SIZE, CHUNKS_AT_ONCE, chunkNonce, SEALED_CHUNK_SIZE } from './chunks.ts';
import { hkdf, KEY_SIZE, sealBox, TAG_SIZE } from './cipher.ts';
import { NONCE_SIZE } from './header.ts';
import { chunksOf, regrouped } from './regroup.ts';

const SALT_SIZE = 16;
/** What age(1) takes, too: a second of work and 256 MiB of memory for every guess. */
const WORK_FACTOR = 18;
const BLOCK_SIZE = 8;
const SCRYPT_LABEL = Buffer.from('age-encryption.org/v1/scrypt');

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

/** As age-encryption's own, but with a passphrase that can be overwritten, and OpenSSL's scrypt. */
async function passphraseRecipient(passphrase: Uint8Array) {
  const { Stanza } = await import('./decoder.ts');
  const salt = randomBytes(SALT_SIZE);
  const key = await derive(passphrase, Buffer.concat([SCRYPT_LABEL, salt]), KEY_SIZE, {
    N: 2 ** WORK_FACTOR,
    r: BLOCK_SIZE,
    p: 1,
    maxmem: 2 ** 29,
  });
  return {
    wrapFileKey(fileKey: Uint8Array) {
      const body = sealBox(key, fileKey);
      key.fill(0);
      return [new Stanza(['scrypt', salt.toString('base64').replace(/=+$/, ''), String(WORK_FACTOR)], body)];
    },
  };
}

const derive = promisify<Uint8Array, Uint8Array, number, object, Buffer>(scrypt);

/**
 * The sealed file, piece by piece, as `input` comes; a piece is valid until the next is asked for. Overwrites the file
 * key, and what it kept of the input, whether it ends or is ended.
 */
export async function* sealed(
  input: AsyncIterable<Uint8Array>,
  { bytes, fileKey }: SealHeader,
): AsyncGenerator<Uint8Array, void, undefined> {
  const nonce = randomBytes(NONCE_SIZE);
  const key = hkdf(fileKey, nonce, 'payload');
  fileKey.fill(0);
  const target = Buffer.alloc(CHUNKS_AT_ONCE * SEALED_CHUNK_SIZE);
  try {
    yield Buffer.concat([bytes, nonce]);
    for await (const run of regrouped(input, CHUNK_SIZE, CHUNKS_AT_ONCE)) {
      let size = 0;
      for (const { bytes, counter, final } of chunksOf(run, CHUNK_SIZE)) {
        const box = target.subarray(size, size + bytes.length + TAG_SIZE);
        size += sealBox(key, bytes, chunkNonce(counter, final), box).length;
      }
      yield target.subarray(0, size);
    }
  } finally {
    key.fill(0);
  }
}
