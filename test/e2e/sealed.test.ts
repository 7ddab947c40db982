/** Sealed programs through the command: where keys come from, what the program gets of them, and what stops it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { armor } from 'age-encryption';
import { afterAll, describe, expect, test } from 'vitest';
import { sampleBytes } from '../support/packed.ts';
import { expectRefusal } from '../support/refusal.ts';
import {
  COMMAND,
  NODE_PATH,
  type Outcome,
  quote,
  run,
  runForeign,
  SHELL_COMMAND,
  sh,
  temporary,
} from '../support/run.ts';
import { chunksOf, keyPair, payloadAt, SEALED_CHUNK_SIZE, sealFor, sealWith } from '../support/sealed.ts';
import { terminal } from '../support/terminal.ts';

const directory = temporary();
afterAll(() => directory.remove());

function file(name: string, bytes: Uint8Array | string, mode = 0o755): string {
  const path = join(directory.path, name);
  writeFileSync(path, bytes, { mode });
  return path;
}

const WORDS = 'inputs/words.txt';
const COUNTED = { status: 0, stdout: `3 6 30 ${WORDS}\n`, stderr: '' };
const STATIC = sampleBytes('elf/x86_64/tally-static');
const OWN = await keyPair();
const OTHER = await keyPair();
const KEY = file('key.txt', `# created: today\n# public key: ${OWN.recipient}\n${OWN.secret}\n`, 0o400);
const OTHER_KEY = file('other.txt', `${OTHER.secret}\n`, 0o400);
const SEALED = await sealFor(STATIC, OWN.recipient);
const TALLY = file('tally.age', SEALED);
/** Programs of every Debian system that show what they get. */
const sealed = async (path: string) =>
  file(`${path.replaceAll('/', '-')}.age`, await sealFor(readFileSync(path), OWN.recipient));
const CAT = await sealed('/bin/cat');
const ENV = await sealed('/usr/bin/env');
const LS = await sealed('/bin/ls');

/** One line, nothing on standard output, and no key in it. */
function expectRefused(outcome: Outcome, line: RegExp, expected = 126): void {
  expectRefusal(outcome, line, expected);
  expect(outcome.stderr).not.toContain(OWN.secret.slice(16));
}

describe('a key comes from', () => {
  test.each([
    ['-i', ['-i', KEY]],
    ['-i, in one word', [`-i${KEY}`]],
    ['--identity', ['--identity', KEY]],
    ['--identity=', [`--identity=${KEY}`]],
    ['the second of two files', ['-i', OTHER_KEY, '-i', KEY]],
  ])('%s', async (_, options) => {
    expect(await runForeign([...options, TALLY, WORDS])).toEqual(COUNTED);
  });

  test.each(['-', 'fd:0', '/dev/stdin', '/dev/fd/0', '/proc/self/fd/0'])(
    'standard input as %s',
    async (name) => {
      const input = `${OWN.secret}\n`;
      expect(await runForeign(['-i', name, TALLY, WORDS], { input })).toEqual(COUNTED);
    },
  );

  test('a descriptor', async () => {
    const outcome = await sh(`${SHELL_COMMAND} -i fd:7 "$1" ${WORDS} 7<"$2"`, [TALLY, KEY]);
    expect(outcome).toEqual(COUNTED);
  });

  test('a pipe that the kernel has a name for, as bash has with <(command)', async () => {
    const outcome = await sh(`cat "$2" | { ${SHELL_COMMAND} -i /dev/fd/9 "$1" ${WORDS} 9<&0 </dev/null; }`, [
      TALLY,
      KEY,
    ]);
    expect(outcome).toEqual(COUNTED);
  });

  test('RUN_FOREIGN_IDENTITY, one a line', async () => {
    const env = { PATH: NODE_PATH, RUN_FOREIGN_IDENTITY: `${OTHER_KEY}\n${KEY}` };
    expect(await runForeign([TALLY, WORDS], { env })).toEqual(COUNTED);
  });

  test('a service: files in CREDENTIALS_DIRECTORY that are called so', async () => {
    const path = join(directory.path, 'credentials');
    mkdirSync(path);
    writeFileSync(join(path, 'run-foreign.identity.2'), `${OWN.secret}\n`);
    writeFileSync(join(path, 'run-foreign.identity'), `${OTHER.secret}\n`);
    writeFileSync(join(path, 'another'), 'not read');
    const env = { PATH: NODE_PATH, CREDENTIALS_DIRECTORY: path };
    expect(await runForeign([TALLY, WORDS], { env })).toEqual(COUNTED);
  });

  test('a #! line', async () => {
    const path = file('line', Buffer.concat([Buffer.from(`#!${COMMAND} -i ${KEY}\n`), SEALED]));
    expect(await run(path, [WORDS])).toEqual(COUNTED);
  });
});

describe('of the keys the program gets', () => {
  test('no descriptor', async () => {
    const script = `${SHELL_COMMAND} -i fd:7 -i fd:8 "$1" /proc/self/fd 7<"$2" 8<"$2" 9<"$2"`;
    const plain = await sh('/bin/ls /proc/self/fd 9<"$2"', ['', KEY]);
    expect(await sh(script, [LS, KEY])).toEqual(plain);
  });

  test('no rest of standard input', async () => {
    const input = `${OWN.secret}\n`;
    expect(await runForeign(['-i', '-', CAT], { input })).toEqual({ status: 0, stdout: '', stderr: '' });
    const { stdout } = await runForeign(['-i', '-', '--stdin', WORDS, CAT], { input });
    expect(stdout).toBe(readFileSync(join(import.meta.dirname, '../../samples', WORDS), 'latin1'));
  });

  test('no standard input, where the program was not sealed, either', async () => {
    const outcome = await runForeign(['-i', '-', '/bin/cat'], { input: `${OWN.secret}\n` });
    expect(outcome).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('no variable', async () => {
    const env = { PATH: NODE_PATH, RUN_FOREIGN_IDENTITY: KEY, OTHER: 'kept' };
    const { stdout } = await runForeign([ENV], { env });
    expect(stdout.split('\n').sort()).toEqual(['', 'OTHER=kept', `PATH=${NODE_PATH}`]);
  });
});

describe('a sealed program runs', () => {
  const more = Buffer.alloc(20 * 2 ** 20, 'after the program');
  test.each<[string, () => Promise<Uint8Array>]>([
    ['in armor', async () => Buffer.from(armor.encode(SEALED))],
    ['in gzip', async () => gzipSync(SEALED)],
    ['packed inside', () => sealFor(gzipSync(STATIC), OWN.recipient)],
    ['sealed twice, and packed between', async () => sealFor(gzipSync(SEALED), OTHER.recipient)],
    [
      'with so much behind it that two threads check it',
      () => sealFor(Buffer.concat([STATIC, more]), OWN.recipient),
    ],
    ['for several', () => sealFor(STATIC, OTHER.recipient, OWN.recipient)],
  ])('%s', async (name, make) => {
    const path = file(name.replaceAll(/\W/g, '-'), await make());
    expect(await runForeign(['-i', KEY, '-i', OTHER_KEY, path, WORDS])).toEqual(COUNTED);
  });

  test('through a pipe', async () => {
    const outcome = await runForeign(['-i', KEY, '-', WORDS], { input: SEALED.toString('latin1') });
    expect(outcome).toEqual(COUNTED);
  });

  test('and can be planned and inspected', async () => {
    const plan = await runForeign(['plan', '-i', KEY, TALLY]);
    expect(plan).toMatchObject({ status: 0, stderr: '' });
    const inspection = await runForeign(['inspect', '-i', KEY, TALLY]);
    expect(inspection.stdout).toContain('elf');
  });
});

describe('it is not started', () => {
  test('without a key', async () => {
    expectRefused(
      await runForeign([TALLY]),
      /is sealed for 1 recipient \(X25519\), and there is no key; .*-i/,
    );
  });

  test('with the wrong one', async () => {
    const outcome = await runForeign(['-i', OTHER_KEY, TALLY]);
    expectRefused(outcome, /no key fits; tried: .*other\.txt \(age1[a-z0-9]+\); /);
  });

  test.each<[string, readonly string[], Record<string, string>, RegExp]>([
    ['a key in the place of its file', ['-i', OWN.secret, TALLY], {}, /name of a file, and not a key/],
    [
      'a key in the environment',
      [TALLY],
      { RUN_FOREIGN_IDENTITY: OWN.secret },
      /name of a file, and not a key/,
    ],
    [
      'a file that is not there',
      ['-i', '/no/key', TALLY],
      {},
      /^run-foreign: \/no\/key: cannot be read.*ENOENT/,
    ],
    ['a directory', ['-i', '/', TALLY], {}, /^run-foreign: \/: cannot be read.*EISDIR/],
    ['a descriptor that is closed', ['-i', 'fd:77', TALLY], {}, /descriptor 77, for a key, is not open/],
    [
      'standard input, twice',
      ['-i', '-', '-i', '-', TALLY],
      {},
      /two key files cannot both come from standard/,
    ],
    ['standard input, for both', ['-i', '-', '-'], {}, /cannot both come from standard input/],
    [
      'a file with something else',
      ['-i', join(directory.path, 'tally.txt'), TALLY],
      {},
      /line 2 is no age key/,
    ],
    ['no file', ['-i'], {}, /no value after the option --identity/],
  ])('where the command line is wrong: %s', async (_, args, env, line) => {
    file('tally.txt', '\nnone', 0o644);
    expectRefused(await runForeign(args, { env: { PATH: NODE_PATH, ...env } }), line, 2);
  });

  const { head, chunks } = chunksOf(SEALED);
  const changed = (at: number) => {
    const bytes = Buffer.from(SEALED);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return bytes;
  };
  test.each<[string, Uint8Array, RegExp]>([
    ['a damaged MAC', changed(payloadAt(SEALED) - 30), /header/],
    ['a damaged nonce', changed(payloadAt(SEALED) - 5), /damaged/],
    ['a damaged chunk', changed(SEALED.length - 100), /damaged.*chunk = 1 of 1/],
    ['a missing end', SEALED.subarray(0, -1), /cut off/],
    ['something behind the end', Buffer.concat([head, ...chunks, Buffer.of(0)]), /damaged, or cut off/],
  ])('with %s', async (name, bytes, line) => {
    expectRefused(await runForeign(['-i', KEY, file(name, bytes), WORDS]), line);
  });

  test('with damage where nothing of the program is, in a file for two threads', async () => {
    const bytes = await sealFor(Buffer.concat([STATIC, Buffer.alloc(20 * 2 ** 20)]), OWN.recipient);
    const at = payloadAt(bytes) + 200 * SEALED_CHUNK_SIZE + 77;
    bytes[at] = (bytes[at] ?? 0) ^ 0x80;
    const outcome = await runForeign(['-i', KEY, file('far', bytes), WORDS]);
    expectRefused(outcome, /damaged: a chunk is not authentic .*chunk = 201 of 321/);
  });
});

describe('a passphrase', () => {
  const PASSPHRASE = 'correct horse é';
  const path = join(directory.path, 'passphrase.age');
  const prompt = `Passphrase for ${path}: `;
  const command = [COMMAND, path, WORDS].map(quote).join(' ');
  const prepared = sealWith(STATIC, PASSPHRASE).then((bytes) => file('passphrase.age', bytes));

  test('is asked for on the terminal, which does not show it, whatever the standard streams are', async () => {
    await prepared;
    const { status, output } = await terminal(`${command} </dev/null 2>/dev/null | cat`, [
      [prompt, `${PASSPHRASE}\r`],
    ]);
    expect({ status, output }).toEqual({ status: 0, output: `${prompt}\r\n3 6 30 ${WORDS}\r\n` });
  });

  test('can be mended while it is typed', async () => {
    await prepared;
    const typed = `wrong\x15correct hxé\x7f\x7forse ü\x7fé\r`;
    const { status, output } = await terminal(command, [[prompt, typed]]);
    expect({ status, output }).toEqual({ status: 0, output: `${prompt}\r\n3 6 30 ${WORDS}\r\n` });
  });

  test('is asked for three times', async () => {
    await prepared;
    const { status, output } = await terminal(command, [
      [prompt, 'a\r'],
      ['(that was not it): ', 'b\r'],
      ['(that was not it): ', 'c\r'],
    ]);
    expect(output).toContain('the passphrase is wrong, 3 times');
    expect(status).toBe(126);
  });

  test('can be refused: ^D ends the command', async () => {
    await prepared;
    const { status, output } = await terminal(command, [[prompt, '\x04']]);
    expect(output).toContain('needs a passphrase, and none was given');
    expect(status).toBe(126);
  });

  test('^C interrupts it, and the terminal is as it was', async () => {
    await prepared;
    const { output } = await terminal(
      `trap : INT; stty -a | grep -o ' -\\?echo\\b'; ${command}; echo "status $?"; stty -a | grep -o ' -\\?echo\\b'`,
      [[prompt, '\x03']],
    );
    expect(output).toBe(` echo\r\n${prompt}\r\nstatus 130\r\n echo\r\n`);
  });

  test('cannot be asked for without a terminal', async () => {
    await prepared;
    const outcome = await run('setsid', ['-w', COMMAND, path]);
    expectRefused(outcome, /a passphrase is needed for .*, and there is no terminal; /);
  });
});
