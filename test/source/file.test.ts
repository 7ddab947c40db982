/** Opening local files as programs: execve's own conditions, and reads that never run over the end. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openProgram } from '../../src/source/file.ts';
import { foreignError } from '../support/errors.ts';
import { text } from '../support/sources.ts';

let directory = '';
const path = (name: string) => join(directory, name);
const open = (name: string) => openProgram(Buffer.from(path(name)));
const refusal = (name: string) => foreignError(() => open(name));

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'run-foreign-file-'));
  writeFileSync(path('program'), 'the bytes of a program');
  chmodSync(path('program'), 0o755);
  writeFileSync(path('plain'), 'x');
  chmodSync(path('plain'), 0o644);
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('a regular executable file', () => {
  test('is a source of its bytes, backed by the open file', () => {
    const source = open('program');
    try {
      expect(source).toMatchObject({ name: path('program'), size: 22, confidential: false });
      expect(source.file).toMatchObject({ offset: 0 });
      expect(Buffer.from(source.file.path).toString()).toBe(path('program'));
      expect(Buffer.from(source.read(4, 5) as Uint8Array).toString()).toBe('bytes');
    } finally {
      source.close();
    }
  });

  test('through a symbolic link is the same', () => {
    symlinkSync('program', path('link'));
    const source = open('link');
    expect(source.size).toBe(22);
    source.close();
  });

  test('with a name that is no UTF-8 is opened by its bytes', () => {
    const name = Buffer.concat([Buffer.from(directory), text('/\xff\xfe')]);
    writeFileSync(name, 'odd');
    chmodSync(name, 0o755);
    const source = openProgram(name);
    expect(source.size).toBe(3);
    expect(Buffer.from(source.file.path)).toEqual(name);
    source.close();
  });

  test('that is empty is a source of no bytes', () => {
    writeFileSync(path('empty'), '');
    chmodSync(path('empty'), 0o755);
    const source = open('empty');
    expect(source.size).toBe(0);
    expect(source.read(0, 0)).toHaveLength(0);
    source.close();
  });

  test('that became shorter meanwhile is an error, not zeros', async () => {
    writeFileSync(path('shrinking'), 'long enough');
    chmodSync(path('shrinking'), 0o755);
    const source = open('shrinking');
    truncateSync(path('shrinking'), 4);
    const error = await foreignError(() => source.read(0, 11));
    expect(error).toMatchObject({ code: 'BAD_FORMAT', subject: path('shrinking') });
    source.close();
  });

  test.each([
    [0, 23],
    [22, 1],
    [23, 0],
    [-1, 1],
    [0, -1],
    [0.5, 1],
    [0, Number.NaN],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  ])('reading %s bytes on from %s is refused', async (offset, length) => {
    const source = open('program');
    expect((await foreignError(() => source.read(offset, length))).code).toBe('BAD_FORMAT');
    source.close();
  });
});

describe('what execve refuses', () => {
  test('a missing file, and a path through a file, are not found', async () => {
    expect(await refusal('missing')).toMatchObject({
      code: 'PROGRAM_NOT_FOUND',
      exitCode: 127,
      subject: path('missing'),
    });
    expect(await refusal('plain/below')).toMatchObject({ code: 'PROGRAM_NOT_FOUND', exitCode: 127 });
    expect((await foreignError(() => openProgram(new Uint8Array(0)))).code).toBe('PROGRAM_NOT_FOUND');
  });

  test('a file without an x bit, also for root, with what to do about it', async () => {
    const error = await refusal('plain');
    expect(error).toMatchObject({ code: 'NOT_EXECUTABLE', exitCode: 126, subject: path('plain') });
    expect(error.hint).toContain('chmod +x');
  });

  test('a directory', async () => {
    mkdirSync(path('directory'));
    expect(await refusal('directory')).toMatchObject({ code: 'NOT_EXECUTABLE', message: 'is a directory' });
  });

  test('a FIFO, without waiting for a writer', async () => {
    execFileSync('mkfifo', [path('fifo')]);
    chmodSync(path('fifo'), 0o755);
    const started = performance.now();
    expect(await refusal('fifo')).toMatchObject({ code: 'NOT_EXECUTABLE', message: 'is not a regular file' });
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test('a character device', async () => {
    const error = await foreignError(() => openProgram(text('/dev/null')));
    expect(error).toMatchObject({ code: 'NOT_EXECUTABLE', message: 'is not a regular file' });
  });

  test('a socket', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path('socket'), resolve));
    expect(await refusal('socket')).toMatchObject({
      code: 'NOT_EXECUTABLE',
      message: 'is not a regular file',
    });
    server.close();
  });

  test('links that lead in a circle, and names that are too long', async () => {
    symlinkSync('circle', path('circle'));
    expect(await refusal('circle')).toMatchObject({
      code: 'NOT_EXECUTABLE',
      message: 'too many symbolic links',
    });
    expect(await refusal('x'.repeat(300))).toMatchObject({
      code: 'NOT_EXECUTABLE',
      message: 'the name is too long',
    });
  });

  test('a name with a NUL in it is an error like others', async () => {
    expect((await foreignError(() => openProgram(text('/bin/sh\0x')))).exitCode).toBe(126);
  });

  test('and no refusal leaves a descriptor open', async () => {
    const lowestFree = () => {
      const fd = openSync('/dev/null', 'r');
      closeSync(fd);
      return fd;
    };
    const before = lowestFree();
    for (const name of ['plain', 'directory', 'fifo', 'missing']) await refusal(name);
    expect(lowestFree()).toBe(before);
  });
});
