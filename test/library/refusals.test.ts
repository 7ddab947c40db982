/** Starts that fail: what the promise of spawnForeign says, and that nothing is left. */
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadImage, type SpawnForeignOptions, spawnForeign } from '../../src/index.ts';
import { SAMPLES, temporary } from '../support/run.ts';

const directory = temporary();
afterAll(directory.remove);
const plain = directory.file('plain', 'neither ELF nor a script\n');
const closed = directory.file('closed', '#!/bin/sh\n', 0o644);
const lost = directory.file('lost', '#!/not/there\n');
const file = join(SAMPLES, 'elf/x86_64/hello-static');
/** Of bytes nothing is kept for later. */
const sample = readFileSync(file);
const open = () => readdirSync('/proc/self/fd').length;

type Case = [what: string, program: string | URL | Uint8Array, options: object, error: object];

test.each<Case>([
  ['a name that is not in PATH', 'run-foreign-not-there', {}, { code: 'PROGRAM_NOT_FOUND', exitCode: 127 }],
  ['a path that leads nowhere', './not-there', {}, { code: 'PROGRAM_NOT_FOUND', subject: './not-there' }],
  ['the wrong directory', './plain', { cwd: '/' }, { code: 'PROGRAM_NOT_FOUND' }],
  ['a file that may not be executed', closed, {}, { code: 'NOT_EXECUTABLE' }],
  ['a directory', '/', {}, { code: 'NOT_EXECUTABLE' }],
  ['no known format', plain, {}, { code: 'UNKNOWN_FORMAT', exitCode: 126 }],
  ['an interpreter that is not there', lost, {}, { code: 'PROGRAM_NOT_FOUND' }],
  ['a broken file', Buffer.from('\x7fELF'), {}, { code: 'BAD_FORMAT', name: 'FormatError' }],
  ['no bytes', new Uint8Array(0), {}, { code: 'UNKNOWN_FORMAT' }],
  ['a script of bytes', Buffer.from('#!/bin/sh\n'), {}, { code: 'UNSUPPORTED' }],
  ['a format there is not', sample, { format: 'nothing' }, { code: 'USAGE' }],
  ['an option of no loader', sample, { loaderOptions: { nothing: { a: 1 } } }, { code: 'USAGE' }],
  ['a URL without a pin', 'https://127.0.0.1:1/x', {}, { code: 'UNAUTHENTICATED' }],
  ['another digest', file, { network: { sha256: '0'.repeat(64) } }, { code: 'UNAUTHENTICATED' }],
  ['a URL of no known scheme', new URL('ftp://host/x'), {}, { code: 'USAGE' }],
  ['a descriptor by name', '-', {}, { code: 'PROGRAM_NOT_FOUND' }],
  ['a shell', sample, { shell: true }, { code: 'USAGE', message: expect.stringContaining('shell') }],
  [
    'ipc',
    sample,
    { stdio: ['pipe', 'pipe', 'pipe', 'ipc'] },
    { code: 'USAGE', message: expect.stringContaining('ipc') },
  ],
  [
    'a directory that is not there',
    sample,
    { cwd: '/not/there' },
    { code: 'MACHINE_REFUSED', hint: 'options.cwd is /not/there' },
  ],
  ['null bytes in a name', 'a\0b', {}, { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' }],
  [
    'null bytes in the environment',
    sample,
    { env: { A: 'a\0b' } },
    { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' },
  ],
  ['null bytes in argv[0]', sample, { argv0: '\0' }, { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' }],
  ['a user that is none', sample, { uid: 'root' }, { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }],
  ['a signal that is none', sample, { killSignal: 'SIGNOTHING' }, { name: 'TypeError' }],
  ['a stdio that is none', sample, { stdio: ['nothing'] }, { name: 'TypeError' }],
  ['a negative timeout', sample, { timeout: -1 }, { code: 'ERR_OUT_OF_RANGE' }],
  ['another encoding', sample, { encoding: 'latin1' }, { code: 'ERR_INVALID_ARG_VALUE' }],
])('%s', async (_, program, options, error) => {
  const before = open();
  await expect(spawnForeign(program, [], options as SpawnForeignOptions)).rejects.toMatchObject(error);
  expect(open()).toBe(before);
});

test('arguments that are none', async () => {
  await expect(spawnForeign(sample, ['a\0b'])).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
  await expect(spawnForeign(sample, 'a' as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  await expect(spawnForeign(undefined as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
});

test('more arguments than a program can get', async () => {
  const args = Array.from({ length: 100 }, () => 'x'.repeat(100_000));
  await expect(spawnForeign(sample, args)).rejects.toMatchObject({ code: 'TOO_BIG' });
});

test('a file that somebody writes to', async () => {
  const busy = directory.file('busy', '#!/bin/sh\nexit 5\n');
  const fd = openSync(busy, 'r+');
  await expect(spawnForeign(busy)).rejects.toMatchObject({ code: 'NOT_EXECUTABLE' });
  closeSync(fd);
  await expect((await spawnForeign(busy)).result).rejects.toMatchObject({ exitCode: 5 });
});

describe('an AbortSignal that is aborted already', () => {
  test.each(['before the call', 'right after it'])('%s', async (when) => {
    const before = open();
    const abort = new AbortController();
    const reason = new Error('not wanted');
    if (when === 'before the call') abort.abort(reason);
    const starting = spawnForeign(plain, [], { signal: abort.signal, format: 'elf' });
    const other = spawnForeign(sample, [], { signal: abort.signal });
    abort.abort(reason);
    await expect(other).rejects.toBe(reason);
    await expect(starting).rejects.toThrow();
    expect(open()).toBe(before);
  });
});

test('a reason that is nothing', async () => {
  await expect(spawnForeign(sample, [], { signal: AbortSignal.abort(null) })).rejects.toBe(null);
});

test('a handle that is closed', async () => {
  const image = await loadImage(sample);
  image.close();
  image.close();
  await expect(spawnForeign(image)).rejects.toMatchObject({ code: 'USAGE' });
});
