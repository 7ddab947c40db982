/**
 * Arguments and environment arrive byte for byte, however many, long or odd they are. What is not UTF-8
 * cannot be handed to a child through Node, so such bytes are made by printf in a shell.
 */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { NODE_PATH, quote, runForeign, SHELL_COMMAND, sh, temporary } from '../support/run.ts';

const directory = temporary();
afterAll(() => directory.remove());

/** A script that writes its own argv, NUL-terminated, as the kernel keeps it. */
const SHOW_ARGV = 'cat "/proc/$$/cmdline"';
const KIB = 1024;

async function argvOf(args: readonly string[]): Promise<string[]> {
  const { stdout, stderr, status } = await runForeign(['/bin/sh', '-c', `${SHOW_ARGV}; :`, 'sh', ...args]);
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return stdout.split('\0').slice(4, -1);
}

describe('arguments', () => {
  test('a thousand of them arrive in order', async () => {
    const args = Array.from({ length: 1000 }, (_, index) => `argument ${index}`);
    expect(await argvOf(args)).toEqual(args);
  });

  test.each([
    [['']],
    [['', '', 'a', '']],
    [['--', '-x', '--', '--format', 'aout', '--verbose', '--help', '-']],
    [['1e3', '0x10', '007', '-1', '1.50', 'true', '--no-x', '--a.b=c', 'a,b', '[1]']],
    [['plan', 'inspect', 'formats', 'check', 'help']],
    [['a b', 'tab\there', 'line\nbreak', '$HOME', '*', '\\', '"', "'"]],
  ])('%j arrive untouched', async (args) => {
    expect(await argvOf(args)).toEqual(args);
  });

  test('after -- they are the program and its own', async () => {
    const { stdout, status } = await runForeign(['--', '/bin/echo', '-x', '--', '--format', '1e3']);
    expect({ stdout, status }).toEqual({ stdout: '-x -- --format 1e3\n', status: 0 });
  });

  test('a program may be called 1e3, -x or plan', async () => {
    for (const name of ['1e3', '-x', 'plan']) {
      copyFileSync('/bin/echo', join(directory.path, name));
      const options = { env: { PATH: directory.path } };
      const outcome = await runForeign(['--', name, 'heard'], options);
      expect(outcome, name).toEqual({ stdout: 'heard\n', stderr: '', status: 0 });
    }
  });

  test('bytes that are not UTF-8 arrive, in the name of the program too', async () => {
    const folder = quote(directory.path);
    const script = `
      cp /bin/sh ${folder}/"$(printf 'sh\\377')"
      ${SHELL_COMMAND} ${folder}/"$(printf 'sh\\377')" -c '${SHOW_ARGV}; :' "$(printf '\\200')" "$(printf 'a\\376\\300b\\001')"`;
    const { stdout, stderr, status } = await sh(script);
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    const argv = [`${directory.path}/sh\xff`, '-c', `${SHOW_ARGV}; :`, '\x80', 'a\xfe\xc0b\x01'];
    expect(stdout.split('\0').slice(0, -1)).toEqual(argv);
  });

  test('bytes that are not UTF-8 survive the way through our own options', async () => {
    const script = `${SHELL_COMMAND} --argv0 "$(printf 'zero\\377')" --env "$(printf 'VALUE=\\376')" /bin/sh -c '${SHOW_ARGV}; printf %s "$VALUE"' "$(printf '\\375')"`;
    const { stdout, stderr } = await sh(script);
    expect(stderr).toBe('');
    const [argv0, ...rest] = stdout.split('\0');
    expect(argv0).toBe('zero\xff');
    expect(rest.slice(-2)).toEqual(['\xfd', '\xfe']);
  });

  test('the longest one the kernel takes arrives', async () => {
    const longest = 'x'.repeat(128 * KIB - 1);
    expect(await argvOf([longest])).toEqual([longest]);
  });

  test('nearly as much as the limit arrives', async () => {
    // A quarter of the stack limit, less what execve needs to start Node and run-foreign.
    const args = Array.from({ length: 30 }, (_, index) => String(index % 10).repeat(60 * KIB));
    expect(await argvOf(args)).toEqual(args);
  });
});

describe('the environment', () => {
  test('arrives in order, a mebibyte of it too', async () => {
    const large = Array.from({ length: 16 }, (_, index) => [`LARGE_${index}`, `${index}`.repeat(32 * KIB)]);
    const env = { PATH: NODE_PATH, ...Object.fromEntries(large), EMPTY: '', 'ODD.NAME': 'a=b=c' };
    const { stdout, stderr, status } = await runForeign(['/usr/bin/env', '-0'], { env });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(stdout.length).toBeGreaterThan(16 * 32 * KIB);
    expect(stdout.split('\0').slice(0, -1)).toEqual(
      Object.entries(env).map(([name, value]) => `${name}=${value}`),
    );
  });

  test('may be empty', async () => {
    const outcome = await runForeign(['/usr/bin/env'], { env: {} });
    expect(outcome).toEqual({ stdout: '', stderr: '', status: 0 });
  });

  test('holds bytes that are not UTF-8, in names and values', async () => {
    const script = `exec env -i "$(printf 'N\\377AME=\\200\\376')" "PATH=$PATH" ${SHELL_COMMAND} /usr/bin/env -0`;
    const { stdout, stderr } = await sh(script);
    expect(stderr).toBe('');
    expect(stdout.split('\0').slice(0, -1)).toEqual(['N\xffAME=\x80\xfe', `PATH=${NODE_PATH}`]);
  });
});

describe('too much', () => {
  const limit = 256 * KIB;

  test('of arguments is refused by run-foreign where execve answers E2BIG', async () => {
    // What the interpreter lines add makes the difference between what we were given and what we pass on.
    const padding = 'p'.repeat(200);
    for (let depth = 0; depth < 5; depth++) {
      const interpreter = depth === 0 ? '/bin/echo' : join(directory.path, `deep-${depth - 1}`);
      const path = join(directory.path, `deep-${depth}`);
      writeFileSync(path, `#!${interpreter} ${padding}\n`, { mode: 0o755 });
    }
    const top = join(directory.path, 'deep-4');
    const overhead = process.execPath.length + 400;
    const size = limit - overhead - 5 * 200 + 700;
    const args = [size / 4, size / 4, size / 4, size / 4].map((length) => 'a'.repeat(length));
    const start = (command: string) => `ulimit -S -s 1024; exec ${command} ${quote(top)} "$@"`;
    const options = { env: { PATH: '/bin' } };
    const foreign = await sh(start(SHELL_COMMAND), args, options);
    expect(foreign.stderr).toMatch(/^run-foreign: .*\(E2BIG\).*\n$/);
    expect(foreign).toMatchObject({ status: 126, stdout: '' });
    const native = await sh(start(''), args, options);
    expect(native.stderr).toMatch(/Argument list too long/);
    expect(native.status).toBe(126);
  });
});
