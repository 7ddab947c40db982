/** Reading the kernel's auxv and naming its entries (include/uapi/linux/auxvec.h). */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { AT, AUXV_TABLE_SIZE, auxvName, auxvTypesFor, parseAuxvTypes } from '../../src/process/auxv.ts';
import { randomBelow } from '../../src/process/host.ts';
import { Random } from '../support/random.ts';

function auxv(...entries: [bigint, bigint][]): Uint8Array {
  const bytes = Buffer.alloc(entries.length * 16);
  entries.forEach(([type, value], index) => {
    bytes.writeBigUInt64LE(type, index * 16);
    bytes.writeBigUInt64LE(value, index * 16 + 8);
  });
  return bytes;
}

test('types are read up to AT_NULL and no further', () => {
  expect(parseAuxvTypes(auxv([33n, 1n], [6n, 4096n], [0n, 0n], [9n, 1n]))).toEqual([33, 6]);
});

test('a table without AT_NULL, or cut off in the middle of a pair, ends where it ends', () => {
  expect(parseAuxvTypes(auxv([33n, 1n], [6n, 4096n]))).toEqual([33, 6]);
  expect(parseAuxvTypes(auxv([33n, 1n], [6n, 4096n]).subarray(0, 31))).toEqual([33]);
  expect(parseAuxvTypes(new Uint8Array(0))).toEqual([]);
});

test('a view into a larger buffer is read from its own beginning', () => {
  const whole = auxv([1n, 1n], [33n, 1n], [0n, 0n]);
  expect(parseAuxvTypes(whole.subarray(16))).toEqual([33]);
});

test('this process’s own auxv has what every process has', () => {
  const types = parseAuxvTypes(readFileSync('/proc/self/auxv'));
  expect(types).toEqual(expect.arrayContaining([AT.PHDR, AT.ENTRY, AT.RANDOM, AT.EXECFN, AT.PAGESZ]));
  expect(Math.max(...types)).toBeLessThan(AUXV_TABLE_SIZE);
});

test('a 32-bit process gets AT_SYSINFO first, a 64-bit one does not', () => {
  expect(auxvTypesFor('i386', [33, 6])).toEqual([32, 33, 6]);
  expect(auxvTypesFor('x86_64', [33, 6])).toEqual([33, 6]);
});

test('entries that the stub cannot carry are left out', () => {
  expect(auxvTypesFor('x86_64', [33, AUXV_TABLE_SIZE, 1000, AT.BASE_PLATFORM, 6])).toEqual([33, 6]);
});

test('entries have the names of auxvec.h, unknown ones their number', () => {
  expect(auxvName(33)).toBe('AT_SYSINFO_EHDR');
  expect(auxvName(51)).toBe('AT_MINSIGSTKSZ');
  expect(auxvName(63)).toBe('AT_63');
});

test('random numbers are below their limit and reach every value', () => {
  const random = new Random(7);
  const host = { random: (length: number) => random.bytes(length) };
  const seen = new Set<bigint>();
  for (let round = 0; round < 500; round++) seen.add(randomBelow(host, 10n));
  expect([...seen].sort()).toEqual([0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n]);
  expect(randomBelow(host, 1n)).toBe(0n);
  expect(randomBelow(host, 0n)).toBe(0n);
});
