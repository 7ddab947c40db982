/** Help, version, wrong usage, and the exit statuses. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NODE_PATH, ROOT, runForeign, SHELL_COMMAND, sh } from '../support/run.ts';

const COMMANDS = [
  'plan',
  'inspect',
  'compile',
  'seal',
  'unseal',
  'new-loader',
  'formats',
  'check',
  'explain',
  'config',
  'completion',
];
const OPTIONS = [
  'format',
  'argv0',
  'env',
  'unset-env',
  'stdin',
  'max-size',
  'sha256',
  'verify-key',
  'verbose',
  'version',
  'help',
];
const lineLengths = (text: string) => text.split('\n').map((line) => line.length);

test('--help names everything and fits 80 columns', async () => {
  const { status, stdout, stderr } = await runForeign(['--help']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(Math.max(...lineLengths(stdout))).toBeLessThanOrEqual(80);
  for (const option of OPTIONS) {
    expect(stdout).toContain(`--${option}`);
    expect(stdout).toContain(`RUN_FOREIGN_${option.toUpperCase().replace('-', '_')}`);
  }
  for (const word of [...COMMANDS, '125', '126', '127', 'Examples']) expect(stdout).toContain(word);
  for (const same of ['help', '-h']) expect((await runForeign([same])).stdout).toBe(stdout);
  expect((await runForeign(['/bin/echo'], { env: { PATH: NODE_PATH, RUN_FOREIGN_HELP: '1' } })).stdout).toBe(
    stdout,
  );
});

test.each(COMMANDS)('%s --help fits 80 columns', async (command) => {
  const { status, stdout } = await runForeign([command, '--help']);
  expect(status).toBe(0);
  expect(stdout).toMatch(new RegExp(`^usage: run-foreign ${command} `));
  expect(Math.max(...lineLengths(stdout))).toBeLessThanOrEqual(80);
  expect((await runForeign(['help', command])).stdout).toBe(stdout);
  expect((await runForeign([command, '-h'])).stdout).toBe(stdout);
});

test('--version', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const expected = { status: 0, stdout: `run-foreign ${version}\n`, stderr: '' };
  for (const option of ['--version', '-V']) expect(await runForeign([option])).toEqual(expected);
  expect(await runForeign([], { env: { PATH: NODE_PATH, RUN_FOREIGN_VERSION: 'yes' } })).toEqual(expected);
});

test('no program: usage on stderr', async () => {
  const { status, stdout, stderr } = await runForeign([]);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/^usage: run-foreign /);
});

describe('wrong usage is one line that names the option as it was given, and leads on', () => {
  test.each([
    [['--formt', 'elf', '/bin/true'], 'unknown option: --formt; did you mean --format?'],
    [['--sha265=secret', '/bin/true'], 'unknown option: --sha265; did you mean --sha256?'],
    [['-x', '/bin/true'], 'unknown option: -x; see'],
    [['-verbose', '/bin/true'], 'unknown option: -verbose; did you mean --verbose?'],
    [['-format', 'elf', '/bin/true'], '-format'],
    [['--no-verbose', '/bin/true'], '--no-verbose'],
    [['--_', '/bin/true'], '--_'],
    [['---', '/bin/true'], '---'],
    [['--format'], 'format'],
    [['--format', '--verbose', '/bin/true'], 'format'],
    [['--verbose=maybe', '/bin/true'], '--verbose'],
    [['--env', '=x', '/bin/true'], '--env'],
    [['--unset-env', 'A=b', '/bin/true'], '--unset-env'],
    [['--json', 'inspect', '/bin/true'], 'unknown option: --json; it is an option of plan, inspect,'],
    [['--insecure', 'http://127.0.0.1/x'], '--insecure'],
    ...['0', '-1', '1.5', '1e6', '10T', '1GiB', 'K', '9007199254740992', '9000000G', 'much'].map(
      (size): [string[], string] => [[`--max-size=${size}`, '/bin/true'], `not '${size}'`],
    ),
    [['plan', '--nope', '/bin/true'], '--nope'],
    [['inspect', '/bin/true', 'more'], 'inspect'],
    [['formats', 'more'], 'formats'],
    [['check', 'more'], "'more'"],
    [['check', '--verbose'], '--verbose'],
    [['explain', 'USAGE', 'NETWORK'], 'explain'],
    [['config', 'a', 'b'], 'one PROGRAM'],
    [['compile', '/bin/true', 'argument', '-o', '-'], 'one PROGRAM'],
    [['compile', '/bin/true'], '--output'],
    [['compile', '-i', 'key', '/bin/true', '-o', '-'], 'unknown option: -i;'],
    [['seal', '/bin/true', '/bin/true', '-o', '-'], 'one PROGRAM'],
    [['seal', '/bin/true', '-r', 'age1'], '--output'],
    [['seal', '/bin/true', '-o'], 'output'],
    [['seal', '-x', '/bin/true'], '-x'],
    [['seal', '/bin/true', '--nope'], '--nope'],
    [['seal', '/bin/true', '--force=maybe'], '--force'],
    [['unseal', 'a', 'b', '-o', '-'], 'one FILE'],
    [['unseal', 'a'], '--output'],
    [['new-loader', 'a', 'b', 'c'], 'one NAME'],
    [['new-loader', '--force', 'a'], '--force'],
    [['new-loader', 'Toy'], "'Toy'"],
    [['help', 'nothing'], 'nothing'],
  ])('%j', async (args, named) => {
    const { status, stdout, stderr } = await runForeign(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(
      /^run-foreign: [^\n]*; (see run-foreign [a-z-]* ?--help|did you mean --[a-z0-9-]+\?|it is an option of [a-z, -]+)\n$/,
    );
    expect(stderr).toContain(named);
    expect(stderr).not.toContain('secret');
  });

  test('an unknown format', async () => {
    const { status, stderr } = await runForeign(['--format', 'nope', '/bin/true']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/nope.*elf/);
  });

  test('UTF-8 in an option comes back as UTF-8', async () => {
    const { stderr } = await runForeign(['--größe', '/bin/true']);
    expect(Buffer.from(stderr, 'latin1').toString()).toContain('größe');
  });
});

test('a command that was mistyped', async () => {
  for (const args of [
    ['inspct', 'x'],
    ['--verbose', 'inspct', 'x'],
  ]) {
    const { status, stderr } = await runForeign(args);
    expect(status).toBe(127);
    expect(stderr).toMatch(
      /^run-foreign: inspct: not found in PATH; a file here is \.\/inspct; did you mean run-foreign inspect\?\n/,
    );
  }
  for (const name of ['no-such-program', './inspct', 'sed2', 'x'])
    expect((await runForeign([name])).stderr).not.toContain('did you mean');
});

describe('exit statuses', () => {
  test.each([
    [['--unset-env', 'X', '/no/such/program'], 127],
    [['no-such-program-anywhere'], 127],
    [['--', 'plan'], 127],
    [['--unset-env', 'X', '/'], 126],
    [['/proc/self/status'], 126],
    [['--unset-env', 'X', '/bin/sh', '-c', 'exit 42'], 42],
    [['plan', '/no/such/program'], 127],
    [['plan'], 2],
    [['inspect'], 2],
    [['compile'], 2],
    [['compile', '/no/such/file', '-o', '-'], 127],
    [['seal'], 2],
    [['unseal'], 2],
    [['new-loader'], 2],
    [['unseal', '/no/such/file', '-o', '-'], 127],
    [['seal', '-r', 'age1', '-o', '-', '--', '--no-such-file'], 127],
  ])('%j: %i', async (args, status) => {
    expect((await runForeign(args)).status).toBe(status);
  });
});

describe('where nothing can be written', () => {
  test('output that is lost is an error', async () => {
    const { stdout, stderr } = await sh(`${SHELL_COMMAND} --help > /dev/full; echo $?`);
    expect(stderr).toBe('run-foreign: cannot write to standard output: ENOSPC\n');
    expect(stdout).toBe('125\n');
  });

  test('messages that are lost are not', async () => {
    const { stdout } = await sh(`${SHELL_COMMAND} --verbose /bin/echo runs 2> /dev/full; echo $?`);
    expect(stdout).toBe('runs\n0\n');
  });
});
