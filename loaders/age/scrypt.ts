/** The scrypt recipient type (C2SP age): a passphrase. */
import { scrypt } from 'node:crypto';
import { ForeignError } from 'run-foreign/loader';
import { KEY_SIZE, openBox } from './cipher.ts';
import type { Stanza } from './decoder.ts';
import { fromBase64, stanzaError } from './stanzas.ts';

const LABEL = Buffer.from('age-encryption.org/v1/scrypt');
/** What age(1) accepts: 4 GiB of memory and some twenty seconds. It writes 18: 256 MiB and one second. */
const MAX_WORK_FACTOR = 22;
const BLOCK_SIZE = 8;

/** Throws FormatError, before anybody is asked for a passphrase. */
export function checkWorkFactor(stanza: Stanza, header: Buffer): void {
  if (workFactor(stanza) > MAX_WORK_FACTOR) {
    throw stanzaError(`has a scrypt work factor above ${MAX_WORK_FACTOR}`, stanza, header);
  }
}

/** The file key, or undefined for another passphrase. Throws MACHINE_REFUSED where there is too little memory. */
export async function unwrapWithPassphrase(
  stanza: Stanza,
  passphrase: Uint8Array,
): Promise<Buffer | undefined> {
  const salt = Buffer.concat([LABEL, fromBase64(stanza.args[1] ?? '')]);
  const wrapKey = await derive(passphrase, salt, 2 ** workFactor(stanza));
  try {
    return openBox(wrapKey, stanza.body);
  } finally {
    wrapKey.fill(0);
  }
}

const workFactor = (stanza: Stanza): number => Number(stanza.args[2]);

function derive(passphrase: Uint8Array, salt: Uint8Array, N: number): Promise<Buffer> {
  const memory = 128 * BLOCK_SIZE * (N + 2);
  return new Promise((resolve, reject) => {
    scrypt(passphrase, salt, KEY_SIZE, { N, r: BLOCK_SIZE, p: 1, maxmem: 2 * memory }, (cause, key) => {
      if (cause === null) return resolve(key);
      const message = `cannot be opened here: scrypt needs ${Math.ceil(memory / 2 ** 20)} MiB of memory`;
      return reject(new ForeignError('MACHINE_REFUSED', message, { cause }));
    });
  });
}
