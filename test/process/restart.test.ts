import { expect, test } from 'vitest';
import { REGISTER_NAMES, type Registers } from '../../src/image/process-state.ts';
import { restarted } from '../../src/process/restart.ts';

const registers = (given: Partial<Registers>): Registers => ({
  ...(Object.fromEntries(REGISTER_NAMES.map((name) => [name, 0n])) as Registers),
  rip: 0x1002n,
  ...given,
});
const unsigned = (value: bigint) => BigInt.asUintN(64, value);
const NONE = unsigned(-1n);

test.each([512n, 513n, 514n, 516n])('a call interrupted with -%s is made again', (error) => {
  expect(restarted(registers({ orig_rax: 35n, rax: unsigned(-error), rdi: 7n }))).toEqual(
    registers({ orig_rax: NONE, rax: 35n, rip: 0x1000n, rdi: 7n }),
  );
});

test('a call that has been restarted before ends with EINTR, for nobody knows which it was', () => {
  expect(restarted(registers({ orig_rax: 219n, rax: unsigned(-516n) }))).toEqual(
    registers({ orig_rax: NONE, rax: unsigned(-4n) }),
  );
});

test('a call that is over keeps its result', () => {
  const over = registers({ orig_rax: 0n, rax: 5n });
  expect(restarted(over)).toEqual({ ...over, orig_rax: NONE });
});

test('who is in no call is left alone, also with such a number in rax', () => {
  const running = registers({ orig_rax: NONE, rax: unsigned(-512n) });
  expect(restarted(running)).toEqual(running);
});
