/**
 * A program on this machine that the user vouches for. The kernel would map its file later than it can be checked, and
 * somebody may write to it in between; so it is read into memory, and what was checked is what is run. Loaded only when
 * somebody asks for that.
 */
import { constants } from 'node:buffer';
import { about, ForeignError } from '../errors.ts';
import { readSmall } from './file.ts';
import { memorySource } from './memory.ts';
import { MAX_SIGNATURE_FILE, type PublicKey, parseSignature, type Signature } from './minisign.ts';
import type { OnProgress, Source } from './source.ts';
import { contentCheck, trustFor } from './trust.ts';

const PIECE = 4 * 2 ** 20;

export interface PinOptions {
  /** Hex digits. */
  readonly sha256?: string | undefined;
  /** A public key of minisign, or a file with one. */
  readonly verifyKey?: string | undefined;
  /** The file beside which the signature lies, with .minisig behind its name; undefined where there is none. */
  readonly signed: Uint8Array | undefined;
  /** The most that is read, bytes. */
  readonly maxSize: number;
  readonly progress: OnProgress;
}

/** The bytes of `source`, which are no file's any more. Throws UNAUTHENTICATED, USAGE or TOO_BIG. */
export async function pinnedSource(source: Source, options: PinOptions): Promise<Source> {
  return about(source.name, async () => {
    const trust = trustFor({}, options.sha256, options.verifyKey);
    const check = contentCheck(trust, trust.key && signatureOf(options.signed, trust.key));
    if (source.size > Math.min(options.maxSize, constants.MAX_LENGTH)) {
      throw new ForeignError('TOO_BIG', `is larger than ${options.maxSize} bytes, too large to be checked`, {
        hint: 'see --max-size',
      });
    }
    const bytes = Buffer.allocUnsafeSlow(source.size);
    for (let at = 0; at < bytes.length; at += PIECE) {
      const piece = await source.read(at, Math.min(PIECE, bytes.length - at));
      bytes.set(piece, at);
      check.update(piece);
      options.progress('checking', at + piece.length, bytes.length);
    }
    check.finish(bytes);
    return memorySource(bytes, source.name, source.confidential);
  });
}

function signatureOf(path: Uint8Array | undefined, key: PublicKey): Signature {
  if (path === undefined) {
    throw new ForeignError('USAGE', 'comes through a descriptor, and no signature lies beside it', {
      hint: 'give --sha256, or the name of a file',
    });
  }
  const name = Buffer.concat([path, Buffer.from('.minisig')]);
  try {
    // One byte more shows that it is too long.
    return parseSignature(readSmall(name, MAX_SIGNATURE_FILE + 1), key);
  } catch (cause) {
    if (cause instanceof ForeignError) throw cause;
    const why = (cause as NodeJS.ErrnoException).code;
    throw new ForeignError('UNAUTHENTICATED', `is not signed: ${name} cannot be read (${why})`, { cause });
  }
}
