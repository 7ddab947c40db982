/** The age specification's own test vectors (C2SP CCTV), every one of them, through the loader. */
import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import * as vectors from 'cctv-age';
import { expect, test } from 'vitest';
import { age } from '../../loaders/age/index.ts';
import { FormatError } from '../../src/errors.ts';
import { memorySource } from '../../src/source/memory.ts';
import { NO_OPTIONS } from '../support/resolve.ts';
import { keys, openSealed } from '../support/sealed.ts';

interface Vector {
  readonly expect: string;
  readonly payload: string | undefined;
  readonly identities: readonly string[];
  readonly passphrases: readonly string[];
  readonly armored: boolean;
  readonly file: Buffer;
}

function parse(bytes: Uint8Array): Vector {
  const all = Buffer.from(bytes);
  const end = all.indexOf('\n\n');
  const fields = all
    .toString('utf8', 0, end)
    .split('\n')
    .map((line) => line.split(/: (.*)/s) as [string, string]);
  const values = (name: string) => fields.filter(([key]) => key === name).map(([, value]) => value);
  const file = all.subarray(end + 2);
  return {
    expect: values('expect')[0] ?? '',
    payload: values('payload')[0],
    identities: values('identity'),
    passphrases: values('passphrase'),
    armored: values('armored').length > 0,
    file: values('compressed')[0] === 'zlib' ? inflateSync(file) : file,
  };
}

/** What happened, in the words of the vectors. */
async function outcomeOf({ file, identities, passphrases }: Vector): Promise<string> {
  const source = memorySource(file, 'vector');
  try {
    const opened = await openSealed(source, keys(identities, passphrases));
    const plain = await opened.read(0, opened.size);
    await opened.checkAll?.();
    return `success ${createHash('sha256').update(plain).digest('hex')}`;
  } catch (error) {
    if (error instanceof FormatError) {
      const { field } = error.location;
      if (field === 'armor') return 'armor failure';
      if (field === 'chunk') return 'payload failure';
      return field === 'MAC' && error.message.includes('a key fits') ? 'HMAC failure' : 'header failure';
    }
    const { code } = error as { code?: string };
    if (code === 'KEY_NEEDED') return 'no match';
    // Where no stanza is of a type that anybody here knows.
    return code === 'UNSUPPORTED' ? 'unsupported' : String(error);
  }
}

test('there are as many as there were', () => expect(Object.keys(vectors).length).toBe(143));

test.each(Object.entries(vectors))('%s', async (name, bytes) => {
  const vector = parse(bytes);
  const outcome = await outcomeOf(vector);
  const wanted = vector.expect === 'success' ? `success ${vector.payload}` : vector.expect;
  expect(outcome).toBe(SPECIAL[name] ?? wanted);
});

/** What is said with more precision here. */
const SPECIAL: Readonly<Record<string, string>> = {
  empty: 'armor failure',
  hybrid_uppercase: 'unsupported',
  scrypt_uppercase: 'unsupported',
  x25519_lowercase: 'unsupported',
  version_unsupported: 'unsupported',
};

test('armor is recognised by its first line, and what is binary by its own', async () => {
  for (const bytes of Object.values(vectors)) {
    const { armored, file, expect: outcome } = parse(bytes);
    if (outcome !== 'success') continue;
    const verdict = await age.probe(memorySource(file, 'vector'), NO_OPTIONS);
    expect(verdict).toBe(armored && file[0] !== 0x2d ? null : 'exact');
  }
});
