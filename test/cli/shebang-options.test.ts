/** run-foreign as a `#!` interpreter, and what of its arguments may be split. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { shebangArgument, splitShebangOptions } from '../../src/cli/shebang-options.ts';
import { COMMAND, run, temporary } from '../support/run.ts';

const directory = temporary();
afterAll(directory.remove);

/** A file that starts with `line`, with a program's bytes behind it. */
function script(name: string, line: string, program = '/bin/echo'): string {
  const path = join(directory.path, name);
  writeFileSync(path, Buffer.concat([Buffer.from(`${line}\n`, 'latin1'), readFileSync(program)]));
  chmodSync(path, 0o755);
  return path;
}

const bytes = (...texts: string[]) => texts.map((text) => Buffer.from(text, 'latin1'));
const texts = (args: readonly Uint8Array[]) => args.map((arg) => Buffer.from(arg).toString('latin1'));

describe('end to end', () => {
  test('options and arguments reach their places', async () => {
    const path = script('verbose-echo', `#!${COMMAND}  --format elf\t--verbose `);
    const { status, stdout, stderr } = await run(path, ['--', '--help', '', 'a b']);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '-- --help  a b\n' });
    expect(stderr).toContain(`run-foreign: ${path}: elf`);
  });

  test('a single option, and none', async () => {
    expect((await run(script('one', `#!${COMMAND} --verbose`), ['x'])).stdout).toBe('x\n');
    expect(await run(script('none', `#!${COMMAND}`), ['x'])).toEqual({
      status: 0,
      stdout: 'x\n',
      stderr: '',
    });
  });

  test('a wrong option on the line is reported', async () => {
    const { status, stderr } = await run(script('wrong', `#!${COMMAND} --verbose --nope`));
    expect(status).toBe(2);
    expect(stderr).toContain('nope');
  });
});

describe('what is split', () => {
  const path = script('split', '#! /x/run-foreign \t --env=A=b c  --verbose\t');

  test('the argument of the line, exactly', () => {
    const args = bytes('--env=A=b c  --verbose', path, '-x y');
    expect(texts(splitShebangOptions(args))).toEqual(['--env=A=b', 'c', '--verbose', path, '-x y']);
  });

  test.each([
    ['another text', ['--env=A=b c', path]],
    ['a file without such a line', ['--env=A=b c  --verbose', '/bin/echo']],
    ['no file', ['--env=A=b c  --verbose', '/no/such/file']],
    ['a directory', ['--env=A=b c  --verbose', '/']],
    ['no second argument', ['--env=A=b c  --verbose']],
    ['no blank', ['--verbose', path]],
    ['no option', ['a b', path]],
  ])('not: %s', (_, args) => {
    expect(texts(splitShebangOptions(bytes(...args)))).toEqual(args);
  });
});

describe('the line as the kernel reads it', () => {
  test.each([
    ['#!/x a b\nrest', 'a b'],
    ['#! \t/x\ta  b \t\n', 'a  b'],
    ['#!/x\n-a b', undefined],
    ['#!/x  \n', undefined],
    ['#!/x a\0b\n', 'a'],
    ['#!/x \xff b\n', '\xff b'],
    [`#!/x ${'y'.repeat(300)}\n`, 'y'.repeat(251)],
    ['/x a b\n', undefined],
    ['', undefined],
  ])('%j', (line, argument) => {
    expect(shebangArgument(Buffer.from(line, 'latin1'))).toBe(argument);
  });
});
