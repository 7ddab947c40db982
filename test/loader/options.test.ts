/** The options of loaders: what becomes of what the user gives. */
import { describe, expect, test } from 'vitest';
import { checkGivenOptions, valuesFor } from '../../src/loader/options.ts';
import { foreignError } from '../support/errors.ts';

const made = {
  name: 'made',
  options: {
    name: { type: 'text', help: '' },
    base: { type: 'integer', help: '' },
    loud: { type: 'flag', help: '' },
    arch: { type: ['x86_64', 'i386'], help: '' },
  },
} as const;
const given = (key: string, value: string, loader = 'made') => ({ loader, key, value });

test.each([
  ['name', '', ''],
  ['name', 'a=b', 'a=b'],
  ['base', '4096', 4096n],
  ['base', '0xFFFFFFFFFFFFFFFF', 2n ** 64n - 1n],
  ['loud', '', true],
  ['loud', 'true', true],
  ['loud', 'false', false],
  ['arch', 'i386', 'i386'],
])('%s=%s', (key, value, expected) => {
  expect(valuesFor(made, [given(key, value)])).toEqual({ [key]: expected });
});

test('those that were not given are missing, of two the last counts, and those of others are not seen', () => {
  expect(valuesFor(made, [])).toEqual({});
  const all = [given('base', '1'), given('base', '2', 'other'), given('base', '3')];
  expect(valuesFor(made, all)).toEqual({ base: 3n });
});

describe('wrong usage', () => {
  test.each([
    ['base', '', 'made.base takes a number'],
    ['base', '-1', 'made.base takes a number'],
    ['base', '1e3', 'made.base takes a number'],
    ['base', '99999999999999999999', 'at most 64 bits'],
    ['loud', 'yes', 'made.loud takes true or false'],
    ['arch', 'arm', "made.arch takes x86_64 or i386, not 'arm'"],
    ['toString', '', "has no option 'toString'"],
  ])('%s=%s', async (key, value, message) => {
    const error = await foreignError(() => checkGivenOptions([given(key, value)], [made]));
    expect(error).toMatchObject({ code: 'USAGE', exitCode: 2 });
    expect(error.message).toContain(message);
  });

  test('an option of no loader', async () => {
    const error = await foreignError(() => checkGivenOptions([given('base', '1', 'mad')], [made]));
    expect(error).toMatchObject({ code: 'USAGE', hint: 'the loaders are made' });
  });
});
