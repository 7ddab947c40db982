/** The age tool reads what run-foreign seals, and the other way round. */
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { COMMAND, type Outcome, run, runForeign, SAMPLES, sh, temporary } from '../support/run.ts';
import { onTerminal } from '../support/typing.ts';

const directory = temporary();
afterAll(directory.remove);
const KEY_FILE = join(directory.path, 'key.txt');
const OTHER_FILE = join(directory.path, 'other.txt');
const keygen = async (file: string) => {
  await run('age-keygen', ['-o', file]);
  return (await run('age-keygen', ['-y', file])).stdout.trim();
};
const RECIPIENT = await keygen(KEY_FILE);
const OTHER = await keygen(OTHER_FILE);

const TALLY = join(SAMPLES, 'elf/x86_64/tally-static');
const QUIET: Outcome = { status: 0, stdout: '', stderr: '' };
const WORDS = { status: 0, stdout: '3 6 30 inputs/words.txt\n', stderr: '' };
const PASSPHRASE = 'correct horse';

let folders = 0;
function newFile(name: string): string {
  const path = join(directory.path, `folder-${++folders}`);
  mkdirSync(path);
  return join(path, name);
}

function expectTally(path: string): void {
  expect(readFileSync(path).equals(readFileSync(TALLY))).toBe(true);
}

describe('age opens what run-foreign seals', () => {
  test.each([[[]], [['-a']], [['-r', OTHER]]])('for a key, %j', async (more) => {
    const [sealed, output] = [newFile('sealed'), newFile('opened')];
    expect(await runForeign(['seal', TALLY, '-r', RECIPIENT, ...more, '-o', sealed])).toEqual(QUIET);
    expect(await run('age', ['-d', '-i', KEY_FILE, '-o', output, sealed])).toEqual(QUIET);
    expectTally(output);
  });

  test('--executable: without its first line', async () => {
    const [sealed, output] = [newFile('sealed'), newFile('opened')];
    await runForeign(['seal', TALLY, '-r', RECIPIENT, '--executable', '-o', sealed]);
    await sh('tail -n +2 "$1" | age -d -i "$2" -o "$3"', [sealed, KEY_FILE, output]);
    expectTally(output);
  });

  test.each([0, 1, 65_535, 65_536, 65_537, 131_072, 5_000_000])('%i bytes', async (size) => {
    const script = `head -c ${size} /dev/zero > plain; ${COMMAND} seal plain -r ${RECIPIENT} -o - 2>/dev/null |
      age -d -i ${KEY_FILE} | cmp - plain && stat -c %s plain`;
    expect(await sh(script, [], { cwd: join(newFile('x'), '..') })).toEqual({
      ...QUIET,
      stdout: `${size}\n`,
    });
  });

  test('with a passphrase', async () => {
    const [sealed, output] = [newFile('sealed'), newFile('opened')];
    const twice = [`${TALLY}: `, 'again: '].map((prompt) => ({ prompt, text: PASSPHRASE }));
    expect(await onTerminal([COMMAND, 'seal', TALLY, '-p', '-o', sealed], twice)).toMatchObject({
      status: 0,
    });
    const answers = [{ prompt: 'Enter passphrase', text: PASSPHRASE }];
    expect(await onTerminal(['age', '-d', '-o', output, sealed], answers)).toMatchObject({ status: 0 });
    expectTally(output);
  });
});

describe('run-foreign opens what age seals', () => {
  test.each([[[]], [['-a']], [['-r', OTHER]]])('for a key, %j', async (more) => {
    const [sealed, output] = [newFile('sealed'), newFile('opened')];
    expect(await run('age', ['-r', RECIPIENT, ...more, '-o', sealed, TALLY])).toEqual(QUIET);
    expect(await runForeign(['unseal', sealed, '-i', KEY_FILE, '-o', output])).toEqual(QUIET);
    expectTally(output);
    chmodSync(sealed, 0o755);
    expect(await runForeign(['-i', KEY_FILE, sealed, 'inputs/words.txt'])).toEqual(WORDS);
  });

  test('with a passphrase', async () => {
    const [sealed, output] = [newFile('sealed'), newFile('opened')];
    const twice = ['Enter passphrase', 'Confirm passphrase'].map((prompt) => ({ prompt, text: PASSPHRASE }));
    expect(await onTerminal(['age', '-p', '-o', sealed, TALLY], twice)).toMatchObject({ status: 0 });
    const answers = [{ prompt: 'Passphrase for ', text: PASSPHRASE }];
    const unseal = await onTerminal([COMMAND, 'unseal', sealed, '-o', output], answers);
    expect(unseal).toMatchObject({ status: 0 });
    expectTally(output);
    chmodSync(sealed, 0o755);
    const { shown } = await onTerminal([COMMAND, sealed, 'inputs/words.txt'], answers);
    expect(shown).toContain('3 6 30 inputs/words.txt');
  });
});
