/** Bytes in memory and windows onto other sources: nothing outside the window can be read. */
import { describe, expect, test } from 'vitest';
import { memorySource, sourceFrom } from '../../src/source/memory.ts';
import { checkRange } from '../../src/source/source.ts';
import { foreignError } from '../support/errors.ts';
import { fileLike, text } from '../support/sources.ts';

describe('a source in memory', () => {
  const source = memorySource(text('0123456789'), 'digits');

  test('gives exactly the bytes asked for', () => {
    expect(Buffer.from(source.read(3, 4) as Uint8Array).toString()).toBe('3456');
    expect(source.read(10, 0)).toHaveLength(0);
    expect(source).toMatchObject({ name: 'digits', size: 10, confidential: false });
    expect(source.file).toBeUndefined();
  });

  test('refuses what it does not have, and says how long it is', async () => {
    for (const [offset, length] of [
      [0, 11],
      [10, 1],
      [-1, 1],
      [1, Number.POSITIVE_INFINITY],
    ] as const) {
      const error = await foreignError(() => source.read(offset, length));
      expect(error).toMatchObject({ code: 'BAD_FORMAT', subject: 'digits' });
      expect(error.message).toContain('only 10 bytes');
    }
  });

  test('is confidential if it is said to be', () => {
    expect(memorySource(text('x'), 'x', true).confidential).toBe(true);
  });
});

describe('a window', () => {
  const whole = fileLike(text('0123456789'), 7, 'digits', 100);

  test('counts from its own beginning, and its file offset from the file’s', () => {
    const window = sourceFrom(whole, 4);
    expect(window).toMatchObject({ name: 'digits', size: 6, file: { fd: 7, offset: 104 } });
    expect(Buffer.from(window.read(0, 6) as Uint8Array).toString()).toBe('456789');
    expect(sourceFrom(window, 2).file?.offset).toBe(106);
  });

  test('cannot be read before its beginning or past its end', async () => {
    const window = sourceFrom(whole, 4);
    expect((await foreignError(() => window.read(-1, 1))).code).toBe('BAD_FORMAT');
    expect((await foreignError(() => window.read(0, 7))).code).toBe('BAD_FORMAT');
  });

  test('may be empty, and may not begin past the end', async () => {
    expect(sourceFrom(whole, 10).size).toBe(0);
    expect((await foreignError(() => sourceFrom(whole, 11))).code).toBe('BAD_FORMAT');
    expect((await foreignError(() => sourceFrom(whole, -1))).code).toBe('BAD_FORMAT');
  });

  test('onto secret bytes is secret', () => {
    expect(sourceFrom(memorySource(text('secret'), 'x', true), 3).confidential).toBe(true);
  });

  test('onto bytes without a file has none', () => {
    expect(sourceFrom(memorySource(text('abc'), 'x'), 1).file).toBeUndefined();
  });
});

test('a range is good when it lies inside, and numbers are whole', async () => {
  for (const [offset, length] of [
    [0, 0],
    [0, 8],
    [8, 0],
    [3, 5],
  ] as const)
    expect(() => checkRange('x', 8, offset, length)).not.toThrow();
  for (const [offset, length] of [
    [0, 9],
    [9, 0],
    [2 ** 53, 0],
    [1.5, 1],
    [1, 1.5],
    [Number.NaN, 0],
  ] as const)
    expect((await foreignError(() => checkRange('x', 8, offset, length))).code).toBe('BAD_FORMAT');
});
