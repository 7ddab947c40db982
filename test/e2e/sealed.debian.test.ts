/** What age(1) itself makes, and keys of age-keygen(1); and who has no privileges can open it as well. */
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NOBODY as SETPRIV_NOBODY } from '../support/confine.ts';
import { terminal } from '../support/dialogue.ts';
import { type Installation, installAt } from '../support/installation.ts';
import { NODE_HALF, quote, run, runForeign, SAMPLES, SHELL_COMMAND, sh, temporary } from '../support/run.ts';

const directory = temporary();
const at = (name: string) => join(directory.path, name);
afterAll(() => directory.remove());

const WORDS = 'inputs/words.txt';
const COUNTED = { status: 0, stdout: `3 6 30 ${WORDS}\n`, stderr: '' };
const PROGRAM = join(SAMPLES, 'elf/x86_64/tally-dynamic-pie');
const PASSPHRASE = 'correct horse';
const IS_ROOT = process.getuid?.() === 0;

let installation: Installation;
const recipients: string[] = [];

/** Runs age(1) and makes the result executable. */
async function seal(name: string, options: string): Promise<string> {
  const outcome = await sh(`age ${options} -o ${quote(at(name))} ${quote(PROGRAM)}`);
  expect(outcome).toEqual({ status: 0, stdout: '', stderr: '' });
  chmodSync(at(name), 0o755);
  return at(name);
}

/** The same where it asks for a passphrase, and once more for it. */
async function sealOnTerminal(name: string, input: string): Promise<string> {
  const command = `age -p -o ${quote(at(name))} ${quote(input)}`;
  const { status, output } = await terminal(command, [
    ['Enter passphrase', `${PASSPHRASE}\n`],
    ['Confirm passphrase', `${PASSPHRASE}\n`],
  ]);
  expect(status, output).toBe(0);
  chmodSync(at(name), 0o755);
  return at(name);
}

beforeAll(async () => {
  installation = installAt(directory.path, []);
  for (const name of ['key.txt', 'other.txt']) {
    const { stderr } = await run('age-keygen', ['-o', at(name)]);
    recipients.push(/age1\S+/.exec(stderr)?.[0] ?? '');
  }
});

describe('what age makes runs', () => {
  test.each([
    ['for a key', (own: string) => `-r ${own}`],
    ['for several', (own: string, other: string) => `-r ${other} -r ${own}`],
    ['in armor', (own: string) => `-a -r ${own}`],
  ])('%s', async (name, options) => {
    const [own = '', other = ''] = recipients;
    const path = await seal(name.replaceAll(' ', '-'), options(own, other));
    expect(await runForeign(['-i', at('key.txt'), path, WORDS])).toEqual(COUNTED);
    // Without the launcher, too, where Node's own process becomes the program.
    expect(await run(process.execPath, [NODE_HALF, '-i', at('key.txt'), path, WORDS])).toEqual(COUNTED);
  });

  test('for a passphrase', async () => {
    const path = await sealOnTerminal('passphrase', PROGRAM);
    const prompt = `Passphrase for ${path}: `;
    const { status, output } = await terminal(`${SHELL_COMMAND} ${quote(path)} ${WORDS}`, [
      [prompt, `${PASSPHRASE}\n`],
    ]);
    expect({ status, output }).toEqual({ status: 0, output: `${prompt}\r\n3 6 30 ${WORDS}\r\n` });
  });

  test('for a key that is sealed with a passphrase', async () => {
    const path = await seal('sealed-key-program', `-r ${recipients[0]}`);
    const key = await sealOnTerminal('key.age', at('key.txt'));
    const prompt = `Passphrase for the key file ${key}: `;
    const { output } = await terminal(`${SHELL_COMMAND} -i ${quote(key)} ${quote(path)} ${WORDS}`, [
      [prompt, `${PASSPHRASE}\n`],
    ]);
    expect(output).toBe(`${prompt}\r\n3 6 30 ${WORDS}\r\n`);
  });

  test('not for SSH keys, by name', async () => {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at('ssh')]);
    const path = await seal('for-ssh', `-R ${quote(at('ssh.pub'))}`);
    const outcome = await runForeign(['-i', at('ssh'), path]);
    expect(outcome.stderr).toContain(
      'is sealed for 1 recipient (ssh-ed25519), and no such key is known here',
    );
    expect(outcome.status).toBe(126);
  });
});

describe('without privileges', () => {
  const nobody = (words: readonly string[], input = '') => {
    const [file = '', ...args] = [...(IS_ROOT ? SETPRIV_NOBODY : []), ...words];
    return run(file, args, { env: installation.environment, cwd: directory.path, input });
  };

  test.each(['with the launcher', 'without'])('a sealed program runs, %s', async (how) => {
    const path = await seal('for-nobody', `-r ${recipients[0]}`);
    writeFileSync(at('words.txt'), 'a b\nc\n');
    copyFileSync(at('key.txt'), at('public-key.txt'));
    chmodSync(at('public-key.txt'), 0o644);
    const command = how === 'without' ? [at('node'), `${installation.command}.cjs`] : [installation.command];
    for (const key of ['public-key.txt', 'fd:0']) {
      const { stdout } = await run('cat', [at('key.txt')]);
      const outcome = await nobody([...command, '-i', key, path, 'words.txt'], stdout);
      expect(outcome).toEqual({ status: 0, stdout: '2 3 6 words.txt\n', stderr: '' });
    }
  });
});
