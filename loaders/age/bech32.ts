/** Bech32 (BIP 173) without its limit on length, over bytes: a secret key must not become a string. */
const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const SEPARATOR = 0x31;
const CHECKSUM_LENGTH = 6;
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

/** By lower-case character code. */
const VALUES = new Map([...ALPHABET].map((character, value) => [character.charCodeAt(0), value]));

/**
 * The data of `text`, which must begin with `prefix` and `1`, both in capitals; undefined if it does not, or its
 * checksum is wrong.
 */
export function decodeUpperCase(prefix: string, text: Uint8Array): Buffer | undefined {
  const head = Buffer.from(`${prefix}1`);
  if (!head.equals(text.subarray(0, head.length))) return undefined;
  const words = Buffer.alloc(text.length - head.length);
  let data: Buffer | undefined;
  if (words.length >= CHECKSUM_LENGTH && toValues(text.subarray(head.length), words)) {
    const sum = checksum([...expanded(prefix.toLowerCase()), words]);
    if (sum === 1) data = toBytes(words.subarray(0, -CHECKSUM_LENGTH));
  }
  words.fill(0);
  return data;
}

/** In lower case. Not for secrets. */
export function encode(prefix: string, data: Uint8Array): string {
  const words = toWords(data);
  const sum = checksum([...expanded(prefix), words, new Uint8Array(CHECKSUM_LENGTH)]) ^ 1;
  const sumWords = Array.from({ length: CHECKSUM_LENGTH }, (_, index) => (sum >>> (5 * (5 - index))) & 31);
  return `${prefix}${String.fromCharCode(SEPARATOR)}${[...words, ...sumWords].map((word) => ALPHABET[word]).join('')}`;
}

/** Whether every character is of the alphabet, in capitals. */
function toValues(text: Uint8Array, values: Uint8Array): boolean {
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? 0;
    const letter = character >= 0x41 && character <= 0x5a;
    const value = VALUES.get(letter ? character + 0x20 : character);
    if (value === undefined || (!letter && character >= 0x61)) return false;
    values[index] = value;
  }
  return true;
}

function expanded(prefix: string): Uint8Array[] {
  const codes = Buffer.from(prefix);
  return [codes.map((code) => code >> 5), Uint8Array.of(0), codes.map((code) => code & 31)];
}

function checksum(parts: readonly Uint8Array[]): number {
  let sum = 1;
  for (const part of parts) {
    for (const value of part) {
      const top = sum >>> 25;
      sum = ((sum & 0x1ffffff) << 5) ^ value;
      GENERATOR.forEach((term, bit) => {
        if (((top >> bit) & 1) === 1) sum ^= term;
      });
    }
  }
  return sum >>> 0;
}

/** Groups of five bits to bytes; what is left over must be less than five bits, and zero. */
function toBytes(words: Uint8Array): Buffer | undefined {
  const bytes = Buffer.alloc((words.length * 5) >> 3);
  let buffer = 0;
  let bits = 0;
  let at = 0;
  for (const word of words) {
    buffer = ((buffer << 5) | word) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = buffer >> bits;
  }
  if (bits < 5 && (buffer & ((1 << bits) - 1)) === 0) return bytes;
  bytes.fill(0);
  return undefined;
}

function toWords(bytes: Uint8Array): Uint8Array {
  const words = new Uint8Array(Math.ceil((bytes.length * 8) / 5));
  for (let index = 0; index < words.length; index++) {
    const bit = index * 5;
    const pair = ((bytes[bit >> 3] ?? 0) << 8) | (bytes[(bit >> 3) + 1] ?? 0);
    words[index] = (pair >> (11 - (bit & 7))) & 31;
  }
  return words;
}
