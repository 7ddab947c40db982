/** `run-foreign seal`: what is in the file, who may read it, and what is left where it could not be written. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { ownLine } from '../../src/cli/own-line.ts';
import { newKey, openedWith } from '../support/keys.ts';
import {
  COMMAND,
  NODE_HALF,
  NODE_PATH,
  type Outcome,
  quote,
  runForeign,
  SHELL_COMMAND,
  sh,
  temporary,
} from '../support/run.ts';

const directory = temporary();
afterAll(directory.remove);
const KEY = await newKey(directory.path);
const OTHER = await newKey(directory.path);
const STRONG = await newKey(directory.path, 'hybrid');
const ELF = readFileSync('/bin/true');

let folders = 0;
/** An empty directory. */
function folder(): string {
  const path = join(directory.path, `folder-${++folders}`);
  mkdirSync(path);
  return path;
}

function program(bytes: Uint8Array, name = 'program'): string {
  const path = join(folder(), name);
  writeFileSync(path, bytes);
  return path;
}

/** Begins as a program does, so that nobody warns; no two chunks are the same. */
function programOf(size: number): Buffer {
  const bytes = Buffer.alloc(size, ELF.subarray(0, Math.min(size, 997)));
  for (let at = 8; at + 4 <= size; at += 4096) bytes.writeUInt32LE(at, at);
  return bytes;
}

/** For shell scripts: the superuser may not do what permissions forbid either. */
const UNPRIVILEGED = process.getuid?.() === 0 ? 'setpriv --bounding-set -dac_override,-dac_read_search' : '';
const QUIET: Outcome = { status: 0, stdout: '', stderr: '' };
const modeOf = (path: string) => (lstatSync(path).mode & 0o7777).toString(8);
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

describe('the file', () => {
  const seal = (output: string, ...more: string[]) => [
    'seal',
    '/bin/true',
    '-r',
    KEY.recipient,
    '-o',
    output,
    ...more,
  ];

  test('has the mode that the umask leaves', async () => {
    const path = folder();
    const command = `${SHELL_COMMAND} seal /bin/true -r ${KEY.recipient} -o`;
    await sh(
      `umask 022; ${command} plain; ${command} started --executable
      umask 077; ${command} own; ${command} own-started --executable`,
      [],
      { cwd: path },
    );
    const modes = Object.fromEntries(readdirSync(path).map((name) => [name, modeOf(join(path, name))]));
    expect(modes).toEqual({ plain: '644', started: '755', own: '600', 'own-started': '700' });
  });

  test('that is there is not replaced without --force', async () => {
    const output = program(Buffer.from('mine'), 'taken');
    const { status, stderr } = await runForeign(seal(output));
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `run-foreign: ${output}: is there already; to replace it, add --force\n`,
    });
    expect(readFileSync(output, 'utf8')).toBe('mine');
    expect(await runForeign(seal(output, '-f'))).toEqual(QUIET);
    expect((await openedWith(KEY, readFileSync(output))).equals(ELF)).toBe(true);
    expect(readdirSync(join(output, '..'))).toEqual(['taken']);
  });

  test('that comes while it is written is not replaced either', async () => {
    const output = join(folder(), 'sealed');
    const child = spawn(COMMAND, ['seal', '-', '-r', KEY.recipient, '-o', output], {
      env: { PATH: NODE_PATH },
    });
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    child.stdin.write(programOf(4_000_000));
    await partOf(output);
    writeFileSync(output, 'somebody else');
    child.stdin.end();
    const [status] = await once(child, 'close');
    expect(stderr).toContain('is there already');
    expect(status).toBe(2);
    expect(readFileSync(output, 'utf8')).toBe('somebody else');
    expect(readdirSync(join(output, '..'))).toEqual(['sealed']);
  });

  test('can be the program itself, which is read before it is replaced', async () => {
    const path = program(programOf(500_000));
    expect((await runForeign(['seal', path, '-r', KEY.recipient, '-o', path])).status).toBe(2);
    expect(await runForeign(['seal', path, '-r', KEY.recipient, '-o', path, '-f'])).toEqual(QUIET);
    expect((await openedWith(KEY, readFileSync(path))).equals(programOf(500_000))).toBe(true);
  });

  test('takes the place of a symbolic link, not of what that leads to', async () => {
    const target = program(Buffer.from('mine'), 'target');
    const link = join(target, '..', 'link');
    symlinkSync('target', link);
    expect((await runForeign(seal(link))).stderr).toContain('is there already');
    expect(await runForeign(seal(link, '--force'))).toEqual(QUIET);
    expect(lstatSync(link).isFile()).toBe(true);
    expect(readFileSync(target, 'utf8')).toBe('mine');
  });

  test.each(['/dev/null', '/dev/fd', '/'])('is never put in the place of %s', async (path) => {
    const before = statSync(path).ino;
    const { status, stderr } = await runForeign(seal(path, '--force'));
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `run-foreign: ${path}: is there already, and is no regular file\n`,
    });
    expect(statSync(path).ino).toBe(before);
  });

  test('is not written to a terminal', async () => {
    const command = `${quote(COMMAND)} seal /bin/true -r ${KEY.recipient} -o -`;
    const { stdout } = await sh('script -qec "$1" /dev/null', [command]);
    expect(stdout).toMatch(/^run-foreign: standard output: is a terminal/);
    expect(stdout).not.toContain('age-encryption.org');
  });
});

describe('where it cannot be written nothing is left', () => {
  test.each([
    ['no such directory', 'nowhere/sealed', 'ENOENT'],
    ['no directory', 'file/sealed', 'ENOTDIR'],
    ['a name that is too long', 'x'.repeat(300), 'ENAMETOOLONG'],
  ])('%s', async (_, name, errno) => {
    const path = folder();
    writeFileSync(join(path, 'file'), '');
    const outcome = await runForeign(['seal', '/bin/true', '-r', KEY.recipient, '-o', name], { cwd: path });
    expect(outcome).toMatchObject({ status: 125, stdout: '' });
    expect(outcome.stderr).toBe(`run-foreign: ${name}: cannot be written: ${errno}\n`);
    expect(readdirSync(path)).toEqual(['file']);
  });

  test('a directory that this user may not write to', async () => {
    const path = folder();
    chmodSync(path, 0o555);
    const command = `${UNPRIVILEGED} ${SHELL_COMMAND} seal /bin/true -r ${KEY.recipient} -o sealed`;
    const { status, stderr } = await sh(command, [], { cwd: path });
    expect({ status, stderr }).toEqual({
      status: 125,
      stderr: 'run-foreign: sealed: cannot be written: EACCES\n',
    });
  });

  test('a file that may not grow so large', async () => {
    const path = folder();
    const input = program(programOf(1_000_000));
    const command = `ulimit -f 100; ${SHELL_COMMAND} seal ${quote(input)} -r ${KEY.recipient} -o sealed`;
    const { status, stderr } = await sh(command, [], { cwd: path });
    expect({ status, stderr }).toEqual({
      status: 125,
      stderr: 'run-foreign: sealed: cannot be written: EFBIG\n',
    });
    expect(readdirSync(path)).toEqual([]);
  });

  test('a pipe that nobody reads', async () => {
    const input = program(programOf(1_000_000));
    const command = `{ ${SHELL_COMMAND} seal ${quote(input)} -r ${KEY.recipient} -o -; echo $? >&2; } | :`;
    const { stderr } = await sh(command);
    expect(stderr).toBe('run-foreign: standard output: cannot be written: EPIPE\n125\n');
  });

  test('standard streams that are closed', async () => {
    const command = `${SHELL_COMMAND} seal - -r ${KEY.recipient} -o`;
    const cwd = folder();
    const script = `: | ${command} - >&-; echo $? >&2; ${command} sealed <&-; echo $? >&2`;
    expect((await sh(script, [], { cwd })).stderr).toBe(
      'run-foreign: standard output: is not open\n2\nrun-foreign: -: standard input is not open\n127\n',
    );
    expect(readdirSync(cwd)).toEqual([]);
  });

  test('a device that is full', async () => {
    const { stderr } = await sh(`${SHELL_COMMAND} seal /bin/true -r ${KEY.recipient} -o - > /dev/full`);
    expect(stderr).toBe('run-foreign: standard output: cannot be written: ENOSPC\n');
  });

  test.each([
    ['SIGINT', COMMAND, []],
    ['SIGTERM', COMMAND, []],
    ['SIGHUP', COMMAND, []],
    ['SIGKILL', COMMAND, []],
    ['SIGINT', process.execPath, [NODE_HALF]],
  ] as const)('interrupted by %s: %s', async (signal, command, args) => {
    const output = join(folder(), 'sealed');
    const child = spawn(command, [...args, 'seal', '-', '-r', KEY.recipient, '-o', output], {
      env: { PATH: NODE_PATH },
    });
    child.stdin.on('error', () => {});
    child.stdin.write(programOf(4_000_000));
    await partOf(output);
    child.kill(signal);
    const [, by] = await once(child, 'exit');
    expect(by).toBe(signal);
    // Where the launcher was hit its Node cleans up, and may need a moment.
    while (readdirSync(join(output, '..')).length > 0) await setTimeout(5);
    child.stdin.destroy();
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

/** Waits until something was written for `output` under another name. */
async function partOf(output: string): Promise<void> {
  const path = join(output, '..');
  for (;;) {
    const [part] = readdirSync(path);
    if (part !== undefined && statSync(join(path, part)).size > 100_000) return;
    await setTimeout(5);
  }
}
