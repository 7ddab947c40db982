/** The kernel's errors, against those that Node knows. */
import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { ERRNO, errnoName, HIGHEST_ERRNO } from '../src/errno.ts';

/** The C library's other names for the same numbers. */
const ALIASES: Readonly<Record<string, string>> = {
  EWOULDBLOCK: 'EAGAIN',
  ENOTSUP: 'EOPNOTSUPP',
  EDEADLOCK: 'EDEADLK',
};

test('every name that Node knows has its number', () => {
  for (const [name, errno] of Object.entries(constants.errno))
    expect(errnoName(errno)).toBe(ALIASES[name] ?? name);
  for (const [name, errno] of Object.entries(ERRNO)) expect(errnoName(errno)).toBe(name);
});

test('numbers without a name, and the last with one', () => {
  expect([0, 41, 58, -1, HIGHEST_ERRNO + 1].map(errnoName)).toEqual(
    [0, 41, 58, -1, HIGHEST_ERRNO + 1].map((errno) => `errno ${errno}`),
  );
  expect([errnoName(117), errnoName(133), HIGHEST_ERRNO]).toEqual(['EUCLEAN', 'EHWPOISON', 133]);
});
