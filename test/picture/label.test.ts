/** Names that were made to break a picture. */
import { describe, expect, test } from 'vitest';
import { type Alphabet, cellsOf, cleaned, fitted } from '../../src/picture/label.ts';
import { Random } from '../support/random.ts';

test.each([
  ['plain name', 'plain name', 'plain name', 'plain name'],
  ['größe', 'gr??e', 'größe', 'größe'],
  ['e\u0301te\u0301', 'ete', 'e\u0301te\u0301', 'e\u0301te\u0301'],
  ['測試', '??', '測試', '測試'],
  ['עברית', '?????', '?????', 'עברית'],
  ['\u202eabc\u200b', '?abc?', '?abc?', '?abc?'],
  ['\u001b[31m\u009b', '?[31m?', '?[31m?', '?[31m?'],
  ['\ud800x\udfff', '?x?', '?x?', '?x?'],
  ['a\u0300\u0301\u0302\u0303', 'a', 'a\u0300', 'a\u0300'],
  ['\u0300a', 'a', 'a', 'a'],
  ['a\u2028b\nc', 'a?b?c', 'a?b?c', 'a?b?c'],
])('%j', (name, ascii, known, any) => {
  expect(cleaned(name, 'ascii')).toBe(ascii);
  expect([known, known.normalize('NFD').replace(/\p{M}/gu, '')]).toContain(cleaned(name, 'known'));
  expect(cleaned(name, 'any')).toBe(any);
});

test.each([
  ['', 0],
  ['abc', 3],
  ['測試', 4],
  ['ｱ', 1],
  ['Ａ', 2],
  ['e\u0301', 1],
  ['🎉', 2],
])('%j takes %d cells', (text, cells) => {
  expect(cellsOf(text)).toBe(cells);
});

describe('what is too long', () => {
  test.each([
    ['a long name of something', 10, 'a lo…thing'],
    ['/usr/lib/libc.so.6', 12, '…b/libc.so.6'],
    ['/usr/lib/_datetime.cpython-311.so', 12, '_date…311.so'],
    ['測試測試測試', 7, '測…測試'],
    ['abc', 1, '…'],
    ['abc', 0, ''],
  ])('%s in %d cells', (name, cells, shown) => {
    expect(fitted(name, cells, '…')).toBe(shown);
  });

  test('keeps to its cells, whatever it is made of', () => {
    const random = new Random(3);
    const characters = [...'ab/測é\u0301\u0300🎉\u202e\ud800 '];
    for (let round = 0; round < 3000; round++) {
      const name = Array.from({ length: random.below(30) }, () => random.pick(characters)).join('');
      const cells = random.below(20);
      for (const alphabet of ['ascii', 'known', 'any'] satisfies Alphabet[]) {
        const text = fitted(cleaned(name, alphabet), cells, '~');
        expect([cellsOf(text) <= cells, name]).toEqual([true, name]);
        expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]|^\p{M}/u);
      }
    }
  });
});

test('of a very long name only the ends are looked at', () => {
  const started = performance.now();
  const text = cleaned(`begin${'\u202e'.repeat(10_000_000)}end`, 'any');
  expect(text.startsWith('begin') && text.endsWith('end')).toBe(true);
  expect(text.length).toBeLessThan(1000);
  expect(performance.now() - started).toBeLessThan(1000);
});
