/**
 * The calls of PR_SET_MM by field against the rules of validate_prctl_map_addr (kernel/sys.c), old and new: each
 * must be accepted from whatever the fields were before. test/qemu asks the kernel itself.
 */
import { describe, expect, test } from 'vitest';
import type { Arch } from '../../src/image/image.ts';
import { MM_FIELD_NAMES, type MmFieldName } from '../../src/image/mm-field-names.ts';
import { ADDRESS_SPACES } from '../../src/process/address-space.ts';
import { type MmFieldCalls, mmFieldCalls } from '../../src/process/mm-calls.ts';
import type { MmFields } from '../../src/process/mm-fields.ts';
import { Random } from '../support/random.ts';

type Values = Record<MmFieldName, bigint>;

const PAIRS = [
  ['start_code', 'end_code'],
  ['start_data', 'end_data'],
  ['start_brk', 'brk'],
  ['arg_start', 'arg_end'],
  ['env_start', 'env_end'],
] as const;

/** What a kernel before 5.14 minds; later ones mind less. */
function isAllowed(values: Values, lowest: bigint, taskSize: bigint): boolean {
  const inside = MM_FIELD_NAMES.every((name) => values[name] >= lowest && values[name] < taskSize);
  const ordered = PAIRS.every(([start, end]) => values[start] <= values[end]);
  const heap = values.start_brk > values.end_data && values.brk > values.end_data;
  return inside && ordered && values.start_code < values.end_code && heap;
}

/** The call that is refused first, and what the fields are at the end. */
function carryOut(calls: MmFieldCalls, from: Values, wanted: Values, taskSize: bigint) {
  const values = { ...from };
  let refused: string | undefined;
  for (const { field, to } of calls.sequence) {
    if (field === 'exe_file') continue;
    values[field] = to === 'wanted' ? wanted[field] : calls[to];
    if (!isAllowed(values, calls.lowest, taskSize)) refused ??= `${field} to ${to}`;
  }
  return { refused, values };
}

function fieldsOf(values: Values): MmFields {
  const entries = MM_FIELD_NAMES.map((name) => [name, { base: 'absolute', offset: values[name] }]);
  return { fields: Object.fromEntries(entries) as MmFields['fields'], auxvSize: 16 };
}

/** Any program: addresses at random, in the order the kernel asks of one. */
function anyProgram(random: Random, arch: Arch): Values {
  const { taskSize } = ADDRESS_SPACES[arch];
  const address = () => 0x10000n + random.bigBelow(taskSize - 0x10000n - 2n);
  const pair = () => [address(), address()].sort((a, b) => (a < b ? -1 : 1)) as [bigint, bigint];
  const [code, arg, env] = [pair(), pair(), pair()];
  const [a = 0n, b = 0n, c = 0n, d = 0n] = [address(), address(), address(), address()].sort((x, y) =>
    x < y ? -1 : 1,
  );
  return {
    start_code: code[0],
    end_code: code[1] + 1n,
    start_data: a,
    end_data: b,
    start_brk: c === b ? c + 1n : c,
    brk: d <= c ? c + 1n : d,
    start_stack: address(),
    arg_start: arg[0],
    arg_end: arg[1],
    env_start: env[0],
    env_end: env[1],
    auxv: address(),
  };
}

describe.each(['x86_64', 'i386'] as const)('%s', (arch) => {
  const { taskSize, quiet } = ADDRESS_SPACES[arch];
  const STUB: Values = {
    start_code: quiet.start + 0x2000n,
    end_code: quiet.start + 0x3000n,
    start_data: quiet.start + 0x2000n,
    end_data: quiet.start + 0x3000n,
    start_brk: quiet.start + 0x4000n,
    brk: quiet.start + 0x4000n,
    start_stack: taskSize - 0x2000n,
    arg_start: taskSize - 0x1000n,
    arg_end: taskSize - 0xff0n,
    env_start: taskSize - 0xff0n,
    env_end: taskSize - 0xff0n,
    auxv: taskSize - 0x1800n,
  };

  test('from the stub to any program, no call is refused and every field is what it is to be', () => {
    const random = new Random(20261124);
    for (let round = 0; round < 500; round++) {
      const wanted = anyProgram(random, arch);
      const calls = mmFieldCalls(fieldsOf(wanted), taskSize, true);
      expect(carryOut(calls, STUB, wanted, taskSize)).toEqual({ refused: undefined, values: wanted });
    }
  });

  test('setting every field once, in the order of the map, would be refused: the rules here do say no', () => {
    const wanted = { ...STUB, start_code: 0x40_0000n, end_code: 0x40_1000n, start_brk: 0x50_0000n };
    const once = MM_FIELD_NAMES.map((field) => ({ field, to: 'wanted' as const }));
    const calls = { ...mmFieldCalls(fieldsOf(wanted), taskSize, false), sequence: once };
    expect(carryOut(calls, STUB, wanted, taskSize).refused).toBeDefined();
  });
});

const HIGH = Object.fromEntries(MM_FIELD_NAMES.map((name) => [name, 0x4000_0000n])) as Values;
const SPACE = ADDRESS_SPACES.x86_64.taskSize;

test('the lowest value is at or below every planned one, and no lower than need be', () => {
  expect(mmFieldCalls(fieldsOf(HIGH), SPACE, false).lowest).toBe(0x10_0000n);
  expect(mmFieldCalls(fieldsOf({ ...HIGH, start_data: 0x10000n }), SPACE, false).lowest).toBe(0x10000n);
});

test('places that are not numbers yet do not count for it', () => {
  const { fields, auxvSize } = fieldsOf(HIGH);
  const onStack = { base: 'stack', offset: -0x100n } as const;
  const calls = mmFieldCalls({ fields: { ...fields, start_stack: onStack }, auxvSize }, SPACE, false);
  expect(calls.lowest).toBe(0x10_0000n);
});

test('the exe file is the last thing set, where there is one', () => {
  const last = (hasExe: boolean) => mmFieldCalls(fieldsOf(HIGH), SPACE, hasExe).sequence.at(-1)?.field;
  expect([last(true), last(false)]).toEqual(['exe_file', 'auxv']);
});
