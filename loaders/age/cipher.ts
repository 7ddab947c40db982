/** The primitives of the age specification, over memory that its owner can overwrite. */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';

export const KEY_SIZE = 32;
export const TAG_SIZE = 16;
const NONCE_SIZE = 12;
/** What wraps a file key is used once, so its nonce is zero. */
const ZERO_NONCE = new Uint8Array(NONCE_SIZE);

/**
 * HKDF-SHA-256 (RFC 5869) of one block, 32 bytes. Not hkdfSync: that keeps a copy of the secret until it is collected.
 */
export function hkdf(secret: Uint8Array, salt: Uint8Array, info: string): Buffer {
  const extracted = createHmac('sha256', salt).update(secret).digest();
  const key = createHmac('sha256', extracted).update(info).update(Buffer.of(1)).digest();
  extracted.fill(0);
  return key;
}

/** ChaCha20-Poly1305 of ciphertext with its tag behind it; undefined when the tag is wrong. */
export function openBox(
  key: Uint8Array,
  sealed: Uint8Array,
  nonce: Uint8Array = ZERO_NONCE,
): Buffer | undefined {
  const end = sealed.length - TAG_SIZE;
  const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG_SIZE });
  decipher.setAuthTag(sealed.subarray(end));
  const plain = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
    return plain;
  } catch {
    plain.fill(0);
    return undefined;
  }
}

/** The other way round; the result is `target`, which is as long as `plain` and a tag. */
export function sealBox(
  key: Uint8Array,
  plain: Uint8Array,
  nonce: Uint8Array = ZERO_NONCE,
  target: Uint8Array = Buffer.alloc(plain.length + TAG_SIZE),
): Uint8Array {
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG_SIZE });
  target.set(cipher.update(plain));
  cipher.final();
  target.set(cipher.getAuthTag(), plain.length);
  return target;
}
