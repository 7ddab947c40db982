/** Finding a program by name: a path as it is, or a look-up in PATH as execvp(3) does it. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findProgram } from '../../src/launch/names.ts';
import { foreignError } from '../support/errors.ts';
import { temporary } from '../support/run.ts';

const directory = temporary();
const at = (name: string) => join(directory.path, name);
afterAll(() => directory.remove());

/** `one` holds what cannot run: a directory, a file without an x bit; `two` holds programs. */
beforeAll(() => {
  for (const name of ['one', 'one/tool', 'two']) mkdirSync(at(name));
  for (const name of ['one/plain', 'two/tool', 'two/plain', 'two/other']) writeFileSync(at(name), name);
  for (const name of ['two/tool', 'two/plain', 'two/other']) chmodSync(at(name), 0o755);
  chmodSync(at('one/plain'), 0o644);
  writeFileSync(at('one/dull'), 'dull');
});

async function find(name: string, path: string | undefined): Promise<string> {
  const found = await findProgram(Buffer.from(name), path === undefined ? undefined : Buffer.from(path));
  found.source.close();
  return Buffer.from(found.path).toString();
}

describe('a name without a slash', () => {
  test('is looked up in PATH, in its order', async () => {
    expect(await find('other', `${at('one')}:${at('two')}`)).toBe(at('two/other'));
  });

  test('passes over directories and files that may not be executed', async () => {
    expect(await find('tool', `${at('one')}:${at('two')}`)).toBe(at('two/tool'));
    expect(await find('plain', `${at('one')}:${at('two')}`)).toBe(at('two/plain'));
  });

  test('passes over elements of PATH that are no directories', async () => {
    expect(await find('other', `/nonexistent:${at('one/plain')}:${at('two')}`)).toBe(at('two/other'));
  });

  test('is not found in the working directory, unless an element of PATH is empty', async () => {
    const before = process.cwd();
    process.chdir(at('two'));
    try {
      expect((await foreignError(() => find('other', at('one')))).code).toBe('PROGRAM_NOT_FOUND');
      for (const path of ['', ':', `${at('one')}:`, `:${at('one')}`])
        expect(await find('other', path)).toBe('other');
    } finally {
      process.chdir(before);
    }
  });

  test('is looked up in /bin and /usr/bin without a PATH', async () => {
    expect(await find('sh', undefined)).toBe('/bin/sh');
  });

  test('that is nowhere is not found; one that only may not be executed is refused', async () => {
    const missing = await foreignError(() => find('nowhere', at('two')));
    expect(missing).toMatchObject({ code: 'PROGRAM_NOT_FOUND', exitCode: 127, subject: 'nowhere' });
    const refused = await foreignError(() => find('dull', `${at('one')}:${at('two')}`));
    expect(refused).toMatchObject({ code: 'NOT_EXECUTABLE', exitCode: 126, subject: at('one/dull') });
  });
});

describe('a name with a slash', () => {
  test('is a path, whatever PATH says', async () => {
    expect(await find(at('two/tool'), at('one'))).toBe(at('two/tool'));
    expect((await foreignError(() => find(at('two/none'), at('two')))).exitCode).toBe(127);
  });
});

test('an empty name is no program', async () => {
  expect((await foreignError(() => find('', '/bin'))).exitCode).toBe(127);
});
