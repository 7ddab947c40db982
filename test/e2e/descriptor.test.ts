/** Programs that come through a descriptor: `-` and `fd:N`, from pipes and from files. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { quote, runForeign, SAMPLES, SHELL_COMMAND, sh, temporary } from '../support/run.ts';

const directory = temporary();
afterAll(() => directory.remove());
const sample = (path: string) => join(SAMPLES, path);
const TALLY = 'elf/x86_64/tally-static';
const WORDS = '3 6 30 inputs/words.txt\n';
const latin1 = (path: string) => readFileSync(sample(path), 'latin1');

describe('through a pipe', () => {
  test.each([
    'elf/x86_64/tally-static',
    'elf/x86_64/tally-dynamic-pie',
    'elf/i386/tally-static-pie',
    'aout/tally-qmagic',
  ])('%s runs, with nothing on its standard input', async (path) => {
    const outcome = await runForeign(['-', 'inputs/words.txt', '-'], { input: latin1(path) });
    if (path.startsWith('aout') && process.getuid?.() !== 0) expect(outcome.status).toBe(126);
    else expect(outcome.stdout).toBe(`${WORDS}0 0 0 -\n3 6 30 total\n`);
  });

  test('the program gets what --stdin names, or its twin', async () => {
    const words = ['--stdin', 'inputs/words.txt', '-', '-'];
    expect((await runForeign(words, { input: latin1(TALLY) })).stdout).toBe('3 6 30 -\n');
    const script = `cat ${TALLY} | RUN_FOREIGN_STDIN=inputs/words.txt ${SHELL_COMMAND} - -`;
    expect((await sh(script)).stdout).toBe('3 6 30 -\n');
  });

  test('it has no descriptor that it would not have as a file', async () => {
    const { stdout } = await sh(
      `cat /bin/ls | ${SHELL_COMMAND} - /proc/self/fd; ${SHELL_COMMAND} /bin/ls /proc/self/fd`,
    );
    const [piped, own] = [stdout.slice(0, stdout.length / 2), stdout.slice(stdout.length / 2)];
    expect(piped).toBe(own);
  });

  test('nothing of it is written to a file that has a name', async () => {
    const script = `cd ${quote(directory.path)}; cat ${sample(TALLY)} | TMPDIR=. ${SHELL_COMMAND} - ${sample('inputs/words.txt')}; ls -A`;
    expect((await sh(script)).stdout).toBe(`3 6 30 ${sample('inputs/words.txt')}\n`);
  });

  test('plan and inspect read it as well', async () => {
    const plan = await runForeign(['plan', '-'], { input: latin1(TALLY) });
    expect(plan.stdout).toMatch(/\n *\d+ +stdin +file 1\n/);
    const inspect = await runForeign(['inspect', '-'], { input: latin1(TALLY) });
    expect(inspect.stdout).toContain('x86_64');
  });

  test.each([
    ['nothing', '', /is empty/],
    ['no program', 'text', /is in no format/],
    ['half a program', latin1(TALLY).slice(0, 700), /file offset/],
    ['a script', '#!/bin/sh\necho no', /run from memory/],
  ])('%s is refused with one line', async (_, input, message) => {
    const { status, stdout, stderr } = await runForeign(['-'], { input });
    expect(stderr).toMatch(/^run-foreign: -: [^\n]+\n$/);
    expect(stderr).toMatch(message);
    expect({ status, stdout }).toEqual({ status: 126, stdout: '' });
  });
});

describe('from a file', () => {
  test('that is standard input, from where it stands', async () => {
    expect((await sh(`${SHELL_COMMAND} - inputs/words.txt < ${TALLY}`)).stdout).toBe(WORDS);
    const path = join(directory.path, 'behind-a-line');
    writeFileSync(path, Buffer.concat([Buffer.from('a line\n'), readFileSync(sample(TALLY))]));
    const script = `{ read -r line; ${SHELL_COMMAND} - inputs/words.txt; echo "$line"; } < ${quote(path)}`;
    expect((await sh(script)).stdout).toBe(`${WORDS}a line\n`);
  });

  test('that is open as another descriptor, which the program does not get', async () => {
    expect((await sh(`${SHELL_COMMAND} fd:7 inputs/words.txt 7< ${TALLY}`)).stdout).toBe(WORDS);
    const { stdout } = await sh(`${SHELL_COMMAND} fd:9 /proc/self/fd 8< /dev/null 9< /bin/ls`);
    expect(stdout.split('\n')).toContain('8');
    expect(stdout.split('\n')).not.toContain('9');
  });

  test('has that file’s name, and may be a script', async () => {
    const script = join(directory.path, 'script');
    writeFileSync(script, '#!/bin/sh\necho "$0 $*"\n', { mode: 0o755 });
    const outcome = await sh(`${SHELL_COMMAND} fd:5 a b 5< ${quote(script)}`);
    expect(outcome.stdout).toBe(`${script} a b\n`);
    expect((await sh(`${SHELL_COMMAND} fd:5 /proc/self/comm 5< /bin/cat`)).stdout).toBe('cat\n');
  });
});

test.each([
  ['fd:9', 'descriptor 9 is not open', 127],
  // Node and the launcher have some of these open, and they are none of the caller's.
  ['fd:3', 'descriptor 3 is not open', 127],
  ['fd:4', 'descriptor 4 is not open', 127],
  ['fd:17', 'descriptor 17 is not open', 127],
  ['fd:x', 'not found in PATH', 127],
])('%s: %s', async (name, message, expected) => {
  const { status, stderr } = await sh(`exec 3>&- 4>&-; ${SHELL_COMMAND} ${name}`);
  expect(stderr).toContain(`run-foreign: ${name}: ${message}`);
  expect(status).toBe(expected);
});

test('what cannot be standard input is wrong usage', async () => {
  const { status, stderr } = await runForeign(['--stdin', '/no/such/file', '/bin/true']);
  expect(stderr).toBe('run-foreign: /no/such/file: --stdin cannot be opened: ENOENT\n');
  expect(status).toBe(2);
});

test('a directory is no program', async () => {
  const { status, stderr } = await sh(`${SHELL_COMMAND} fd:5 5< /`);
  expect(stderr).toBe('run-foreign: fd:5: is a directory\n');
  expect(status).toBe(126);
});
