/**
 * Recipient stanzas, what the sender has wrapped the file key for (C2SP age, Native recipient types). Their form is
 * checked before anybody is asked for a key.
 */
import { FormatError } from 'run-foreign/loader';
import type { Stanza } from './decoder.ts';

/** An encrypted file key and its tag: of another size it might be made to open with several keys. */
export const WRAPPED_KEY_SIZE = 32;

/** The arguments behind each type's name: how many bytes they are in base64, or what else they look like. */
const TYPES: Readonly<Record<string, readonly (number | RegExp)[]>> = {
  X25519: [32],
  scrypt: [16, /^[1-9][0-9]*$/],
  mlkem768x25519: [1120],
};

export const typeOf = (stanza: Stanza): string => stanza.args[0] ?? '';

export function isSupported(stanza: Stanza): boolean {
  return Object.hasOwn(TYPES, typeOf(stanza));
}

/** Throws FormatError for a stanza of a known type that is not as the type demands. */
export function checkStanzas(stanzas: readonly Stanza[], header: Buffer): void {
  for (const stanza of stanzas) {
    if (!isSupported(stanza)) continue;
    const form = TYPES[typeOf(stanza)] ?? [];
    const args = stanza.args.slice(1);
    const right =
      args.length === form.length &&
      form.every((wanted, index) => hasForm(args[index] ?? '', wanted)) &&
      stanza.body.length === WRAPPED_KEY_SIZE;
    if (!right) throw stanzaError('has a damaged recipient stanza', stanza, header);
    // A passphrase is also a promise of who sealed it, which others must not be able to share.
    if (typeOf(stanza) === 'scrypt' && stanzas.length > 1) {
      throw stanzaError('is sealed with a passphrase and for others, too', stanza, header);
    }
  }
}

function hasForm(text: string, wanted: number | RegExp): boolean {
  if (typeof wanted !== 'number') return wanted.test(text);
  const bytes = fromBase64(text);
  return bytes.length === wanted && toBase64(bytes) === text;
}

export const fromBase64 = (text: string): Buffer => Buffer.from(text, 'base64');
const toBase64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');

export function stanzaError(message: string, { args }: Stanza, header: Buffer): FormatError {
  const line = `-> ${args.join(' ')}`;
  const shown = line.length > 80 ? `${line.slice(0, 80)}…` : line;
  return new FormatError(message, { offset: header.indexOf(`${line}\n`), field: 'stanza', value: shown });
}

/** `2 recipients (X25519, ssh-ed25519)`. */
export function describeRecipients(stanzas: readonly Stanza[]): string {
  const types = [...new Set(stanzas.map(typeOf))].map((type) => type.slice(0, 40));
  const shown = types.length > 5 ? [...types.slice(0, 5), '…'] : types;
  return `${stanzas.length} recipient${stanzas.length === 1 ? '' : 's'} (${shown.join(', ')})`;
}
