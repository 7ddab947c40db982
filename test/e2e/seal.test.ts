/** Programs sealed by run-foreign, with keys and passphrases, run by it and by themselves. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { newKey, openedWith } from '../support/keys.ts';
import { COMMAND, NODE_PATH, run, runForeign, SAMPLES, sh, temporary } from '../support/run.ts';
import { onTerminal } from '../support/typing.ts';

const directory = temporary();
afterAll(directory.remove);
const KEY = await newKey(directory.path);
const TALLY = join(SAMPLES, 'elf/x86_64/tally-static');
const WORDS = { status: 0, stdout: '3 6 30 inputs/words.txt\n', stderr: '' };

let folders = 0;
function newFile(name: string): string {
  const path = join(directory.path, `folder-${++folders}`);
  mkdirSync(path);
  return join(path, name);
}

/** For `#!` lines: what starts them finds Node and the key. */
const WITH_KEY = { PATH: NODE_PATH, RUN_FOREIGN_IDENTITY: KEY.file };

describe('sealed for a key', () => {
  test.each(['elf/x86_64/tally-static', 'elf/x86_64/tally-dynamic-pie', 'xz/tally-dynamic-pie.xz'])(
    '%s runs with it',
    async (sample) => {
      const output = newFile('tally');
      expect((await runForeign(['seal', sample, '-r', KEY.recipient, '-o', output])).status).toBe(0);
      expect(await sh(`chmod +x ${output}`)).toMatchObject({ status: 0 });
      expect(await runForeign(['-i', KEY.file, output, 'inputs/words.txt'])).toEqual(WORDS);
      expect((await runForeign([output, 'inputs/words.txt'])).status).toBe(126);
    },
  );

  test.each([[[]], [['--armor']]])('--executable %j: runs by itself, from a shell too', async (more) => {
    const output = newFile('tally');
    const args = ['seal', TALLY, '-r', KEY.recipient, '--executable', ...more, '-o', output];
    expect((await runForeign(args)).status).toBe(0);
    expect(await run(output, ['inputs/words.txt'], { env: WITH_KEY })).toEqual(WORDS);
    const script = 'cd "$1" && ./tally "$2"/inputs/words.txt';
    const { stdout } = await sh(script, [join(output, '..'), SAMPLES], { env: WITH_KEY });
    expect(stdout).toBe(`3 6 30 ${SAMPLES}/inputs/words.txt\n`);
  });

  test('and unsealed it is the program again, which Linux runs', async () => {
    const [sealed, output] = [newFile('sealed'), newFile('tally')];
    await runForeign(['seal', TALLY, '-r', KEY.recipient, '-o', sealed]);
    expect((await runForeign(['unseal', sealed, '-i', KEY.file, '-o', output])).status).toBe(0);
    expect(await run(output, ['inputs/words.txt'])).toEqual(WORDS);
  });
});

describe('sealed with a passphrase', () => {
  const PASSPHRASE = 'häufig gewählt';
  const sealed = newFile('tally');

  test('which is asked for twice, and shown to nobody', async () => {
    const command = [COMMAND, 'seal', TALLY, '-p', '--executable', '-o', sealed];
    const { status, shown } = await onTerminal(command, [
      { prompt: `Passphrase for ${TALLY}: `, text: PASSPHRASE },
      { prompt: `Passphrase for ${TALLY}, again: `, text: PASSPHRASE },
    ]);
    expect(status).toBe(0);
    expect(Buffer.from(shown, 'latin1').toString()).not.toContain('wählt');
    const file = readFileSync(sealed);
    expect(file.toString('latin1')).toMatch(/\n-> scrypt [A-Za-z0-9+/]{22} 18\n/);
    const opened = await openedWith({ passphrase: PASSPHRASE }, file.subarray(file.indexOf('\n') + 1));
    expect(opened.equals(readFileSync(TALLY))).toBe(true);
  });

  test('it runs and can be unsealed with it', async () => {
    const answer = { prompt: `Passphrase for ${sealed}: `, text: PASSPHRASE };
    const { status, shown } = await onTerminal([sealed, 'inputs/words.txt'], [answer]);
    expect(status).toBe(0);
    expect(shown).toContain('3 6 30 inputs/words.txt');
    const output = newFile('program');
    expect(await onTerminal([COMMAND, 'unseal', sealed, '-o', output], [answer])).toMatchObject({
      status: 0,
    });
    expect(readFileSync(output).equals(readFileSync(TALLY))).toBe(true);
  });

  test.each([
    ['two that differ', 'one', 'two', 'the two passphrases differ'],
    ['an empty one', '', '', 'the passphrase is empty'],
  ])('%s: nothing is sealed', async (_, first, second, why) => {
    const output = newFile('sealed');
    const { status, shown } = await onTerminal(
      [COMMAND, 'seal', TALLY, '-p', '-o', output],
      [
        { prompt: `Passphrase for ${TALLY}: `, text: first },
        { prompt: ', again: ', text: second },
      ],
    );
    expect(status).toBe(126);
    expect(shown).toContain(why);
    expect(readdirSync(join(output, '..'))).toEqual([]);
  });

  test('without a terminal: nothing is sealed', async () => {
    const output = newFile('sealed');
    const { status, stderr } = await run('setsid', ['-w', COMMAND, 'seal', TALLY, '-p', '-o', output]);
    expect(status).toBe(126);
    expect(stderr).toContain('no terminal');
    expect(readdirSync(join(output, '..'))).toEqual([]);
  });
});
