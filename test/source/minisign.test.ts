/** minisign: its published signatures verify, and nothing that differs from a signature in any byte does. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  checkSignature,
  MAX_SIGNATURE_FILE,
  parsePublicKey,
  parseSignature,
} from '../../src/source/minisign.ts';
import { foreignError } from '../support/errors.ts';
import { minisig, signingKey } from '../support/minisign.ts';

/** Of the documentation of the minisign-verify library: the content is `test`. */
const PUBLISHED = {
  key: 'RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3',
  ED: `untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1633700835\tfile:test\tprehashed
wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==
`,
  Ed: `untrusted comment: signature from minisign secret key
RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=
trusted comment: timestamp:1555779966\tfile:test
QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==
`,
};

function check(content: string, file: string, keyText: string): void {
  const key = parsePublicKey(keyText);
  const signature = parseSignature(Buffer.from(file), key);
  const bytes = Buffer.from(content);
  const signed = signature.prehashed ? createHash('blake2b512').update(bytes).digest() : bytes;
  checkSignature(signature, signed, key);
}

describe.each(['Ed', 'ED'] as const)('%s', (algorithm) => {
  test('a published signature', async () => {
    check('test', PUBLISHED[algorithm], PUBLISHED.key);
    expect((await foreignError(() => check('Test', PUBLISHED[algorithm], PUBLISHED.key))).code).toBe(
      'UNAUTHENTICATED',
    );
  });

  test('no byte of a signature can be changed, but in the untrusted comment', async () => {
    const key = signingKey();
    const file = minisig(Buffer.from('content'), key, { algorithm });
    check('content', file, key.text);
    const start = file.indexOf('\n');
    for (let at = start; at < file.length - 1; at++) {
      const other = file[at] === 'A' ? 'B' : 'A';
      const changed = file.slice(0, at) + other + file.slice(at + 1);
      const error = await foreignError(() => check('content', changed, key.text));
      expect(error, `at ${at}`).toMatchObject({ code: 'UNAUTHENTICATED', exitCode: 126 });
    }
  });

  test('nor can it be cut', async () => {
    const key = signingKey();
    const file = minisig(Buffer.from('content'), key, { algorithm });
    for (let length = 0; length < file.length - 1; length++) {
      const error = await foreignError(() => check('content', file.slice(0, length), key.text));
      expect(error.code, `${length} bytes`).toBe('UNAUTHENTICATED');
    }
  });
});

test('a signature by another key says by which', async () => {
  const file = minisig(Buffer.from('content'), signingKey('otherkey'));
  const error = await foreignError(() => check('content', file, signingKey().text));
  expect(error).toMatchObject({ code: 'UNAUTHENTICATED', exitCode: 126 });
  expect(error.message).toContain('by key 79656B726568746F');
});

test('a key of the same id by which it was not made', async () => {
  const file = minisig(Buffer.from('content'), signingKey());
  expect((await foreignError(() => check('content', file, signingKey().text))).code).toBe('UNAUTHENTICATED');
});

test('comments may be empty, long, UTF-8, and end as on Windows', async () => {
  const key = signingKey();
  for (const comment of ['', 'x'.repeat(8000), 'größe'])
    check('content', minisig(Buffer.from('content'), key, { comment }), key.text);
  check('content', minisig(Buffer.from('content'), key).replaceAll('\n', '\r\n'), key.text);
  const long = minisig(Buffer.from('content'), key, { comment: 'x'.repeat(MAX_SIGNATURE_FILE) });
  expect((await foreignError(() => check('content', long, key.text))).message).toContain('larger');
});

test('what follows a signature is no part of it', async () => {
  const key = signingKey();
  const file = `${minisig(Buffer.from('content'), key)}more\n`;
  expect((await foreignError(() => check('content', file, key.text))).code).toBe('UNAUTHENTICATED');
});

describe('public keys', () => {
  test('as text and as a file', () => {
    const { text } = signingKey();
    const alone = parsePublicKey(text);
    expect(parsePublicKey(`untrusted comment: minisign public key 1\n${text}\n`).id).toEqual(alone.id);
    expect(parsePublicKey(`${text}\r\n`).id).toEqual(alone.id);
  });

  test.each([
    ['nothing', ''],
    ['only a comment', 'untrusted comment: x\n'],
    ['too short', PUBLISHED.key.slice(0, -4)],
    ['not base64', `${PUBLISHED.key.slice(0, -1)}!`],
    ['of another algorithm', `AA${PUBLISHED.key.slice(2)}`],
    ['two', `${PUBLISHED.key}\n${PUBLISHED.key}\n`],
    ['two with a comment', `untrusted comment: x\n${PUBLISHED.key}\n${PUBLISHED.key}\n`],
    ['a signature', PUBLISHED.Ed],
  ])('%s', async (_, text) => {
    expect(await foreignError(() => parsePublicKey(text))).toMatchObject({ code: 'USAGE', exitCode: 2 });
  });
});
