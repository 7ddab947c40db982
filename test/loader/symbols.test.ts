/** What loaders say of names, for debuggers: looked at before anybody relies on it. */
import { describe, expect, test } from 'vitest';
import { FormatError } from '../../src/errors.ts';
import type { LoaderPlugin } from '../../src/loader/contract.ts';
import { symbolsOf } from '../../src/loader/symbols.ts';
import { Value } from '../../src/loader/value.ts';
import { readLoader } from '../../src/plugins/check-loader.ts';
import { foreignError } from '../support/errors.ts';
import { plugin } from '../support/plugin.ts';
import { NO_OPTIONS } from '../support/resolve.ts';
import { fileLike, text } from '../support/sources.ts';

const file = fileLike(text('some bytes'), 3, 'prog');
const loader = (symbols?: LoaderPlugin['symbols']): LoaderPlugin =>
  plugin('made', 'exact', {
    load: (source) => ({ kind: 'unwrap', source }),
    ...(symbols && { symbols }),
  });
const MAIN = { name: text('main'), address: 0x1000n, kind: 'code', global: true } as const;

test('what it says, of the bytes that it reads', async () => {
  const asked = loader(async (source) => [{ ...MAIN, name: await source.read(0, 4) }]);
  const expected = [{ ...MAIN, name: Buffer.from('some') }];
  expect(await symbolsOf(asked, file, NO_OPTIONS)).toEqual(expected);
  const copied = readLoader(new Value(asked, ''));
  expect(await symbolsOf(copied, file, NO_OPTIONS)).toEqual(expected);
});

test('one without such a method knows none', async () => {
  expect(await symbolsOf(loader(), file, NO_OPTIONS)).toEqual([]);
  expect(readLoader(new Value(loader(), '')).symbols).toBeUndefined();
});

describe('nonsense', () => {
  test.each<[string, unknown]>([
    ['symbols is no array (object)', {}],
    ['symbols[0].name is empty', [{ ...MAIN, name: text('') }]],
    ['symbols[0].name has a NUL inside', [{ ...MAIN, name: text('a\0b') }]],
    ['symbols[0].address is no address', [{ ...MAIN, address: -1n }]],
    ['symbols[0].address is no address', [{ ...MAIN, address: 1n << 64n }]],
    ['symbols[0].address is no bigint (number)', [{ ...MAIN, address: 1 }]],
    ["symbols[0].kind is none of 'code', 'data', 'other'", [{ ...MAIN, kind: 'stab' }]],
    ['symbols[0].global is no boolean (undefined)', [{ ...MAIN, global: undefined }]],
  ])('%s', async (what, symbols) => {
    const error = await foreignError(() =>
      symbolsOf(
        loader(() => symbols as []),
        file,
        NO_OPTIONS,
      ),
    );
    expect(error).toMatchObject({ code: 'LOADER_FAILED' });
    expect(error.message).toBe(`the loader made returned nonsense: ${what}`);
  });
});

test('what it finds wrong with the file is an error about the file', async () => {
  const wrong = loader(() => {
    throw new FormatError('has a broken table', { offset: 4, field: 'n_strx', value: 5 });
  });
  expect(await foreignError(() => symbolsOf(wrong, file, NO_OPTIONS))).toMatchObject({ code: 'BAD_FORMAT' });
});

test('one that hangs is ended', async () => {
  const hanging = loader(() => new Promise(() => {}));
  const error = await foreignError(() => symbolsOf(hanging, file, NO_OPTIONS, { milliseconds: 50 }));
  expect(error.message).toContain('the loader made hangs');
});
