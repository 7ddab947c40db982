/** Structures by their fields' names: sizes, values, and errors that say where. */
import { expect, test } from 'vitest';
import { struct } from '../../src/loader/struct.ts';
import { memorySource } from '../../src/source/memory.ts';
import { formatError } from '../support/errors.ts';

const types = {
  magic: 3,
  a: 'u8',
  b: 'u16',
  c: 'u32',
  d: 'u64',
  e: 'i8',
  f: 'i16',
  g: 'i32',
  h: 'i64',
} as const;
const bytes = Buffer.from(`414243${'fe'.repeat(30)}`, 'hex');
const source = memorySource(Buffer.concat([Buffer.alloc(5), bytes]), 'file');

test('fields have the values that lie there, in either order', async () => {
  const order = struct('big', { first: 'u16', second: 'i32', third: 'u64' });
  const bigEndian = await order.read(
    memorySource(Buffer.from('0102fffffffe0000000000000003', 'hex'), 'x'),
    0,
    'x',
  );
  expect(bigEndian.fields).toEqual({ first: 0x102, second: -2, third: 3n });
  const little = struct('little', types);
  expect(little.size).toBe(33);
  expect(little.offsetOf('h')).toBe(25);
  const { fields, offset } = await little.read(source, 5, 'header');
  expect(offset).toBe(5);
  expect(fields).toEqual({
    magic: Buffer.from('ABC'),
    a: 0xfe,
    b: 0xfefe,
    c: 0xfefefefe,
    d: 0xfefefefefefefefen,
    e: -2,
    f: -0x102,
    g: -0x1010102,
    h: -0x101010101010102n,
  });
});

test('an error about a field carries its file offset, name and value', async () => {
  const header = await struct('little', types).read(source, 5, 'header');
  const error = header.error('c', 'is too large');
  expect(error.location).toEqual({ offset: 11, field: 'c', value: 0xfefefefe });
  expect(error.message).toBe('is too large (file offset 0xb, c = 0xfefefefe)');
  expect(header.error('magic', 'is wrong').location.value).toBe('0x414243');
});

test.each([0, 6, 100])('a file that ends in it is broken: from %i on', async (offset) => {
  const short = memorySource(bytes.subarray(0, 32), 'file');
  const error = await formatError(() => struct('little', types).read(short, offset, 'header'));
  expect(error.location).toMatchObject({ offset, field: 'header' });
});
