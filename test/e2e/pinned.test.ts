/** Programs on this machine that the user vouches for: what was checked is what runs. */
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { sha256 } from '../support/http-server.ts';
import { minisig, signingKey } from '../support/minisign.ts';
import { identityOf, withoutPrivilege } from '../support/proc.ts';
import { expectRefusal } from '../support/refusal.ts';
import {
  COMMAND,
  NODE_PATH,
  quote,
  runForeign,
  SAMPLES,
  SHELL_COMMAND,
  sh,
  temporary,
} from '../support/run.ts';

const directory = temporary();
afterAll(() => directory.remove());

const TALLY = join(SAMPLES, 'elf/x86_64/tally-static');
const BYTES = readFileSync(TALLY);
const WORDS = 'inputs/words.txt';
const RAN = { status: 0, stdout: `3 6 30 ${WORDS}\n`, stderr: '' };
const pin = ['--sha256', sha256(BYTES)];

function copy(name: string): string {
  const path = join(directory.path, name);
  copyFileSync(TALLY, path);
  chmodSync(path, 0o755);
  return path;
}

describe('--sha256', () => {
  test('runs a file, also packed and found in PATH', async () => {
    expect(await runForeign([...pin, TALLY, WORDS])).toEqual(RAN);
    const packed = copy('tally.gz');
    writeFileSync(packed, gzipSync(BYTES));
    expect(await runForeign(['--sha256', sha256(readFileSync(packed)), packed, WORDS])).toEqual(RAN);
    const env = { PATH: `${directory.path}:${NODE_PATH}` };
    copy('found');
    expect(await runForeign([...pin, 'found', WORDS], { env })).toEqual(RAN);
  });

  test('runs what comes through a pipe or a descriptor', async () => {
    const words = join(SAMPLES, WORDS);
    const script = (how: string) => sh(`cd ${quote(SAMPLES)}; ${how}`);
    const [option, digest] = pin;
    const command = `${SHELL_COMMAND} ${option} ${digest}`;
    expect((await script(`cat ${quote(TALLY)} | ${command} - ${words}`)).stdout).toBe(`3 6 30 ${words}\n`);
    expect((await script(`${command} fd:5 ${words} 5< ${quote(TALLY)}`)).stdout).toBe(`3 6 30 ${words}\n`);
    expectRefusal(await runForeign([...pin, '-'], { input: 'another' }), 'is not what it is pinned to');
  });

  test('refuses anything else', async () => {
    const wrong = ['--sha256', '0'.repeat(64)];
    for (const command of [[], ['plan'], ['inspect']])
      expectRefusal(await runForeign([...command, ...wrong, TALLY]), `${TALLY}: is not what it is pinned to`);
    expectRefusal(await runForeign(['--sha256', 'xyz', TALLY]), '64 hex digits', 2);
    expectRefusal(await runForeign(['--max-size', '1K', ...pin, TALLY]), '--max-size');
    expectRefusal(await runForeign([...pin, '/no/such']), 'no such file', 127);
    const script = copy('script');
    writeFileSync(script, '#!/bin/sh\necho no\n');
    expectRefusal(await runForeign(['--sha256', sha256(readFileSync(script)), script]), 'run from memory');
  });

  test('maps nothing of the file, which may change', async () => {
    const path = copy('changing');
    const identity = withoutPrivilege(await identityOf(COMMAND, [...pin, path, '-']), path);
    expect(identity).toMatchObject({ comm: 'changing', exe: path, cmdline: [path, '-'] });
    expect(
      identity.maps.filter(({ name }) => name.includes('changing') && !name.startsWith('/memfd:')),
    ).toEqual([]);
    const plain = await identityOf(COMMAND, [path, '-']);
    expect(plain.maps.some(({ name }) => name === path)).toBe(true);
  });

  test('in the environment is for programs from a network', async () => {
    const env = { PATH: NODE_PATH, RUN_FOREIGN_SHA256: '0'.repeat(64) };
    expect(await runForeign([TALLY, WORDS], { env })).toEqual(RAN);
  });
});

describe('--verify-key', () => {
  const key = signingKey();

  test('wants a signature beside the file', async () => {
    const path = copy('signed');
    const args = ['--verify-key', key.text, path, WORDS];
    expectRefusal(await runForeign(args), 'is not signed');
    writeFileSync(`${path}.minisig`, minisig(BYTES, key));
    expect(await runForeign(args)).toEqual(RAN);
    expect(await runForeign([...pin, ...args])).toEqual(RAN);
    expectRefusal(await runForeign(['--sha256', '0'.repeat(64), ...args]), 'is not what it is pinned to');
    writeFileSync(`${path}.minisig`, minisig(BYTES, key, { algorithm: 'Ed' }));
    expect(await runForeign(args)).toEqual(RAN);
    for (const signature of [
      minisig(BYTES, signingKey('abcdefgh')),
      minisig(BYTES, signingKey()),
      minisig(Buffer.from('x'), key),
      minisig(BYTES, key).padEnd(17_000, '\n'),
      '',
    ]) {
      writeFileSync(`${path}.minisig`, signature);
      expectRefusal(await runForeign(args), 'signature');
    }
  });

  test('is refused where no signature can lie', async () => {
    const outcome = await runForeign(['--verify-key', key.text, '-'], { input: BYTES.toString('latin1') });
    expectRefusal(outcome, 'no signature lies beside it', 2);
  });
});
