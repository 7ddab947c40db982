/** The X25519 recipient type (C2SP age). */
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import { encode } from './bech32.ts';
import { hkdf, KEY_SIZE, openBox } from './cipher.ts';
import type { Stanza } from './decoder.ts';
import { fromBase64, stanzaError, typeOf } from './stanzas.ts';

/** What stands before the key in PKCS #8 and in SubjectPublicKeyInfo (RFC 8410). */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');

export class X25519Identity {
  readonly #key: KeyObject;
  readonly #public: Uint8Array;

  /** `secret` is 32 bytes, which the caller overwrites. */
  constructor(secret: Uint8Array) {
    const der = Buffer.concat([PRIVATE_PREFIX, secret]);
    this.#key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    der.fill(0);
    this.#public = createPublicKey(this.#key).export({ format: 'der', type: 'spki' }).subarray(-KEY_SIZE);
  }

  /** `age1…`. */
  get recipient(): string {
    return encode('age', this.#public);
  }

  /** The file key, if a stanza is for this identity. Throws FormatError for a share that no sender can have made. */
  unwrap(stanzas: readonly Stanza[], header: Buffer): Buffer | undefined {
    for (const stanza of stanzas) {
      if (typeOf(stanza) !== 'X25519') continue;
      const share = fromBase64(stanza.args[1] ?? '');
      const secret = this.#sharedSecret(share);
      if (secret === undefined) throw stanzaError('has a recipient stanza of low order', stanza, header);
      const wrapKey = hkdf(secret, Buffer.concat([share, this.#public]), 'age-encryption.org/v1/X25519');
      const fileKey = openBox(wrapKey, stanza.body);
      secret.fill(0);
      wrapKey.fill(0);
      if (fileKey !== undefined) return fileKey;
    }
    return undefined;
  }

  /** Undefined where it would be zero: OpenSSL refuses that. */
  #sharedSecret(share: Buffer): Buffer | undefined {
    const der = Buffer.concat([PUBLIC_PREFIX, share]);
    const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' });
    try {
      return diffieHellman({ privateKey: this.#key, publicKey });
    } catch {
      return undefined;
    }
  }
}
