/** Keys and signatures as minisign makes them. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export interface SigningKey {
  readonly id: Buffer;
  readonly secret: KeyObject;
  /** What --verify-key takes. */
  readonly text: string;
}

export function signingKey(id = '01234567'): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const { x } = publicKey.export({ format: 'jwk' });
  const raw = Buffer.from(String(x), 'base64url');
  const text = Buffer.concat([Buffer.from('Ed'), Buffer.from(id), raw]).toString('base64');
  return { id: Buffer.from(id), secret: privateKey, text };
}

export interface SignatureChoices {
  readonly algorithm?: 'Ed' | 'ED';
  readonly comment?: string;
}

/** The text of a .minisig. */
export function minisig(content: Uint8Array, key: SigningKey, choices: SignatureChoices = {}): string {
  const { algorithm = 'ED', comment = 'timestamp:1 file:x' } = choices;
  const message = algorithm === 'ED' ? createHash('blake2b512').update(content).digest() : content;
  const bytes = sign(null, message, key.secret);
  const global = sign(null, Buffer.concat([bytes, Buffer.from(comment)]), key.secret);
  const first = Buffer.concat([Buffer.from(algorithm), key.id, bytes]).toString('base64');
  return `untrusted comment: a signature\n${first}\ntrusted comment: ${comment}\n${global.toString('base64')}\n`;
}
