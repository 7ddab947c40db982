/** Linux i386 a.out: the rules of <linux/a.out.h> for each magic, and what fs/binfmt_aout.c refused. */
import { describe, expect, test } from 'vitest';
import { aout } from '../../loaders/aout/index.ts';
import { validateImage } from '../../src/image/validate.ts';
import { ADDRESS_SPACES } from '../../src/process/address-space.ts';
import {
  AOUT_MAGIC,
  type AoutDescription,
  type AoutMagicName,
  TEXT_OFFSET,
  writeAout,
} from '../support/aout-writer.ts';
import { foreignError, formatError } from '../support/errors.ts';
import { NO_OPTIONS, resolveSource } from '../support/resolve.ts';
import { fileLike } from '../support/sources.ts';

const MAGICS = Object.keys(AOUT_MAGIC) as AoutMagicName[];
const loadBytes = async (bytes: Uint8Array) => (await resolveSource(fileLike(bytes, 3))).image;
const load = (description: AoutDescription) => loadBytes(writeAout(description));

/** Sizes that no rounding hides: text of one page and a bit, data that ends inside a page. */
const SIZES = { a_text: 0x1230, a_data: 0x340, a_bss: 0x2000, a_syms: 36, a_entry: 0x1020 };

describe.each(MAGICS)('%s', (magic) => {
  const textAddress = magic === 'QMAGIC' ? 0x1000n : 0n;
  const textEnd = textAddress + BigInt(SIZES.a_text);
  const dataAddress = magic === 'OMAGIC' ? textEnd : magic === 'QMAGIC' ? 0x3000n : 0x2000n;
  const bssAddress = dataAddress + BigInt(SIZES.a_data);

  test('text, data, bss and heap are where the header’s rules put them', async () => {
    const image = await load({ magic, ...SIZES });
    expect(image).toMatchObject({
      format: 'aout',
      variant: magic,
      arch: 'i386',
      placement: { kind: 'fixed' },
      entry: 0x1020n,
      code: { start: textAddress, end: textEnd },
      data: { start: dataAddress, end: bssAddress },
      brk: { start: bssAddress, end: bssAddress + 0x2000n, randomize: false },
      stack: { layout: 'aout', execution: 'everything-readable' },
    });
  });

  test('every byte of text and data comes from its place in the file', async () => {
    const bytes = writeAout({ magic, ...SIZES });
    const { segments } = await loadBytes(bytes);
    const read = (address: bigint) => {
      const holder = segments.find((each) => each.address <= address && address < each.address + each.size);
      if (holder === undefined) return 'unmapped';
      const into = Number(address - holder.address);
      if (holder.content === undefined || into >= holder.content.size) return 0;
      return bytes[holder.content.offset + into];
    };
    const text = TEXT_OFFSET[magic];
    for (const into of [32, 0x100, SIZES.a_text - 1])
      expect(read(textAddress + BigInt(into))).toBe(bytes[text + into]);
    for (const into of [0, SIZES.a_data - 1]) expect(read(dataAddress + BigInt(into))).toBe(0xda);
    for (const into of [0n, 0xfffn, 0x1fffn]) expect(read(bssAddress + into)).toBe(0);
  });

  test('text is writable only in the impure magic', async () => {
    const { segments } = await load({ magic, ...SIZES });
    expect(segments[0]?.protection).toEqual({ read: true, write: magic === 'OMAGIC', execute: true });
    expect(segments.slice(1).every(({ protection }) => protection.write)).toBe(true);
  });

  test('a program without data, without bss, without either', async () => {
    for (const changes of [{ a_data: 0 }, { a_bss: 0 }, { a_data: 0, a_bss: 0 }]) {
      const image = await load({ magic, ...SIZES, ...changes });
      validateImage(image, ADDRESS_SPACES.i386.taskSize);
      expect(image.segments.every(({ size }) => size > 0n)).toBe(true);
    }
  });

  test('the machine type is that of a 386 or missing; others are somebody else’s', async () => {
    expect(await aout.probe(fileLike(writeAout({ magic, ...SIZES }), 3), NO_OPTIONS)).toBe('exact');
    expect(await aout.probe(fileLike(writeAout({ magic, machine: 0, ...SIZES }), 3), NO_OPTIONS)).toBe(
      'likely',
    );
    for (const machine of [1, 2, 3, 134, 255])
      expect(await aout.probe(fileLike(writeAout({ magic, machine, ...SIZES }), 3), NO_OPTIONS)).toBeNull();
    expect((await load({ magic, machine: 0, ...SIZES })).variant).toBe(magic);
  });

  test.each([
    ['a_trsize', 24],
    ['a_drsize', 28],
  ] as const)('an object file is refused by its %s', async (field, offset) => {
    const error = await formatError(() => load({ magic, ...SIZES, [field]: 8 }));
    expect(error.location).toEqual({ offset, field, value: 8 });
  });

  test('no text is refused', async () => {
    const error = await formatError(() => load({ magic, ...SIZES, a_text: 0 }));
    expect(error.location).toEqual({ offset: 4, field: 'a_text', value: 0 });
  });

  test('a file one byte too short for its text, data and symbols is refused, symbols included', async () => {
    const whole = writeAout({ magic, ...SIZES });
    const error = await formatError(() => loadBytes(whole.subarray(0, -1)));
    expect(error.location.offset).toBe(4);
    expect(error.location.value).toBe(SIZES.a_text + SIZES.a_data + SIZES.a_syms);
    expect((await loadBytes(whole)).segments.length).toBeGreaterThan(0);
  });

  test('a header cut off anywhere is an error or somebody else’s file, never another exception', async () => {
    const whole = writeAout({ magic, ...SIZES });
    for (let length = 0; length < 32; length++) {
      const error = await foreignError(() => loadBytes(whole.subarray(0, length)));
      expect([length, error.code]).toEqual([length, length < 3 ? 'UNKNOWN_FORMAT' : 'BAD_FORMAT']);
    }
  });

  test.each([
    { a_text: 0xffff_ffff },
    { a_data: 0xffff_ffff },
    { a_syms: 0xffff_ffff },
    { a_text: 0x8000_0000, a_data: 0x8000_0000 },
    { a_text: 0xffff_ffff, a_data: 0xffff_ffff, a_syms: 0xffff_ffff },
  ])('sizes that would wrap around in 32 bits are refused: %o', async (sizes) => {
    const bytes = writeAout({ magic, ...SIZES });
    bytes.writeUInt32LE(sizes.a_text ?? SIZES.a_text, 4);
    bytes.writeUInt32LE(sizes.a_data ?? SIZES.a_data, 8);
    bytes.writeUInt32LE(sizes.a_syms ?? SIZES.a_syms, 16);
    expect((await formatError(() => loadBytes(bytes))).location.field).toBe('a_text + a_data + a_syms');
  });

  test('a bss that reaches past the address space is refused, here or by validation', async () => {
    const error = await formatError(() => load({ magic, ...SIZES, a_bss: 0xffff_ffff }));
    expect(error.location).toEqual({ offset: 12, field: 'a_bss', value: 0xffff_ffff });
    const nearly = await load({ magic, ...SIZES, a_bss: 0xffff_fff0 - Number(bssAddress) });
    expect((await foreignError(() => validateImage(nearly, ADDRESS_SPACES.i386.taskSize))).code).toBe(
      'IMAGE_REFUSED',
    );
  });
});

test('the magics it declares are those its probe accepts', async () => {
  expect(aout.magics).toHaveLength(8);
  for (const { offset, bytes } of aout.magics) {
    const file = Buffer.alloc(32);
    file.set(bytes, offset);
    expect(await aout.probe(fileLike(file, 3), NO_OPTIONS)).not.toBeNull();
  }
});

test('a magic in the other byte order is somebody else’s', async () => {
  const swapped = Buffer.alloc(64);
  swapped.writeUInt16BE(AOUT_MAGIC.ZMAGIC, 0);
  swapped[2] = 100;
  expect(await aout.probe(fileLike(swapped, 3), NO_OPTIONS)).toBeNull();
});

test('the N_FLAGS byte does not matter', async () => {
  const bytes = writeAout({ magic: 'ZMAGIC', ...SIZES });
  bytes[3] = 0xff;
  expect((await loadBytes(bytes)).variant).toBe('ZMAGIC');
});
