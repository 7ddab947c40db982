/** What the machine would refuse after its point of no return is reckoned before ours. */
import { describe, expect, test } from 'vitest';
import { checkMemory } from '../../src/plan/memory.ts';
import type { Step } from '../../src/plan/plan.ts';
import type { MemoryLimits } from '../../src/process/host.ts';
import { absolute } from '../../src/process/place.ts';
import { foreignError } from '../support/errors.ts';
import { fakeHost } from '../support/host.ts';

const MIB = 1n << 20n;
const UNLIMITED = { addressSpace: 1n << 64n, data: 1n << 64n, single: 1n << 64n, total: 1n << 64n };

type Protection = Extract<Step, { op: 'mmap' }>['protection'];

const mmap = (size: bigint, protection: Protection = 'rw-', replace = false): Step => ({
  op: 'mmap',
  at: absolute(0x1000_0000n),
  size,
  protection,
  replace,
  what: 'segment',
});
const check = (limits: Partial<MemoryLimits>, ...steps: Step[]) =>
  checkMemory(steps, fakeHost({ memoryLimits: () => ({ ...UNLIMITED, ...limits }) }));
const refused = async (limits: Partial<MemoryLimits>, ...steps: Step[]) => {
  const error = await foreignError(() => check(limits, ...steps));
  expect(error).toMatchObject({ code: 'MACHINE_REFUSED', exitCode: 126 });
  return error;
};

test('little memory is not asked about', () => {
  const memoryLimits = () => {
    throw new Error('asked');
  };
  expect(() => checkMemory([mmap(15n * MIB)], fakeHost({ memoryLimits }))).not.toThrow();
});

test('without limits anything goes', () => {
  expect(() => check({}, mmap(1n << 46n))).not.toThrow();
});

describe('RLIMIT_AS', () => {
  const limits = { addressSpace: 64n * MIB };

  test('counts all mappings, and the stack and the vDSO', async () => {
    expect(() => check(limits, mmap(63n * MIB, 'r--'))).not.toThrow();
    expect((await refused(limits, mmap(32n * MIB, 'r--'), mmap(32n * MIB, 'r-x'))).hint).toContain(
      'ulimit -v',
    );
  });

  test('does not count pages that replace others', () => {
    expect(() => check(limits, mmap(60n * MIB), mmap(60n * MIB, 'rw-', true))).not.toThrow();
  });

  test('counts the room that is asked for', async () => {
    const room = (size: bigint): Step => ({
      op: 'reserve',
      base: 'image',
      start: 0n,
      size,
      align: 64n * MIB,
      what: 'room',
    });
    expect(() => check(limits, room(32n * MIB), mmap(32n * MIB))).not.toThrow();
    await refused(limits, room(128n * MIB), mmap(32n * MIB));
  });
});

test('RLIMIT_DATA counts what is writable', async () => {
  const limits = { data: 64n * MIB };
  expect(() => check(limits, mmap(64n * MIB), mmap(512n * MIB, 'r-x'))).not.toThrow();
  expect((await refused(limits, mmap(60n * MIB), mmap(5n * MIB))).hint).toContain('ulimit -d');
});

describe('vm.overcommit_memory', () => {
  test('0 looks at each writable mapping alone', async () => {
    const limits = { single: 64n * MIB };
    expect(() => check(limits, mmap(64n * MIB), mmap(64n * MIB), mmap(512n * MIB, 'r--'))).not.toThrow();
    const error = await refused(limits, mmap(64n * MIB + 4096n));
    expect(error.message).toContain(`${64n * MIB + 4096n} bytes`);
    expect(error.hint).toContain('overcommit');
  });

  test('2 looks at all of them', async () => {
    const limits = { total: 64n * MIB };
    expect(() => check(limits, mmap(64n * MIB))).not.toThrow();
    await refused(limits, mmap(32n * MIB), mmap(33n * MIB));
  });
});
