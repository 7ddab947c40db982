/** a.out programs that need shared libraries are told by the entries that their libraries' stubs leave in the data. */
import { describe, expect, test } from 'vitest';
import { type AoutMagicName, TEXT_OFFSET, writeAout } from '../support/aout-writer.ts';
import { foreignError } from '../support/errors.ts';
import { resolveSource } from '../support/resolve.ts';
import { fileLike } from '../support/sources.ts';

const A_TEXT = 4096;
const TEXT_ADDRESS: Record<AoutMagicName, number> = { OMAGIC: 0, NMAGIC: 0, ZMAGIC: 0, QMAGIC: 4096 };
const STRINGS_AT = 0x100;

interface Entry {
  readonly name?: string;
  readonly addr?: number;
  readonly at?: number;
}

/** struct libentry and its strings, as the assembler made them of what mkstubs wrote. */
function withEntry(
  magic: AoutMagicName,
  { name = '/lib/libc.so.4', addr = 0x60000000, at = 64 }: Entry = {},
): Buffer {
  const bytes = writeAout({ magic, a_text: A_TEXT, a_data: 4096 });
  const text = TEXT_OFFSET[magic];
  const avers = STRINGS_AT + name.length + 1;
  bytes.write(`${name}\0DLL Jump 4.6pl27\0`, text + STRINGS_AT, 'latin1');
  const words = [TEXT_ADDRESS[magic] + STRINGS_AT, TEXT_ADDRESS[magic] + avers, addr, (4 << 16) + 627];
  words.forEach((word, index) => {
    bytes.writeUInt32LE(word, text + A_TEXT + at + 4 * index);
  });
  return bytes;
}

const load = (bytes: Uint8Array) => resolveSource(fileLike(bytes, 3));

describe.each(['OMAGIC', 'NMAGIC', 'ZMAGIC', 'QMAGIC'] as const)('%s', (magic) => {
  test('one that needs a library says which', async () => {
    for (const at of [0, 64, 4080]) {
      const error = await foreignError(() => load(withEntry(magic, { at })));
      expect(error).toMatchObject({
        code: 'UNSUPPORTED',
        message: expect.stringContaining('needs the a.out shared library /lib/libc.so.4 (4.6)'),
      });
    }
  });

  test.each<[string, Entry]>([
    ['no library', { name: '/lib/ld.conf' }],
    ['no name', { name: '' }],
    ['an address where no library lies', { addr: 0x08000000 }],
    ['an address in a page', { addr: 0x60000010 }],
  ])('numbers that look like one, but name %s, change nothing', async (_, entry) => {
    expect((await load(withEntry(magic, entry))).image.format).toBe('aout');
  });

  test('an entry that the end of the data cuts off is none', async () => {
    const at = 64;
    const bytes = writeAout({ magic, a_text: A_TEXT, a_data: at + 12 });
    withEntry(magic, { at }).copy(bytes, 32, 32);
    expect((await load(bytes)).image.format).toBe('aout');
  });
});
