/** The symbol table of a.out programs, sound and not. */
import { describe, expect, test } from 'vitest';
import { symbols } from '../../loaders/aout/symbols.ts';
import { memorySource } from '../../src/source/memory.ts';
import { writeAout } from '../support/aout-writer.ts';

/** struct nlist. */
function nlist(strx: number, type: number, value: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32LE(strx, 0);
  bytes[4] = type;
  bytes.writeUInt32LE(value, 8);
  return bytes;
}

function program(table: Buffer, strings: Buffer) {
  const file = writeAout({ magic: 'QMAGIC', a_text: 4096, a_syms: table.length });
  return memorySource(Buffer.concat([file.subarray(0, 4096), table, strings]), 'program');
}

const STRINGS = Buffer.from('\x18\0\0\0_main\0_table\0local\0', 'latin1');
const named = async (table: Buffer, strings = STRINGS) =>
  (await symbols(program(table, strings))).map(({ name, ...rest }) => ({
    name: Buffer.from(name).toString('latin1'),
    ...rest,
  }));

test('functions and data, global and local; no stabs, and nothing undefined', async () => {
  const table = Buffer.concat([
    nlist(4, 0x05, 0x1020),
    nlist(10, 0x07, 0x2000),
    nlist(17, 0x04, 0x1040),
    nlist(17, 0x08, 0x3000),
    nlist(17, 0x02, 0x12),
    nlist(4, 0x24, 0x1020),
    nlist(4, 0x01, 0),
  ]);
  expect(await named(table)).toEqual([
    { name: '_main', address: 0x1020n, kind: 'code', global: true },
    { name: '_table', address: 0x2000n, kind: 'data', global: true },
    { name: 'local', address: 0x1040n, kind: 'code', global: false },
    { name: 'local', address: 0x3000n, kind: 'data', global: false },
    { name: 'local', address: 0x12n, kind: 'other', global: false },
  ]);
});

describe('what does not fit together is left out', () => {
  const one = nlist(4, 0x05, 0x1020);
  test.each([
    ['no strings', one, Buffer.alloc(0)],
    ['a name outside them', nlist(0xffff_fff0, 0x05, 0x1020), STRINGS],
    ['a name without an end', one, Buffer.from('\x08\0\0\0_mai', 'latin1')],
    ['an empty name', nlist(9, 0x05, 0x1020), STRINGS],
    ['half an entry', one.subarray(0, 11), STRINGS],
    ['no entries', Buffer.alloc(0), STRINGS],
  ])('%s', async (_, table, strings) => {
    expect(await named(table, strings)).toEqual([]);
  });
});
