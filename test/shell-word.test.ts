/** Words as shells take them, asked of the shell. */
import { expect, test } from 'vitest';
import { shellWord } from '../src/shell-word.ts';
import { run } from './support/run.ts';

const WORDS = [
  "it's",
  'two words',
  '',
  'a\nb\x1b[2J\u0085',
  '$HOME',
  '\\',
  '~',
  '-x',
  'ü',
  'A=b',
  '{a,b}',
  '!!',
  '*',
];

test.each(WORDS)('%j', async (word) => {
  const text = shellWord(word);
  expect(text).not.toMatch(/\p{Cc}/u);
  const asArgument = await run('/bin/bash', ['-c', `printf %s ${text}`]);
  expect(Buffer.from(asArgument.stdout, 'latin1').toString()).toBe(word);
  const asCommand = await run('/bin/bash', [
    '-c',
    `command_not_found_handle() { printf %s "$1"; }; ${text} 2> /dev/null`,
  ]);
  expect(Buffer.from(asCommand.stdout, 'latin1').toString()).toBe(word);
});

test('what is plain stays as it is', () => {
  const plain = ['ls', '/usr/bin/x-1.0', '--key=@file:1', 'a,b', '50%', 'c++'];
  expect(plain.map(shellWord)).toEqual(plain);
});
