/** From an age file to what is inside it. */
import {
  about,
  ForeignError,
  type IdentityFile,
  type LoadContext,
  memorySource,
  type Source,
} from 'run-foreign/loader';
import { withoutArmor } from './armor.ts';
import { hkdf, KEY_SIZE } from './cipher.ts';
import { readHeader } from './header.ts';
import { type Identity, isSealed, parseIdentities } from './identities.ts';
import { MAGIC } from './magic.ts';
import { openPayload } from './payload.ts';
import { type Unlocking, unlock } from './unlock.ts';

/**
 * The program in an age file. Its header and its last chunk are authentic, so the size is; every read checks what it
 * gives. Throws KEY_NEEDED, UNSUPPORTED, TOO_BIG, FormatError.
 */
export async function openProgram(source: Source, context: LoadContext): Promise<Source> {
  const confidential = context.confidential || source.confidential;
  return openSealed(source, withUserKeys(source.name, context), confidential, context.limits.maxSize);
}

/** What the user's keys unlock, among them those in key files that are sealed themselves. */
export function withUserKeys(
  name: string,
  { secrets, progress }: Pick<LoadContext, 'secrets' | 'progress'>,
): Unlocking {
  const unlocking: Unlocking = {
    secrets,
    progress,
    name,
    readKeys: async (file) => (isSealed(file) ? openKeyFile(file, unlocking) : parseIdentities(file)),
  };
  return unlocking;
}

/** More than that no key file is. */
const MAX_KEY_FILE_SIZE = 2 ** 20;

/** A key file that is sealed with a passphrase: never with keys, which might be its own. */
async function openKeyFile(file: IdentityFile, { secrets, progress }: Unlocking): Promise<Identity[]> {
  return about(file.name, async () => {
    const unlocking: Unlocking = {
      progress,
      name: `the key file ${file.name}`,
      secrets: { passphrase: (purpose) => secrets.passphrase(purpose), identities: async () => [] },
      readKeys: async () => [],
    };
    const source = await openSealed(memorySource(file.bytes, file.name), unlocking, true, MAX_KEY_FILE_SIZE);
    try {
      return await parseIdentities({ name: file.name, bytes: await source.read(0, source.size) });
    } finally {
      source.wipe?.();
    }
  });
}

async function openSealed(
  source: Source,
  unlocking: Unlocking,
  confidential: boolean,
  maxSize: number,
): Promise<Source> {
  const start = await source.read(0, Math.min(1, source.size));
  // Before armor white space may stand, so what it begins with does not tell it.
  const binary = start[0] === MAGIC[0] ? source : await withoutArmor(source, maxSize);
  const { payloadKey, payloadAt } = await openHeader(binary, unlocking);
  // Shared with the second thread that decrypts.
  const key = new Uint8Array(new SharedArrayBuffer(KEY_SIZE));
  key.set(payloadKey);
  payloadKey.fill(0);
  const payload = await openPayload(binary, payloadAt, key, confidential, unlocking.progress);
  if (payload.size <= maxSize) return payload;
  payload.wipe?.();
  throw new ForeignError('TOO_BIG', `holds more than ${maxSize} bytes`, {
    hint: 'allow more with --max-size',
  });
}

/** The key of the chunks, which the caller overwrites, and the file offset of the first one. Only the header is read. */
export async function openHeader(
  binary: Source,
  unlocking: Unlocking,
): Promise<{ payloadKey: Uint8Array; payloadAt: number }> {
  const header = await readHeader(binary);
  const fileKey = await unlock(header, unlocking);
  const payloadKey = hkdf(fileKey, header.nonce, 'payload');
  fileKey.fill(0);
  return { payloadKey, payloadAt: header.end };
}
