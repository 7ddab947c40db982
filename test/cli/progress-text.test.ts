/** What the progress line says, in any width. */
import { describe, expect, test } from 'vitest';
import { progressText, type Report } from '../../src/cli/progress-text.ts';

const report: Report = { name: 'tally', what: 'fetching', done: 12.3e6, total: 100e6, milliseconds: 273 };
const plain = { width: 79, unicode: false, color: false };

test('a bar, bytes and a rate', () => {
  expect(progressText(report, plain)).toBe(
    'tally: fetching  [###-------------------------]  12.3 of 100 MB, 45.1 MB/s',
  );
});

test('no bar where nobody knows how much there will be', () => {
  const text = progressText({ ...report, what: 'reading', total: undefined }, plain);
  expect(text).toBe('tally: reading  12.3 MB, 45.1 MB/s');
});

test('no numbers where there are no bytes', () => {
  expect(progressText({ ...report, done: 0, total: undefined }, plain)).toBe('tally: fetching');
});

test('lines and colours where the terminal has them', () => {
  const text = progressText({ ...report, done: 50e6 }, { width: 79, unicode: true, color: true });
  expect(text).toContain(`\x1b[32m${'━'.repeat(15)}\x1b[0;2m${'─'.repeat(15)}\x1b[0m  50.0 of 100 MB`);
});

test.each([
  [999, 1000, '1.0 of 1.0 kB'],
  [0, 5, '0 of 5 B'],
  [1e9, 3e9, '1.0 of 3.0 GB'],
  [5e12, 9e12, '5000 of 9000 GB'],
])('%d of %d bytes', (done, total, text) => {
  expect(progressText({ ...report, done, total }, plain)).toContain(`  ${text}, `);
});

describe('fits', () => {
  const names = ['x', 'a-program-with-a-long-name', 'long'.repeat(50), 'a\nname\x1b[2J'];
  test.each([0, 1, 10, 40, 60, 79, 200])('%d columns', (width) => {
    for (const name of names) {
      for (const total of [undefined, 1, 100e6]) {
        for (const done of [0, 1, 99_999_999, 2e8]) {
          for (const unicode of [false, true]) {
            const text = progressText({ ...report, name, done, total }, { ...plain, width, unicode });
            expect(text.length).toBeLessThanOrEqual(width);
            expect(text).not.toMatch(/\p{Cc}/u);
          }
        }
      }
    }
  });
});
