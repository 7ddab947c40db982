/** What a user vouches for a program with: a digest, a key, or both, and then both must agree. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { ForeignError } from '../errors.ts';
import { readSmall } from './file.ts';
import { type HttpAddress, parseSha256 } from './http-url.ts';
import { checkSignature, MAX_KEY_FILE, type PublicKey, parsePublicKey, type Signature } from './minisign.ts';

export interface Trust {
  readonly sha256: string | undefined;
  readonly key: PublicKey | undefined;
}

/**
 * `address` is what a URL says, which may hold a digest itself. Throws UNAUTHENTICATED where there is neither a
 * digest nor a key, and USAGE where one is malformed or two digests disagree.
 */
export function trustFor(
  address: Partial<Pick<HttpAddress, 'sha256'>>,
  sha256?: string,
  verifyKey?: string,
): Trust {
  const given = sha256 === undefined ? undefined : parseSha256(sha256);
  const pin = address.sha256 ?? given;
  if (given !== undefined && given !== pin)
    throw new ForeignError('USAGE', 'the URL is pinned to another SHA-256 than the one given with it');
  if (pin === undefined && verifyKey === undefined)
    throw new ForeignError('UNAUTHENTICATED', 'comes from the network and is neither pinned nor signed', {
      hint: 'append #sha256=HEX, which sha256sum prints for a copy you trust, or give --verify-key',
    });
  return { sha256: pin, key: verifyKey === undefined ? undefined : publicKey(verifyKey) };
}

/** Compares content with what was vouched for, while it comes. */
export interface ContentCheck {
  /** The next bytes, in order. */
  update(bytes: Uint8Array): void;
  /** `content` is all bytes. Throws UNAUTHENTICATED unless they are what was vouched for. */
  finish(content: Uint8Array): void;
}

/** What `trust` asks for; where that is a pin and a key, both. */
export function contentCheck({ sha256, key }: Trust, signature: Signature | undefined): ContentCheck {
  const checks: ContentCheck[] = [];
  if (sha256 !== undefined) checks.push(pinCheck(sha256));
  if (key !== undefined) checks.push(signatureCheck(key, signature));
  return {
    update(bytes) {
      for (const check of checks) check.update(bytes);
    },
    finish(content) {
      for (const check of checks) check.finish(content);
    },
  };
}

function pinCheck(sha256: string): ContentCheck {
  const hash = createHash('sha256');
  return {
    update: (bytes) => void hash.update(bytes),
    finish() {
      const actual = hash.digest();
      if (timingSafeEqual(actual, Buffer.from(sha256, 'hex'))) return;
      const found = `its SHA-256 is ${actual.toString('hex')}`;
      throw new ForeignError('UNAUTHENTICATED', `is not what it is pinned to: ${found}`);
    },
  };
}

function signatureCheck(key: PublicKey, signature: Signature | undefined): ContentCheck {
  if (signature === undefined) throw new ForeignError('INTERNAL', 'the signature was not fetched');
  if (!signature.prehashed)
    return { update: () => {}, finish: (content) => checkSignature(signature, content, key) };
  const hash = createHash('blake2b512');
  return {
    update: (bytes) => void hash.update(bytes),
    finish: () => checkSignature(signature, hash.digest(), key),
  };
}

/** A key's text, or the name of the file that holds it. */
function publicKey(keyOrFile: string): PublicKey {
  return parsePublicKey(/^RW[A-Za-z0-9+/]{54}$/.test(keyOrFile) ? keyOrFile : keyFile(keyOrFile));
}

function keyFile(path: string): string {
  try {
    return readSmall(path, MAX_KEY_FILE).toString('latin1');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new ForeignError(
      'USAGE',
      `the key to verify with cannot be read from the file '${path}': ${code}`,
      {
        hint: 'the key itself begins with RW and has 56 characters',
        cause,
      },
    );
  }
}
