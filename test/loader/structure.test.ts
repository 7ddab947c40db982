/** Fields at checked offsets, and errors whose offsets are the file's. */
import { expect, test } from 'vitest';
import { head, Structure } from '../../src/loader/structure.ts';
import { memorySource } from '../../src/source/memory.ts';
import { formatError } from '../support/errors.ts';

const bytes = Uint8Array.from({ length: 32 }, (_, index) => 0xf0 - index);
const source = memorySource(bytes, 'file');

test('fields are little-endian, at offsets inside the structure', async () => {
  const structure = await Structure.read(source, 4, 16, 'header');
  expect(structure.u8(0)).toBe(0xec);
  expect(structure.u16(1)).toBe(0xeaeb);
  expect(structure.u32(0)).toBe(0xe9eaebec);
  expect(structure.u64(8)).toBe(0xdddedfe0e1e2e3e4n);
});

test('a structure may end with the file and not after it', async () => {
  expect((await Structure.read(source, 16, 16, 'header')).bytes).toHaveLength(16);
  const error = await formatError(() => Structure.read(source, 17, 16, 'header'));
  expect(error.location).toEqual({ offset: 17, field: 'header', value: '15 bytes' });
  expect(error.message).toContain('16 bytes are needed');
  const far = await formatError(() => Structure.read(source, Number.MAX_SAFE_INTEGER, 16, 'header'));
  expect(far.location.value).toBe('0 bytes');
});

test('reading past the structure is an error, never another structure’s bytes', async () => {
  const structure = await Structure.read(source, 0, 8, 'header');
  expect(() => structure.u32(5)).toThrow(RangeError);
  expect(() => structure.u64(1)).toThrow(RangeError);
});

test('an error about a field has its offset in the file', async () => {
  const structure = await Structure.read(source, 8, 8, 'header');
  const error = structure.error('is odd', 4, 'e_field', 0x1234n);
  expect(error.location).toEqual({ offset: 12, field: 'e_field', value: 0x1234n });
  expect(error.message).toBe('is odd (file offset 0xc, e_field = 0x1234)');
});

test('the head of a file is as long as asked for, or as the file', async () => {
  expect(await head(source, 4)).toEqual(bytes.subarray(0, 4));
  expect(await head(source, 100)).toEqual(bytes);
  expect(await head(memorySource(new Uint8Array(0), 'empty'), 4)).toHaveLength(0);
});
