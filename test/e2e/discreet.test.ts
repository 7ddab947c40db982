/** What is wrong with a sealed program is said without anything that stands in it, unless that is no secret. */
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { sampleBytes } from '../support/packed.ts';
import { runForeign, temporary } from '../support/run.ts';
import { keyPair, payloadAt, sealFor } from '../support/sealed.ts';

const directory = temporary();
const { file } = directory;
afterAll(() => directory.remove());

const OWN = await keyPair();
const OTHER = await keyPair();
const KEY = file('key.txt', OWN.secret);

const STATIC = sampleBytes('elf/x86_64/tally-static');
const DYNAMIC = sampleBytes('elf/x86_64/tally-dynamic-pie');
const INTERPRETER = '/lib64/ld-linux-x86-64.so.2';

function changed(bytes: Uint8Array, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
}

/** A title, the program, what must not be said of it, and what may be. */
const PROGRAMS: readonly [string, Buffer, string, RegExp][] = [
  [
    'for another machine',
    changed(STATIC, (copy) => copy.writeUInt16LE(0x5ec7, 18)),
    '0x5ec7',
    /\(BAD_FORMAT: e_machine at file offset 0x12\)/,
  ],
  [
    'with an interpreter that is not there',
    changed(DYNAMIC, (copy) => copy.write('/lib64/secret-secret-x.so.2', copy.indexOf(INTERPRETER))),
    'secret-secret',
    /\(PROGRAM_NOT_FOUND\)/,
  ],
  ['that is a script', Buffer.from('#!/usr/bin/secret-tool with words\n'), 'secret-tool', /\(UNSUPPORTED\)/],
  [
    'whose entry point is nowhere',
    changed(STATIC, (copy) => copy.writeBigUInt64LE(0x5ec7_0000n, 24)),
    '5ec7',
    /\(IMAGE_REFUSED\)/,
  ],
  [
    'sealed once more for somebody else',
    await sealFor(STATIC, OTHER.recipient),
    'no key fits',
    /\(KEY_NEEDED\)/,
  ],
];

describe.each(PROGRAMS)('a sealed program %s', (title, program, secret, said) => {
  const path = file(`${title.replaceAll(' ', '-')}.age`, '');
  const start = async (bytes: Uint8Array, ...options: string[]) => {
    writeFileSync(path, await sealFor(bytes, OWN.recipient));
    return runForeign([...options, '-i', KEY, path]);
  };

  test.each([
    ['as it is', (bytes: Buffer) => bytes],
    ['packed before', (bytes: Buffer) => gzipSync(bytes)],
  ])('%s, is refused without saying what is in it', async (_, pack) => {
    for (const options of [[], ['--verbose']]) {
      const { status, stdout, stderr } = await start(pack(program), ...options);
      const [line = '', ...others] = stderr.trimEnd().split('\n');
      expect(line).toMatch(/^run-foreign: .+; --not-confidential says more$/);
      // Which names the code that stands in the line.
      const more =
        options.length === 0 ? [] : [expect.stringMatching(/^run-foreign: run-foreign explain \w+ says/)];
      expect(others).toEqual(more);
      expect(stderr).toMatch(said);
      expect(stderr).not.toContain(secret);
      expect(stdout).toBe('');
      expect([126, 127]).toContain(status);
    }
  });

  test('says more with --not-confidential', async () => {
    const { stderr } = await start(program, '--not-confidential');
    expect(stderr).toContain(secret);
  });
});

test('what is wrong with the seal itself is said in full', async () => {
  const sealed = await sealFor(STATIC, OWN.recipient);
  const at = payloadAt(sealed);
  sealed[at] = (sealed[at] ?? 0) ^ 1;
  const { stderr } = await runForeign(['-i', KEY, file('damaged.age', sealed)]);
  expect(stderr).toMatch(new RegExp(`file offset 0x${at.toString(16)}, chunk = `));
});

test('--verbose does not say what a sealed program is', async () => {
  const path = file('good.age', await sealFor(DYNAMIC, OWN.recipient));
  const { stderr, status } = await runForeign(['--verbose', '-i', KEY, path]);
  expect(stderr).toContain('confidential');
  expect(stderr).not.toMatch(/entry 0x|ld-linux/);
  expect(status).toBe(0);
});
