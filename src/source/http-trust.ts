/** What a user vouches for a program from the network with: a digest, a key, or both, and then both must agree. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { ForeignError } from '../errors.ts';
import { type HttpAddress, parseSha256 } from './http-url.ts';
import { checkSignature, MAX_KEY_FILE, type PublicKey, parsePublicKey, type Signature } from './minisign.ts';

export interface Trust {
  readonly sha256: string | undefined;
  readonly key: PublicKey | undefined;
}

/** Throws UNAUTHENTICATED where there is neither, and USAGE where one is malformed or two digests disagree. */
export function trustFor(address: HttpAddress, sha256?: string, verifyKey?: string): Trust {
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

/** Throws UNAUTHENTICATED unless the content is what was vouched for. */
export function checkContent(blocks: readonly Buffer[], { sha256, key }: Trust, signature?: Signature): void {
  if (sha256 !== undefined) {
    const actual = digest('sha256', blocks);
    if (!timingSafeEqual(actual, Buffer.from(sha256, 'hex')))
      throw new ForeignError(
        'UNAUTHENTICATED',
        `is not what it is pinned to: its SHA-256 is ${actual.toString('hex')}`,
      );
  }
  if (key === undefined) return;
  if (signature === undefined) throw new ForeignError('INTERNAL', 'the signature was not fetched');
  const signed = signature.prehashed ? digest('blake2b512', blocks) : Buffer.concat(blocks);
  checkSignature(signature, signed, key);
}

function digest(algorithm: string, blocks: readonly Buffer[]): Buffer {
  const hash = createHash(algorithm);
  for (const block of blocks) hash.update(block);
  return hash.digest();
}

/** A key's text, or the name of the file that holds it. */
function publicKey(keyOrFile: string): PublicKey {
  return parsePublicKey(/^RW[A-Za-z0-9+/]{54}$/.test(keyOrFile) ? keyOrFile : keyFile(keyOrFile));
}

function keyFile(path: string): string {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const bytes = Buffer.alloc(MAX_KEY_FILE);
    return bytes.toString('latin1', 0, readSync(fd, bytes));
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
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
