/** `run-foreign seal`: what is in the file, who may read it, and what may be sealed. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ownLine } from '../../src/cli/own-line.ts';
import { newKey, openedWith } from '../support/keys.ts';
import { COMMAND, NODE_PATH, type Outcome, runForeign, sh, temporary } from '../support/run.ts';
import { ELF, sealedFiles, UNPRIVILEGED } from '../support/seal-command.ts';

const directory = temporary();
afterAll(directory.remove);
const KEY = await newKey(directory.path);
const OTHER = await newKey(directory.path);
const STRONG = await newKey(directory.path, 'hybrid');
const { folder, program, programOf } = sealedFiles(directory);

const QUIET: Outcome = { status: 0, stdout: '', stderr: '' };
const withoutLine = (file: Buffer) => file.subarray(file.indexOf('\n') + 1);

describe('what is sealed is what was there', () => {
  test.each([65_535, 65_536, 65_537, 131_072, 3_000_000])('%i bytes', async (size) => {
    const bytes = programOf(size);
    const output = join(folder(), 'sealed');
    expect(await runForeign(['seal', program(bytes), '-r', KEY.recipient, '-o', output])).toEqual(QUIET);
    expect((await openedWith(KEY, readFileSync(output))).equals(bytes)).toBe(true);
    expect(readdirSync(join(output, '..'))).toEqual(['sealed']);
  });

  test.each([0, 1])('%i bytes, with a warning', async (size) => {
    const output = join(folder(), 'sealed');
    const outcome = await runForeign(['seal', program(programOf(size)), '-r', KEY.recipient, '-o', output]);
    expect(outcome).toMatchObject({ status: 0, stdout: '', stderr: expect.stringMatching(/warning/) });
    expect((await openedWith(KEY, readFileSync(output))).equals(programOf(size))).toBe(true);
  });

  test('from a pipe to a pipe', async () => {
    const bytes = programOf(300_000);
    const outcome = await runForeign(['seal', '-', '-r', KEY.recipient, '-o', '-'], {
      input: bytes.toString('latin1'),
    });
    expect({ ...outcome, stdout: '' }).toEqual(QUIET);
    expect((await openedWith(KEY, Buffer.from(outcome.stdout, 'latin1'))).equals(bytes)).toBe(true);
  });

  test('twice gives files that have nothing in common', async () => {
    const path = program(ELF);
    const seal = () => runForeign(['seal', path, '-r', KEY.recipient, '-o', '-']);
    const [one, two] = [(await seal()).stdout, (await seal()).stdout];
    expect(one.length).toBe(two.length);
    expect(one.slice(-64)).not.toBe(two.slice(-64));
  });

  test('in ASCII armor', async () => {
    for (const bytes of [ELF, programOf(48), programOf(131_072)]) {
      const outcome = await runForeign(['seal', program(bytes), '-a', '-r', KEY.recipient, '-o', '-']);
      const lines = outcome.stdout.split('\n');
      expect(lines[0]).toBe('-----BEGIN AGE ENCRYPTED FILE-----');
      expect(lines.slice(-2)).toEqual(['-----END AGE ENCRYPTED FILE-----', '']);
      const base64 = lines.slice(1, -2);
      expect(new Set(base64.slice(0, -1).map(({ length }) => length))).toEqual(new Set([64]));
      const binary = Buffer.from(base64.join(''), 'base64');
      expect((await openedWith(KEY, binary)).equals(bytes)).toBe(true);
    }
  });
});

describe('recipients', () => {
  test('each of several can open it, and nobody else', async () => {
    const list = join(folder(), 'list');
    writeFileSync(list, `# the others\n\n  ${OTHER.recipient}\r\n`);
    const third = await newKey(directory.path);
    const args = ['seal', '/bin/true', '-r', KEY.recipient, '--recipients-file', list, '-o', '-'];
    const file = Buffer.from((await runForeign(args)).stdout, 'latin1');
    for (const key of [KEY, OTHER]) expect((await openedWith(key, file)).equals(ELF)).toBe(true);
    await expect(openedWith(third, file)).rejects.toThrow();
  });

  test('post-quantum ones', async () => {
    const { stdout } = await runForeign(['seal', '/bin/true', '-r', STRONG.recipient, '-o', '-']);
    expect((await openedWith(STRONG, Buffer.from(stdout, 'latin1'))).equals(ELF)).toBe(true);
  });

  const damaged = KEY.recipient.replace(/.$/, (last) => (last === 'q' ? 'p' : 'q'));
  const badList = join(directory.path, 'bad-list');
  writeFileSync(badList, `${KEY.recipient}\nnonsense\n`);
  const emptyList = join(directory.path, 'empty-list');
  writeFileSync(emptyList, '# nobody\n');
  test.each([
    ['none', [], 'nobody could open it'],
    ['a damaged one', ['-r', damaged], damaged],
    ['one that is none', ['-r', 'alice@example.org'], "'alice@example.org'"],
    ['a key of another kind', ['-r', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI'], 'ssh-ed25519'],
    [
      'one of low order',
      ['-r', 'age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqs8vpqkq'],
      'age1qqq',
    ],
    ['a good one and a damaged one', ['-r', KEY.recipient, '-r', damaged], damaged],
    ['a list with nonsense', ['-R', badList], `line 2 of ${badList}`],
    ['a list of nobody', ['-R', emptyList], emptyList],
    ['a list that is not there', ['-R', '/no/such/list'], '/no/such/list cannot be read: ENOENT'],
    ['post-quantum ones and others', ['-r', KEY.recipient, '-r', STRONG.recipient], 'cannot be mixed'],
    ['a passphrase as well', ['-r', KEY.recipient, '-p'], 'not both'],
    ['a passphrase and a list', ['-R', badList, '-p'], 'not both'],
  ])('%s: a usage error that names it, and no file', async (_, args, named) => {
    const output = join(folder(), 'sealed');
    const { status, stdout, stderr } = await runForeign(['seal', '/bin/true', ...args, '-o', output]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^run-foreign: [^\n]+\n$/);
    expect(stderr).toContain(named);
    expect(readdirSync(join(output, '..'))).toEqual([]);
  });

  test('more than a header that we would read can hold', async () => {
    const list = join(folder(), 'list');
    writeFileSync(list, `${STRONG.recipient}\n`.repeat(45));
    const { status, stdout, stderr } = await runForeign(['seal', '/bin/true', '-R', list, '-o', '-']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('more recipients than fit a header of 64 KiB');
  });

  test('a secret key in their place is not shown', async () => {
    for (const args of [
      ['-r', KEY.identity],
      ['-R', KEY.file],
      ['-r', KEY.identity.toLowerCase()],
    ]) {
      const { status, stderr } = await runForeign(['seal', '/bin/true', ...args, '-o', '-']);
      expect(status).toBe(2);
      expect(stderr).toMatch(/is a secret key; age-keygen -y/);
      expect(stderr.toUpperCase()).not.toContain(KEY.identity.slice(20));
    }
  });
});

describe('PROGRAM', () => {
  test.each([
    ['/no/such/program', 127, 'no such file'],
    ['/', 126, 'is a directory'],
  ])('%s', async (path, status, why) => {
    const output = join(folder(), 'sealed');
    const outcome = await runForeign(['seal', path, '-r', KEY.recipient, '-o', output]);
    expect(outcome).toMatchObject({ status, stdout: '', stderr: expect.stringContaining(why) });
    expect(existsSync(output)).toBe(false);
  });

  test('that this user may not read', async () => {
    const path = program(ELF);
    chmodSync(path, 0);
    const { stdout } = await sh(`${UNPRIVILEGED} "$@" 2>&1; echo $?`, [
      COMMAND,
      'seal',
      path,
      '-r',
      KEY.recipient,
      '-o',
      '-',
    ]);
    expect(stdout).toMatch(/^run-foreign: .*: permission denied[^\n]*\n126\n$/);
  });

  test.each([
    ['no program', Buffer.from('This is a text.\n'), 'is in no format that run-foreign can run'],
    ['a script', Buffer.from('#!/bin/sh\necho\n'), 'is a script, whose interpreter cannot read it'],
  ])('%s is sealed, and a warning given', async (_, bytes, why) => {
    const path = program(bytes);
    const { status, stdout, stderr } = await runForeign(['seal', path, '-r', KEY.recipient, '-o', '-']);
    expect(status).toBe(0);
    expect(stderr).toMatch(new RegExp(`^run-foreign: ${path}: warning: ${why}[^\n]*\n$`));
    expect((await openedWith(KEY, Buffer.from(stdout, 'latin1'))).equals(bytes)).toBe(true);
  });

  test('a program behind a line of ours is none to warn of', async () => {
    const path = program(Buffer.concat([Buffer.from(`#!${COMMAND}\n`), ELF]));
    const { stderr } = await runForeign(['seal', path, '-r', KEY.recipient, '-o', '-']);
    expect(stderr).toBe('');
  });
});

describe('--executable', () => {
  const OUTPUT = ['-r', KEY.recipient, '--executable', '-o', '-'];

  test('names the command by its path, and the rest is the file', async () => {
    const { stdout } = await runForeign(['seal', '/bin/true', ...OUTPUT]);
    expect(stdout.slice(0, stdout.indexOf('\n'))).toBe(`#!${COMMAND}`);
    expect((await openedWith(KEY, withoutLine(Buffer.from(stdout, 'latin1')))).equals(ELF)).toBe(true);
  });

  test('names it as run-foreign where PATH has it under that name', async () => {
    const bin = folder();
    symlinkSync(COMMAND, join(bin, 'run-foreign'));
    const first = async (path: string) =>
      (await runForeign(['seal', '/bin/true', ...OUTPUT], { env: { PATH: path } })).stdout.split('\n')[0];
    expect(await first(`${bin}:${NODE_PATH}`)).toBe('#!/usr/bin/env run-foreign');
    const another = folder();
    writeFileSync(join(another, 'run-foreign'), '#!/bin/sh\n', { mode: 0o755 });
    expect(await first(`${another}:${bin}:${NODE_PATH}`)).toBe(`#!${COMMAND}`);
    chmodSync(join(another, 'run-foreign'), 0o644);
    expect(await first(`${another}:${bin}:${NODE_PATH}`)).toBe('#!/usr/bin/env run-foreign');
  });

  test('what npm adds to PATH for its own commands does not count', () => {
    const bin = join(folder(), 'node_modules/.bin');
    mkdirSync(bin, { recursive: true });
    symlinkSync(COMMAND, join(bin, 'run-foreign'));
    expect(ownLine(COMMAND, bin)).toBe(`#!${COMMAND}\n`);
  });

  test.each([
    ['blanks', '/opt/run foreign/dist/run-foreign'],
    ['more than the kernel reads', `/${'x'.repeat(253)}`],
    ['no path', undefined],
  ])('is refused for a path with %s', (_, path) => {
    expect(() => ownLine(path, '/usr/bin')).toThrow('there can be no #! line');
    expect(ownLine(`/${'x'.repeat(252)}`, '/usr/bin')).toHaveLength(256);
  });
});
