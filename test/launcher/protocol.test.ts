/** What the launcher and Node agree on, read back from what the launcher writes. */
import { expect, test } from 'vitest';
import { NODE_ARGV0, putBack, SET_ASIDE, socketFrom } from '../../src/launcher/protocol.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

test('a descriptor is read from argv[0]', () => {
  expect(socketFrom(`${NODE_ARGV0}aaaaaaad`)).toBe(3);
  expect(socketFrom(`${NODE_ARGV0}aaaaabaa`)).toBe(256);
  expect(socketFrom(`${NODE_ARGV0}aaappppp`)).toBe(0xfffff);
});

test.each(['node', '', NODE_ARGV0, `${NODE_ARGV0}3`, `${NODE_ARGV0}aaaaaaaq`, `x${NODE_ARGV0}aaaaaaad`])(
  'there is no descriptor in argv[0] = "%s"',
  (argv0) => {
    expect(socketFrom(argv0)).toBeUndefined();
  },
);

test('variables that were set aside are put back, and no others are touched', () => {
  const before = ['A=1', 'NODE_OPTIONS=--x', 'NODE_=', 'OPENSSL_CONF=\xff', 'OPENSSL_CONFX=1', '', '\x01A=1'];
  const aside = before.map((entry) =>
    SET_ASIDE.some((name) => entry.startsWith(name)) ? `\x01${entry.slice(1)}` : entry,
  );
  expect(aside).not.toEqual(before);
  expect(putBack(aside.map(bytes))).toEqual(before.map(bytes));
});
