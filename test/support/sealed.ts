/** Sealed files and the keys to them, and the loader of age files at work. */
import {
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from 'age-encryption';
import { age } from '../../loaders/age/index.ts';
import { ForeignError } from '../../src/errors.ts';
import type { LoadContext, Secrets } from '../../src/loader/contract.ts';
import { memorySource } from '../../src/source/memory.ts';
import type { Source } from '../../src/source/source.ts';
import { contextOf } from './resolve.ts';

export interface KeyPair {
  /** `AGE-SECRET-KEY-1…`. */
  readonly secret: string;
  /** `age1…`. */
  readonly recipient: string;
}

export async function keyPair(kind: 'X25519' | 'post-quantum' = 'X25519'): Promise<KeyPair> {
  const secret = await (kind === 'X25519' ? generateX25519Identity() : generateHybridIdentity());
  return { secret, recipient: await identityToRecipient(secret) };
}

/** An age file for these recipients. */
export async function sealFor(plain: Uint8Array, ...recipients: readonly string[]): Promise<Buffer> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return Buffer.from(await encrypter.encrypt(plain));
}

/** An age file that a passphrase opens, quickly. */
export async function sealWith(plain: Uint8Array, passphrase: string): Promise<Buffer> {
  const encrypter = new Encrypter();
  encrypter.setScryptWorkFactor(10);
  encrypter.setPassphrase(passphrase);
  return Buffer.from(await encrypter.encrypt(plain));
}

export const SEALED_CHUNK_SIZE = 65536 + 16;

/** Where the payload's chunks begin, bytes. */
export function payloadAt(sealed: Buffer): number {
  return sealed.indexOf('\n', sealed.indexOf('\n---') + 1) + 1 + 16;
}

/** What stands before the chunks, and each chunk. */
export function chunksOf(sealed: Buffer): { head: Buffer; chunks: Buffer[] } {
  const start = payloadAt(sealed);
  const chunks: Buffer[] = [];
  for (let at = start; at < sealed.length; at += SEALED_CHUNK_SIZE) {
    chunks.push(sealed.subarray(at, at + SEALED_CHUNK_SIZE));
  }
  return { head: sealed.subarray(0, start), chunks };
}

/** Keys in one file, and what is typed when a passphrase is asked for: each once, then the last for ever. */
export function keys(
  identities: readonly string[],
  passphrases: readonly string[] = [],
  asked: string[] = [],
): Secrets {
  return {
    async identities() {
      if (identities.length === 0) return [];
      return [{ name: 'key.txt', bytes: Buffer.from(`${identities.join('\n')}\n`) }];
    },
    async passphrase(purpose) {
      const passphrase = passphrases[Math.min(asked.length, passphrases.length - 1)];
      asked.push(purpose);
      if (passphrase === undefined) throw new ForeignError('KEY_NEEDED', 'nobody is there');
      return Buffer.from(passphrase);
    },
  };
}

/** What is inside a sealed file. */
export async function openSealed(
  sealed: Source | Uint8Array,
  secrets: Secrets,
  context: Partial<LoadContext> = {},
): Promise<Source> {
  const source = sealed instanceof Uint8Array ? memorySource(sealed, 'sealed') : sealed;
  const loaded = await age.load(source, { ...contextOf({}), secrets, ...context });
  if (loaded.kind !== 'unwrap') throw new Error(`it is ${loaded.kind}`);
  return loaded.source;
}

/** All of it, and checked. */
export async function unseal(sealed: Source | Uint8Array, secrets: Secrets): Promise<Buffer> {
  const source = await openSealed(sealed, secrets);
  const plain = Buffer.from(await source.read(0, source.size));
  await source.checkAll?.();
  return plain;
}
