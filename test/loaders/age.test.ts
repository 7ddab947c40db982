/** age: what is read where, damage of every kind, keys, and what is left when it was wiped. */
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { ForeignError, FormatError } from '../../src/errors.ts';
import { memorySource } from '../../src/source/memory.ts';
import type { Source } from '../../src/source/source.ts';
import { foreignError, formatError } from '../support/errors.ts';
import { sampleBytes } from '../support/packed.ts';
import { Random } from '../support/random.ts';
import { resolveSource } from '../support/resolve.ts';
import {
  chunksOf,
  keyPair,
  keys,
  openSealed,
  payloadAt,
  SEALED_CHUNK_SIZE,
  sealFor,
  sealWith,
  unseal,
} from '../support/sealed.ts';

const CHUNK = 65536;
const KEY = await keyPair();
const OTHER = await keyPair();
const OWN = keys([KEY.secret]);

function randomBytes(size: number, seed = 5): Buffer {
  const random = new Random(seed);
  return Buffer.from(Array.from({ length: size }, () => random.below(256)));
}

/** Four chunks, the last of which is short. */
const PLAIN = randomBytes(3 * CHUNK + 1000);
const SEALED = await sealFor(PLAIN, KEY.recipient);
const START = payloadAt(SEALED);

/** Counts the bytes that are read of a source. */
function counting(bytes: Uint8Array): { source: Source; reads: [number, number][] } {
  const inner = memorySource(bytes, 'sealed');
  const reads: [number, number][] = [];
  const source: Source = {
    ...inner,
    read(offset, length) {
      reads.push([offset, length]);
      return inner.read(offset, length);
    },
  };
  return { source, reads };
}

describe('what is inside', () => {
  test.each([0, 1, 15, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 17])('%d bytes', async (size) => {
    const plain = PLAIN.subarray(0, size);
    expect((await unseal(await sealFor(plain, KEY.recipient), OWN)).equals(plain)).toBe(true);
  });

  test('any part of it, read in any order, into memory of the caller or not', async () => {
    const source = await openSealed(SEALED, OWN);
    const random = new Random(7);
    for (let times = 0; times < 200; times++) {
      const offset = random.below(PLAIN.length);
      const length = random.below(PLAIN.length - offset + 1);
      const target = Buffer.alloc(length);
      await source.readInto?.(offset, target);
      expect(target.equals(PLAIN.subarray(offset, offset + length))).toBe(true);
      const read = await source.read(offset, Math.min(length, 300));
      expect(target.subarray(0, 300).equals(read)).toBe(true);
    }
  });

  test('several parts at the same time', async () => {
    const source = await openSealed(SEALED, OWN);
    const offsets = Array.from({ length: 40 }, (_, index) => (index * 7919) % (PLAIN.length - 5000));
    const parts = await Promise.all(offsets.map((offset) => source.read(offset, 5000)));
    parts.forEach((part, index) => {
      const offset = offsets[index] ?? 0;
      expect(PLAIN.subarray(offset, offset + 5000).equals(part)).toBe(true);
    });
  });

  test('nothing past the end', async () => {
    const source = await openSealed(SEALED, OWN);
    expect((await foreignError(() => source.read(PLAIN.length - 1, 2))).code).toBe('BAD_FORMAT');
  });

  test('what a post-quantum key opens', async () => {
    const key = await keyPair('post-quantum');
    expect(
      (await unseal(await sealFor(PLAIN, key.recipient), keys([OTHER.secret, key.secret]))).equals(PLAIN),
    ).toBe(true);
  });
});

describe('what is read of the sealed file', () => {
  test('of a program the header and the last chunk, and those that its headers are in', async () => {
    const program = Buffer.concat([sampleBytes('elf/x86_64/tally-static'), Buffer.alloc(40 * CHUNK)]);
    const sealed = await sealFor(program, KEY.recipient);
    const start = payloadAt(sealed);
    const { source, reads } = counting(sealed);
    const { image } = await resolveSource(source, {}, { secrets: OWN });
    expect(image.segments.length).toBeGreaterThan(1);
    const beyond = reads.filter(([offset]) => offset >= start);
    const chunks = new Set(beyond.map(([offset]) => (offset - start) / SEALED_CHUNK_SIZE));
    expect([...chunks].sort((a, b) => a - b)).toEqual([0, 40]);
    expect(beyond.every(([, length]) => length <= SEALED_CHUNK_SIZE)).toBe(true);
  });

  test('checkAll reads what nobody has read, and only that', async () => {
    const { source, reads } = counting(SEALED);
    const opened = await openSealed(source, OWN);
    await opened.read(CHUNK, 10);
    const before = reads.length;
    const progress: number[] = [];
    const again = await openSealed(SEALED, OWN, { progress: (_, done) => progress.push(done) });
    await again.checkAll?.();
    await opened.checkAll?.();
    await opened.checkAll?.();
    expect(reads.slice(before)).toEqual([
      [START, SEALED_CHUNK_SIZE],
      [START + 2 * SEALED_CHUNK_SIZE, SEALED_CHUNK_SIZE],
    ]);
    expect(progress).toEqual([3 * CHUNK]);
  });
});

describe('damage is found', () => {
  test('in every byte before the chunks', async () => {
    for (let at = 0; at < START; at++) {
      const bytes = Buffer.from(SEALED);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
      const outcome = await openSealed(bytes, OWN).catch((error: unknown) => error);
      expect(outcome, `byte ${at} of ${START}`).toBeInstanceOf(ForeignError);
      expect((outcome as ForeignError).exitCode, `byte ${at}`).toBe(126);
    }
  });

  test.each([0, 1, 2, 3])('in chunk %d, wherever it is, and the error says where', async (index) => {
    const offset = START + index * SEALED_CHUNK_SIZE;
    const size = Math.min(SEALED_CHUNK_SIZE, SEALED.length - offset);
    for (const at of [0, 1, size >> 1, size - 17, size - 16, size - 1]) {
      const bytes = Buffer.from(SEALED);
      bytes[offset + at] = (bytes[offset + at] ?? 0) ^ 0x10;
      const error = await formatError(async () => (await openSealed(bytes, OWN)).checkAll?.());
      expect(error.message).toContain('damaged');
      expect(error.location).toEqual({ offset, field: 'chunk', value: `${index + 1} of 4` });
    }
  });

  test('of a chunk that was never checked nothing is read', async () => {
    const bytes = Buffer.from(SEALED);
    bytes[START + 5] = (bytes[START + 5] ?? 0) ^ 1;
    const source = await openSealed(bytes, OWN);
    const target = Buffer.alloc(2 * CHUNK, 0xee);
    await formatError(() => source.readInto?.(0, target));
    expect(target.every((byte) => byte === 0xee)).toBe(true);
  });

  test('wherever it is cut off', async () => {
    const lengths = [0, 1, 2, 3].flatMap((chunk) =>
      [0, 1, 15, 16, 17, 1000].map((more) => START + chunk * SEALED_CHUNK_SIZE + more),
    );
    for (const length of [...lengths, SEALED.length - 1]) {
      if (length >= SEALED.length) continue;
      const error = await formatError(() => openSealed(SEALED.subarray(0, length), OWN));
      expect(error.message, `the first ${length} bytes`).toContain('cut off');
    }
    for (let length = 0; length < START; length++) {
      await formatError(() => openSealed(SEALED.subarray(0, length), OWN));
    }
  });

  const { head, chunks } = chunksOf(SEALED);
  const [a, b, c, last] = chunks as [Buffer, Buffer, Buffer, Buffer];
  test.each([
    ['two that changed places', [b, a, c, last], /missing, repeated or in another order: here is number 2/],
    ['one that is there twice', [a, a, b, c, last], /missing, repeated or in another order/],
    ['one that is not there', [a, c, last], /missing, repeated or in another order: here is number 4/],
    ['the end in the middle', [a, b, last, c], /./],
    ['no end', [a, b, c], /cut off: the last chunk there is is not the final one/],
    ['bytes behind the end', [a, b, c, last, Buffer.alloc(9)], /damaged, or cut off/],
    ['another file behind it', [a, b, c, last, SEALED], /./],
  ])('chunks: %s', async (_, order, message) => {
    const bytes = Buffer.concat([head, ...order]);
    const error = await formatError(async () => (await openSealed(bytes, OWN)).checkAll?.());
    expect(error.message).toMatch(message);
  });

  test('behind a final chunk that is full', async () => {
    const sealed = await sealFor(PLAIN.subarray(0, 2 * CHUNK), KEY.recipient);
    const bytes = Buffer.concat([sealed, Buffer.alloc(100)]);
    expect((await formatError(() => openSealed(bytes, OWN))).message).toContain(
      'goes on behind its final chunk',
    );
  });

  test('a header of another file', async () => {
    const other = chunksOf(await sealFor(PLAIN, KEY.recipient));
    await formatError(() => openSealed(Buffer.concat([other.head, ...chunks]), OWN));
  });
});

describe('keys', () => {
  const none = keys([]);
  const trouble = async (secrets: typeof none, sealed: Uint8Array = SEALED) =>
    foreignError(() => openSealed(sealed, secrets));

  test('without one the error says what is needed', async () => {
    const error = await trouble(none);
    expect(error.code).toBe('KEY_NEEDED');
    expect(error.message).toBe('is sealed for 1 recipient (X25519), and there is no key');
    expect(error.hint).toContain('-i');
  });

  test('with others it says which were tried, and never the key', async () => {
    const error = await trouble(keys([OTHER.secret]), await sealFor(PLAIN, KEY.recipient, KEY.recipient));
    expect(error.code).toBe('KEY_NEEDED');
    expect(error.message).toBe(
      `is sealed for 2 recipients (X25519), and no key fits; tried: key.txt (${OTHER.recipient})`,
    );
  });

  test.each([
    ['a word', 'secret-word', 'USAGE', /line 3 /],
    [
      'a key with a typing error',
      KEY.secret.replace(/.$/, (end) => (end === 'Q' ? 'P' : 'Q')),
      'USAGE',
      /line 3 /,
    ],
    ['a key in lower case', KEY.secret.toLowerCase(), 'USAGE', /line 3 /],
    ['a recipient', KEY.recipient, 'USAGE', /line 3 /],
    ['a plugin', 'AGE-PLUGIN-YUBIKEY-1QQQ', 'UNSUPPORTED', /plugin of age in line 3/],
  ])('a key file with %s is refused by its line, which is not shown', async (_, line, code, message) => {
    const error = await trouble(keys(['# comment', '', line]));
    expect(error).toMatchObject({ code, subject: 'key.txt' });
    expect(error.message).toMatch(message);
    expect(`${error.message}${error.hint}`).not.toContain(line);
  });

  test.each([
    ['an OpenSSH key', '-----BEGIN OPENSSH PRIVATE KEY-----', 'UNSUPPORTED', 'OpenSSH'],
    ['no key', '# nothing', 'USAGE', 'holds no key'],
  ])('a key file with %s', async (_, line, code, message) => {
    const error = await trouble(keys([line]));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });

  test('a key file that is sealed with a passphrase, and whose lines end as on other systems', async () => {
    const bytes = await sealWith(Buffer.from(`# mine\r\n${KEY.secret}\r\n`), 'open');
    const asked: string[] = [];
    const secrets = {
      ...keys([], ['wrong', 'open'], asked),
      identities: async () => [{ name: 'k.age', bytes }],
    };
    expect((await unseal(SEALED, secrets)).equals(PLAIN)).toBe(true);
    expect(asked).toEqual(['the key file k.age', 'the key file k.age (that was not it)']);
  });

  test('a key file that is sealed for itself', async () => {
    const bytes = await sealFor(Buffer.from(KEY.secret), KEY.recipient);
    const error = await trouble({ ...none, identities: async () => [{ name: 'k.age', bytes }] });
    expect(error).toMatchObject({ code: 'KEY_NEEDED', subject: 'k.age' });
  });

  test('a passphrase is asked for three times', async () => {
    const asked: string[] = [];
    const sealed = await sealWith(PLAIN, 'open');
    const error = await trouble(keys([KEY.secret], ['wrong'], asked), sealed);
    expect(error).toMatchObject({ code: 'KEY_NEEDED', message: 'the passphrase is wrong, 3 times' });
    expect(asked.length).toBe(3);
  });

  test('recipients that nobody here knows', async () => {
    const header = `age-encryption.org/v1\n-> ssh-ed25519 AAAA BBBB\n\n--- ${'A'.repeat(43)}\n`;
    const error = await trouble(OWN, Buffer.concat([Buffer.from(header), Buffer.alloc(100)]));
    expect(error.code).toBe('UNSUPPORTED');
    expect(error.message).toContain('ssh-ed25519');
  });
});

describe('limits', () => {
  test('a header without an end', async () => {
    const header = Buffer.from(`age-encryption.org/v1\n-> X25519 ${'A'.repeat(100_000)}\n`);
    const { source, reads } = counting(header);
    expect((await foreignError(() => openSealed(source, OWN))).code).toBe('TOO_BIG');
    expect(reads.reduce((sum, [, length]) => sum + length, 0)).toBeLessThan(100_000);
  });

  test('more than is allowed', async () => {
    const error = await foreignError(() =>
      openSealed(SEALED, OWN, { limits: { maxSize: PLAIN.length - 1 } }),
    );
    expect(error.code).toBe('TOO_BIG');
    await openSealed(SEALED, OWN, { limits: { maxSize: PLAIN.length } });
  });
});

describe('confidence', () => {
  test.each([
    [true, false, true],
    [false, false, false],
    [false, true, true],
  ])('asked for: %s, around it: %s, inside: %s', async (asked, around, inside) => {
    const source = { ...memorySource(SEALED, 'sealed'), confidential: around };
    expect((await openSealed(source, OWN, { confidential: asked })).confidential).toBe(inside);
  });

  test('wiping overwrites what was read, and nothing can be read afterwards', async () => {
    let innerWiped = false;
    const wipe = () => {
      innerWiped = true;
    };
    const source = await openSealed({ ...memorySource(SEALED, 'sealed'), wipe }, OWN);
    const read = await source.read(100, 1000);
    const large = await source.read(0, PLAIN.length);
    source.wipe?.();
    expect(read.every((byte) => byte === 0) && large.every((byte) => byte === 0) && innerWiped).toBe(true);
    await expect(Promise.resolve(source.read(0, 10))).rejects.toThrow('wiped');
  });

  test('what is unpacked from it is checked and wiped with it', async () => {
    const sealed = await sealFor(gzipSync(sampleBytes('elf/x86_64/tally-static')), KEY.recipient);
    const { image } = await resolveSource(memorySource(sealed, 'sealed'), {}, { secrets: OWN });
    const content = image.segments.find((segment) => segment.content !== undefined)?.content;
    expect(content?.source.confidential).toBe(true);
    await content?.source.checkAll?.();
    const bytes = await content?.source.read(content.offset, 100);
    content?.source.wipe?.();
    expect(bytes?.every((byte) => byte === 0)).toBe(true);
  });

  test('no error holds a byte of what was decrypted', async () => {
    const source = await openSealed(await sealFor(Buffer.from('marker, and no program'), KEY.recipient), OWN);
    const error = await foreignError(() => resolveSource(source));
    expect(error).not.toBeInstanceOf(FormatError);
    expect(`${error.message} ${error.hint}`).not.toContain('marker');
  });
});
