/**
 * minisign (https://jedisct1.github.io/minisign/): Ed25519 over a file (`Ed`) or over its BLAKE2b-512 (`ED`), and
 * over that signature with the trusted comment. Everything here may be hostile but the public key.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { ForeignError } from '../errors.ts';

const KEY_ID = 8;
const PUBLIC_KEY = 2 + KEY_ID + 32;
const ED25519 = 64;
/** Bytes: minisign itself allows comments of 1024 and 8192 bytes. */
export const MAX_SIGNATURE_FILE = 16 * 1024;
export const MAX_KEY_FILE = 4 * 1024;

export interface PublicKey {
  readonly id: Buffer;
  readonly key: KeyObject;
}

export interface Signature {
  readonly id: Buffer;
  /** Whether BLAKE2b-512 of the content is signed, and not the content itself. */
  readonly prehashed: boolean;
  readonly bytes: Buffer;
}

/** A public key as minisign prints it: the base64 text alone, or the file with its comment. Throws USAGE. */
export function parsePublicKey(text: string): PublicKey {
  const lines = text.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('untrusted comment:'));
  const bytes = lines.length === 1 ? exactBase64(lines[0], PUBLIC_KEY) : undefined;
  if (bytes?.toString('latin1', 0, 2) !== 'Ed')
    throw new ForeignError('USAGE', 'the key to verify with is no public key of minisign', {
      hint: 'it is the line of minisign.pub that begins with RW',
    });
  const x = bytes.subarray(2 + KEY_ID).toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return { id: bytes.subarray(2, 2 + KEY_ID), key };
}

/** Reads a .minisig and checks all of it that can be checked without the content. Throws UNAUTHENTICATED. */
export function parseSignature(file: Uint8Array, key: PublicKey): Signature {
  if (file.length > MAX_SIGNATURE_FILE) throw unauthenticated('is larger than a signature can be');
  const text = Buffer.from(file).toString('latin1');
  const [untrusted, signature, trusted, global, ...rest] = text.split(/\r?\n/);
  const comment = /^trusted comment: (.*)$/s.exec(trusted ?? '')?.[1];
  const bytes = exactBase64(signature, 2 + KEY_ID + ED25519);
  const globalBytes = exactBase64(global, ED25519);
  const formed = untrusted?.startsWith('untrusted comment:') === true && rest.every((line) => line === '');
  if (!formed || comment === undefined || bytes === undefined || globalBytes === undefined)
    throw unauthenticated('is no signature of minisign');
  const algorithm = bytes.toString('latin1', 0, 2);
  if (algorithm !== 'Ed' && algorithm !== 'ED') throw unauthenticated('is of an unknown algorithm');
  const id = bytes.subarray(2, 2 + KEY_ID);
  if (!id.equals(key.id)) throw unauthenticated(`is by key ${keyName(id)}, not ${keyName(key.id)}`);
  const own = bytes.subarray(2 + KEY_ID);
  if (!verify(null, Buffer.concat([own, Buffer.from(comment, 'latin1')]), key.key, globalBytes))
    throw unauthenticated('has a trusted comment that the key did not sign');
  return { id, prehashed: algorithm === 'ED', bytes: own };
}

/** `signed` is the content, or its BLAKE2b-512 where the signature is of that. Throws UNAUTHENTICATED. */
export function checkSignature(signature: Signature, signed: Uint8Array, key: PublicKey): void {
  if (!verify(null, signed, key.key, signature.bytes)) throw unauthenticated('is of other content');
}

export function unauthenticated(what: string): ForeignError {
  return new ForeignError('UNAUTHENTICATED', `its signature ${what}`);
}

/** Key ids as minisign writes them: a little-endian number. */
function keyName(id: Buffer): string {
  return id.readBigUInt64LE().toString(16).toUpperCase().padStart(16, '0');
}

/** Buffer.from forgives everything, so what it made must give the same text again. */
function exactBase64(text: string | undefined, length: number): Buffer | undefined {
  const bytes = Buffer.from(text ?? '', 'base64');
  return bytes.length === length && bytes.toString('base64') === text ? bytes : undefined;
}
