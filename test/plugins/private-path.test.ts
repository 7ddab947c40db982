/** Who else could have put a file where it is. */
import { chmodSync, lchownSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { whoElseReads, whoElseWrites } from '../../src/plugins/private-path.ts';
import { temporary } from '../support/run.ts';
import { writeFiles } from '../support/toy.ts';

const directory = temporary();
afterAll(directory.remove);

let places = 0;
function place(): string {
  const path = join(realpathSync(directory.path), String(++places));
  writeFiles(path, { 'in/file': '', 'mine/file': '' });
  return path;
}

test('nobody, where it is below directories of the user and the superuser; /tmp is one', () => {
  expect(whoElseWrites(join(place(), 'in/file'))).toBeUndefined();
  expect(whoElseWrites('/bin/sh')).toBeUndefined();
});

test.each([
  ['in/file', 0o666],
  ['in/file', 0o720],
  ['in', 0o777],
  ['in', 0o770],
  ['.', 0o702],
])('who may write to %s (mode %o)', (what, mode) => {
  const path = place();
  chmodSync(join(path, what), mode);
  expect(whoElseWrites(join(path, 'in/file'))).toContain(
    `may be written by others (mode ${mode.toString(8)})`,
  );
});

test('in a directory with the sticky bit others cannot replace what is ours', () => {
  const path = place();
  chmodSync(join(path, 'in'), 0o1777);
  expect(whoElseWrites(join(path, 'in/file'))).toBeUndefined();
  expect(whoElseWrites(join(path, 'in'))).toContain('may be written by others');
});

test('every link on the way counts, and where it leads', () => {
  const path = place();
  mkdirSync(join(path, 'open'));
  symlinkSync('../mine', join(path, 'open/link'));
  symlinkSync('open/link', join(path, 'way'));
  const file = join(path, 'way/file');
  expect(whoElseWrites(file)).toBeUndefined();
  chmodSync(join(path, 'open'), 0o777);
  expect(whoElseWrites(file)).toContain('open may be written by others');
  chmodSync(join(path, 'open'), 0o755);
  chmodSync(join(path, 'mine'), 0o777);
  expect(whoElseWrites(file)).toContain('mine may be written by others');
  symlinkSync('round', join(path, 'round'));
  expect(whoElseWrites(join(path, 'round'))).toContain('too many symbolic links');
});

test('a file, directory or link of another user', () => {
  // Only the superuser can give one away.
  const owner = 1234;
  const isRoot = process.geteuid?.() === 0;
  for (const what of ['in/file', 'in', 'link']) {
    const path = place();
    symlinkSync('in/file', join(path, 'link'));
    if (isRoot) lchownSync(join(path, what), owner, owner);
    const expected = isRoot ? `${join(path, what)} belongs to the user ${owner}` : undefined;
    expect(whoElseWrites(join(path, 'link'))).toBe(expected);
  }
});

test('a private directory is one that others cannot even look into', () => {
  const path = place();
  chmodSync(join(path, 'in'), 0o755);
  expect(whoElseReads(join(path, 'in'))).toContain('is open to others (mode 755)');
  chmodSync(join(path, 'in'), 0o700);
  expect(whoElseReads(join(path, 'in'))).toBeUndefined();
  expect(whoElseReads(join(path, 'in/file'))).toContain('is no directory');
  chmodSync(path, 0o777);
  expect(whoElseReads(join(path, 'in'))).toContain('may be written by others');
});
