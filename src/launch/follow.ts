/** Opens a program that a file names, a manifest. */
import { fstatSync, readlinkSync } from 'node:fs';
import { ForeignError, partError } from '../errors.ts';
import type { IdentityName, NamedProgram, Secrets } from '../loader/contract.ts';
import type { OpenedProgram } from '../loader/walk.ts';
import { isHttpUrl } from '../source/http-url.ts';
import type { BackingFile, OnProgress, Source } from '../source/source.ts';
import { findProgram } from './names.ts';

const SLASH = 0x2f;

/** Somebody who keeps what comes of a request, or closes it. */
export interface Watch {
  /** Something was opened on the way; whoever asks closes it, also after an error. */
  opened(source: Source & { close(): void }): void;
  /** More was asked than the files that were opened: their being the same does not say that the answer would be. */
  unsettled(): void;
}

export interface FollowOptions {
  /** A file of certificates to trust, too. */
  readonly extraCa?: string | undefined;
  /** Bytes. */
  readonly maxSize?: number | undefined;
  readonly progress?: OnProgress | undefined;
  readonly secretsWith?: ((identities: readonly IdentityName[]) => Secrets) | undefined;
  readonly watch?: Watch | undefined;
}

/**
 * `from` is the file that names the program, if it lies on this machine. Nothing is looked up in PATH, and no name
 * means a descriptor. Throws what findProgram does, and BAD_FORMAT.
 */
export async function followProgram(
  named: NamedProgram,
  from: BackingFile | undefined,
  { extraCa, maxSize, progress, secretsWith, watch }: FollowOptions,
): Promise<OpenedProgram> {
  const { sha256, verifyKey, identities } = named;
  const isUrl = isHttpUrl(Buffer.from(named.name).toString());
  const name = isUrl ? named.name : placed(named.name, from);
  const secrets = identities.map((each) =>
    each.kind === 'file' ? { ...each, path: placed(each.path, from) } : each,
  );
  const demanded = sha256 !== undefined || verifyKey !== undefined;
  watch?.unsettled();
  try {
    const network = { sha256, verifyKey, demanded, extraCa };
    const { source, path, exe } = await findProgram(name, undefined, network, maxSize, progress);
    watch?.opened(source);
    return { source, path, exe, secrets: secrets.length === 0 ? undefined : secretsWith?.(secrets) };
  } catch (cause) {
    throw partError('its program', cause);
  }
}

/** An absolute path: a relative one counts from the directory of the file `from`. */
function placed(path: Uint8Array, from: BackingFile | undefined): Uint8Array {
  if (path[0] === SLASH) return path;
  const directory = from && directoryOf(from);
  if (directory !== undefined) return Buffer.concat([directory, path]);
  const message = `names '${Buffer.from(path)}', and lies itself in no file whose directory that could count from`;
  throw new ForeignError('BAD_FORMAT', message, { hint: 'only absolute paths and URLs can be named there' });
}

/**
 * With a slash behind it: where the file itself lies, and not a symbolic link to it. A file that is nowhere any more
 * has none.
 */
function directoryOf({ fd }: BackingFile): Uint8Array | undefined {
  if (fstatSync(fd).nlink === 0) return undefined;
  const path = readlinkSync(`/proc/self/fd/${fd}`, 'buffer');
  return path[0] === SLASH ? path.subarray(0, path.lastIndexOf(SLASH) + 1) : undefined;
}
