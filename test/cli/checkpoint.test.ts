/** What `checkpoint` and `duplicate` say of a command line, before any process is looked at; and of processes that are not there. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { COMMAND, run, SAMPLES } from '../support/run.ts';

const directory = mkdtempSync(join(tmpdir(), 'checkpoint-'));
const file = join(directory, 'a.core');
afterAll(() => rmSync(directory, { recursive: true }));

const NOBODY = String(2 ** 22 - 1);
const own = String(process.pid);

describe('a wrong command line', () => {
  test.each([
    ['a name for a PID', ['checkpoint', 'tally', '-o', file], "takes a process ID, not 'tally'"],
    ['0', ['checkpoint', '0', '-o', file], "takes a process ID, not '0'"],
    ['more than there can be', ['checkpoint', '4194305', '-o', file], 'takes a process ID'],
    ['two processes', ['checkpoint', own, own, '-o', file], 'takes one PID'],
    ['no output', ['checkpoint', own], 'needs --output FILE, or - for standard output'],
    ['another compression', ['checkpoint', own, '-o', file, '--compress', 'xz'], "knows zstd, and not 'xz'"],
    ['two ends', ['checkpoint', own, '-o', file, '--stop', '--kill'], 'only one of'],
    [
      'nothing that could be left out',
      ['checkpoint', own, '-o', file, '--skip', 'all'],
      '--skip takes one of sockets',
    ],
    ['no recipient', ['checkpoint', own, '-o', file, '--seal', 'age1'], "the recipient 'age1' is damaged"],
    ['no number of copies', ['duplicate', own, '-n', '0'], '--copies takes a number'],
    ['too many copies', ['duplicate', own, '-n', '10001'], '--copies takes a number'],
    ['a name to copy', ['duplicate', 'tally'], "takes a process ID, not 'tally'"],
  ])('%s', async (_, args, message) => {
    const { status, stdout, stderr } = await run(COMMAND, args);
    expect(stderr).toContain(message);
    expect([status, stdout]).toEqual([2, '']);
    expect(existsSync(file)).toBe(false);
  });

  test.each(['checkpoint', 'duplicate'])('%s alone tells how it is used', async (name) => {
    const { status, stderr } = await run(COMMAND, [name]);
    expect(stderr).toContain(`usage: run-foreign ${name} PID`);
    expect(status).toBe(2);
  });
});

describe('a process that is not there', () => {
  test.each([
    ['checkpoint', ['checkpoint', NOBODY, '-o', file]],
    ['checkpoint --check', ['checkpoint', NOBODY, '--check']],
    ['duplicate', ['duplicate', NOBODY]],
  ])('%s', async (_, args) => {
    const { status, stderr } = await run(COMMAND, args);
    expect(stderr).toBe(`run-foreign: process ${NOBODY}: is not there, or has ended\n`);
    expect(status).toBe(127);
    expect(existsSync(file)).toBe(false);
  });
});

test('a file that is no checkpoint, with the options of one, is started as ever', async () => {
  const { status, stdout } = await run(COMMAND, [
    '--new-pid',
    '--stdio',
    'recorded',
    join(SAMPLES, 'elf/x86_64/hello-static'),
  ]);
  expect(stdout).not.toBe('');
  expect(status).toBe(0);
});
