/** Readers for /proc against files of known content and against this process. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  hasCapability,
  readNumber,
  readStrings,
  readText,
  statFields,
  statusField,
} from '../../src/native/proc.ts';

let directory = '';
const file = (name: string, content: string | Uint8Array) => {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
};
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'run-foreign-proc-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('text and numbers', () => {
  test('a file that cannot be read is undefined', () => {
    expect(readText('/no/such/file')).toBeUndefined();
    expect(readNumber('/no/such/file')).toBeUndefined();
  });

  test('a number is digits and nothing else', () => {
    expect(readNumber(file('number', '65536\n'))).toBe(65536);
    for (const text of ['', '-1', '1 2', 'max', '0x10'])
      expect(readNumber(file('other', text))).toBeUndefined();
  });
});

describe('NUL-separated strings', () => {
  const read = (content: string) =>
    readStrings(file('strings', Buffer.from(content, 'latin1'))).map((each) =>
      Buffer.from(each).toString('latin1'),
    );

  test.each([
    ['a\0bc\0', ['a', 'bc']],
    ['a\0\0b\0', ['a', '', 'b']],
    ['\0', ['']],
    ['', []],
    ['cut off', ['cut off']],
    ['\xff\xfe\0', ['\xff\xfe']],
  ])('%j are %j', (content, strings) => {
    expect(read(content)).toEqual(strings);
  });

  test('this process’s command line is its argv', () => {
    expect(Buffer.from(readStrings('/proc/self/cmdline')[0] ?? []).toString()).toBeTruthy();
  });
});

describe('status and stat', () => {
  test('a field of status by its whole name', () => {
    const status = file('status', 'Name:\tx\nCapEffX:\t1\nCapEff:\t00000000000000ff\n');
    expect(statusField('CapEff', status)).toBe('00000000000000ff');
    expect(statusField('Cap', status)).toBeUndefined();
  });

  test('fields of stat by their numbers in proc(5), whatever the process is called', () => {
    const path = file(
      'stat',
      `42 (odd) 7 (name) S ${Array.from({ length: 49 }, (_, n) => n + 4).join(' ')}\n`,
    );
    const field = statFields(path);
    expect([field(4), field(26), field(51)]).toEqual([4n, 26n, 51n]);
    expect(field(99)).toBe(0n);
  });

  test('this process’s parent is its parent', () => {
    expect(statFields()(4)).toBe(BigInt(process.ppid));
  });

  test('a capability is a bit of CapEff', () => {
    const effective = BigInt(`0x${statusField('CapEff')}`);
    for (let bit = 0n; bit < 41n; bit++) expect(hasCapability(bit)).toBe(((effective >> bit) & 1n) === 1n);
    expect(hasCapability(63n)).toBe(false);
  });
});
