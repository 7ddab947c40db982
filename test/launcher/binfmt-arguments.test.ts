/** The launcher that binfmt_misc starts, given what the kernel gives it: the program's path, the caller's argv[0], arguments. */
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  BINFMT_ARGV0,
  BINFMT_SUFFIX,
  isFromBinfmt,
  NODE_ARGV0,
  socketFrom,
} from '../../src/launcher/protocol.ts';
import { COMMAND, NODE_PATH, run, SAMPLES, temporary } from '../support/run.ts';

const INTERPRETER = `${COMMAND}${BINFMT_SUFFIX}`;
const TALLY = join(SAMPLES, 'aout/tally-qmagic');
const directory = temporary();
afterAll(directory.remove);
for (const name of ['plan', '-y', '.hidden', 'fd:0', 'http:x', 'below/plan', '-x/plan', 'https:/plan'])
  directory.file(name, readFileSync(TALLY));

/** What tally says of a file that is not there begins with the last part of its argv[0]. */
const complaint = (name: string) => `${name}: /none: cannot open (errno 2)\n`;
const start = (args: readonly string[], cwd = directory.path, env: Record<string, string> = {}) =>
  run(INTERPRETER, args, { cwd, env: { PATH: NODE_PATH, ...env } });

test('its marks for Node are as long as the others, and told apart', () => {
  expect(BINFMT_ARGV0.length).toBe(NODE_ARGV0.length);
  expect(socketFrom(`${BINFMT_ARGV0}aaaaaaad`)).toBe(3);
  expect(isFromBinfmt(`${BINFMT_ARGV0}aaaaaaad`)).toBe(true);
  expect(isFromBinfmt(`${NODE_ARGV0}aaaaaaad`)).toBe(false);
});

describe("argv[0] is the caller's", () => {
  test.each([
    ['as the path', TALLY, TALLY, 'tally-qmagic'],
    ['found in PATH', TALLY, 'tally-qmagic', 'tally-qmagic'],
    ['another one', TALLY, 'NAME', 'NAME'],
    ['a longer one that begins as the path', TALLY, `${TALLY}-more`, 'tally-qmagic-more'],
    ['a shorter one', TALLY, TALLY.slice(0, -6), 'tally-'],
    ['in this directory', './plan', './plan', 'plan'],
    ['below this directory', 'below/plan', 'below/plan', 'plan'],
    ['where options and URLs look like it', '-x/plan', '-x/plan', 'plan'],
    ['where URLs look like it', 'https:/plan', 'https:/plan', 'plan'],
    ['empty', TALLY, '', ''],
  ])('%s', async (_, path, argv0, name) => {
    expect(await start([path, argv0, '/none'])).toEqual({ status: 1, stdout: '', stderr: complaint(name) });
  });
});

test.each(['plan', '-y', '.hidden', 'fd:0', 'http:x'])('%s is the file of that name', async (name) => {
  const outcome = await start([name, name, '/none']);
  expect(outcome).toEqual({ status: 1, stdout: '', stderr: complaint(name) });
});

test('arguments stay as they are', async () => {
  const outcome = await start(['/bin/echo', 'echo', '--help me', '', 'a  b', '\xff'], '/');
  expect(outcome).toMatchObject({ status: 0 });
  expect(outcome.stdout).toContain('--help me  a  b');
  expect(await start(['/bin/echo', '/bin/echo', '--', '-n'], '/')).toMatchObject({ stdout: '-- -n\n' });
});

test('variables of ours count as for any start', async () => {
  const env = { RUN_FOREIGN_ARGV0: 'wished' };
  expect(await start([TALLY, TALLY, '/none'], '/', env)).toMatchObject({ stderr: complaint('wished') });
  expect(await start([TALLY, 'given', '/none'], '/', env)).toMatchObject({ stderr: complaint('wished') });
  const verbose = await start([TALLY, 'given', '/none'], '/', { RUN_FOREIGN_VERBOSE: '1' });
  expect(verbose.stderr).toContain('aout (QMAGIC)');
  expect(verbose.stderr).toContain(complaint('given'));
});

test('without argv[0], as before Linux 5.18, it is the path', async () => {
  expect(await start([TALLY])).toMatchObject({ status: 0 });
});

test('what cannot be run says so', async () => {
  expect(await start(['/none', 'x'])).toMatchObject({ status: 127 });
  const text = directory.file('text', 'no program\n');
  const { status, stderr } = await start([text, text]);
  expect(status).toBe(126);
  expect(stderr).toContain('text: ');
});

test('it finds its other half through a symbolic link, and Node without PATH', async () => {
  const link = join(directory.path, 'link');
  symlinkSync(INTERPRETER, link);
  expect(await run(link, [TALLY, 'x', '/none'])).toMatchObject({ stderr: complaint('x') });
});
