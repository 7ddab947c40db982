/** Calling loaders: whose fault what is, and whose time. */
import { describe, expect, test } from 'vitest';
import { ForeignError, FormatError } from '../../src/errors.ts';
import type { FirstStackLayout, FirstStackRequest } from '../../src/image/image.ts';
import { askLoader, callLoader } from '../../src/loader/call.ts';
import type { Loaded, LoaderPlugin } from '../../src/loader/contract.ts';
import type { TimeLimit } from '../../src/loader/time-limit.ts';
import { memorySource, sourceFrom } from '../../src/source/memory.ts';
import type { Source } from '../../src/source/source.ts';
import { foreignError } from '../support/errors.ts';
import { testImage } from '../support/images.ts';
import { plugin } from '../support/plugin.ts';
import { contextOf, NO_OPTIONS } from '../support/resolve.ts';
import { fileLike, text } from '../support/sources.ts';

function loader(changes: Partial<LoaderPlugin>): LoaderPlugin {
  return plugin('made', 'exact', {
    kind: 'wrapper',
    load: (source) => ({ kind: 'unwrap', source }),
    ...changes,
  });
}

const file = fileLike(text('some bytes'), 3, 'prog');
const load = (changes: Partial<LoaderPlugin>, source: Source = file, limit?: TimeLimit) =>
  callLoader(loader(changes), source, contextOf({ '/other': text('other') }), limit);
const unwrapping = (made: unknown) => load({ load: () => ({ kind: 'unwrap', source: made }) as Loaded });
async function unwrapped(made: unknown): Promise<Source> {
  const loaded = await unwrapping(made);
  if (loaded.kind !== 'unwrap') throw new Error('nothing was unwrapped');
  return loaded.source;
}

/** A source whose reads take their time, and more of it than `limit`. */
const LIMIT = { milliseconds: 300 };
const slow = (source: Source): Source => ({
  ...source,
  read: (offset, length) =>
    new Promise((done) => setTimeout(() => done(source.read(offset, length)), 2 * LIMIT.milliseconds)),
});

describe('time', () => {
  test('that reading takes is not the loader’s', async () => {
    const probe: LoaderPlugin['probe'] = async (source) =>
      (await source.read(0, 4))[0] === 0x73 ? 'exact' : null;
    expect(await askLoader(loader({ probe }), slow(file), NO_OPTIONS, LIMIT)).toBe('exact');
  });

  test('that it takes itself is, also between and after reads', async () => {
    const probe: LoaderPlugin['probe'] = async (source) => {
      await source.read(0, 4);
      return new Promise(() => {});
    };
    const error = await foreignError(() => askLoader(loader({ probe }), slow(file), NO_OPTIONS, LIMIT));
    expect(error).toMatchObject({ code: 'LOADER_FAILED', exitCode: 125 });
    expect(error.message).toBe('the loader made hangs: it has not ended after 0.3 s of its own time');
  });

  test('of whoever reads what it has made is, too', async () => {
    const made = { ...memorySource(text('x'), 'x'), read: () => new Promise(() => {}) };
    const loaded = await load({ load: () => ({ kind: 'unwrap', source: made as Source }) }, file, LIMIT);
    const read = () => (loaded.kind === 'unwrap' ? loaded.source.read(0, 1) : undefined);
    expect((await foreignError(read)).message).toContain('the loader made hangs');
  });

  test('is told to whoever watches: who runs, and that nobody does while the host works', async () => {
    const log: string[] = [];
    const limit: TimeLimit = {
      ...LIMIT,
      watch: (what, left) => log.push(left === undefined ? 'nobody' : what),
    };
    const reading: Source = {
      ...file,
      read(offset, length) {
        log.push('reads');
        return file.read(offset, length);
      },
    };
    const probe: LoaderPlugin['probe'] = (source) => (source.read(0, 1).toString() === 's' ? 'exact' : null);
    await askLoader(loader({ probe }), reading, NO_OPTIONS, limit);
    expect(log).toEqual(['the loader made', 'nobody', 'reads', 'the loader made', 'nobody']);
  });
});

describe('errors', () => {
  test('about the file stay what they are', async () => {
    const mine = new FormatError('is broken', { offset: 1, field: 'f', value: 2 });
    const thrown = await foreignError(() =>
      load({
        load() {
          throw mine;
        },
      }),
    );
    expect(thrown).toBe(mine);
  });

  test('of another copy of the package count as such', async () => {
    const other = {
      [Symbol.for('run-foreign.error')]: true,
      [Symbol.for('run-foreign.format-error')]: true,
      code: 'BAD_FORMAT',
      exitCode: 126,
      message: 'is broken',
      location: { offset: 1, field: 'f', value: 2 },
    };
    const thrown = await foreignError(() => load({ load: () => Promise.reject(other) }));
    expect(thrown).toBe(other);
    expect(thrown).toBeInstanceOf(FormatError);
  });

  test('of reading in probe are the file’s, and not the loader’s', async () => {
    const gone = new ForeignError('NETWORK', 'is gone');
    const source: Source = { ...file, read: () => Promise.reject(gone) };
    const probe: LoaderPlugin['probe'] = async (each) => ((await each.read(0, 1)) ? 'exact' : null);
    expect(await foreignError(() => askLoader(loader({ probe }), source, NO_OPTIONS))).toBe(gone);
  });

  test('about the file in probe are the loader’s: there it must say null', async () => {
    const probe = () => {
      throw new FormatError('is broken', { offset: 1, field: 'f', value: 2 });
    };
    expect((await foreignError(() => askLoader(loader({ probe }), file, NO_OPTIONS))).code).toBe(
      'LOADER_FAILED',
    );
  });
});

describe('what a loader returns as a source', () => {
  test('is the host’s own where it is that, with all it can do', async () => {
    expect(await unwrapped(file)).not.toBe(file);
    const loaded = await load({ load: (source) => ({ kind: 'unwrap', source }) });
    expect(loaded.kind === 'unwrap' && loaded.source).toBe(file);
  });

  test('may be a part of the file that it was given, or of one that it has opened', async () => {
    const part = await load({ load: (source) => ({ kind: 'unwrap', source: sourceFrom(source, 5) }) });
    expect(part).toMatchObject({ source: { size: 5, file: { fd: 3, offset: 5 } } });
    const other = await load({
      load: (_, { open }) => ({ kind: 'unwrap', source: sourceFrom(open(text('/other')), 1) }),
    });
    expect(other).toMatchObject({ source: { size: 4, file: { offset: 1 } } });
  });

  test.each([
    ['no object', 7, 'source is no object (number)'],
    ['without a name', { size: 1, confidential: false, read() {} }, 'source.name is no string'],
    [
      'of half a byte',
      { name: 'x', size: 0.5, confidential: false, read() {} },
      'source.size is no whole number',
    ],
    [
      'of no size',
      { name: 'x', size: Number.NaN, confidential: false, read() {} },
      'source.size is no whole number',
    ],
    ['that says nothing of secrets', { name: 'x', size: 1, read() {} }, 'source.confidential is no boolean'],
    ['that cannot be read', { name: 'x', size: 1, confidential: false }, 'source.read is no function'],
    [
      'with a name of a gigabyte',
      { name: 'x'.repeat(2 ** 17), size: 1, confidential: false },
      'source.name has more',
    ],
  ])('is not %s', async (_, made, message) => {
    const error = await foreignError(() => unwrapping(made));
    expect(error.code).toBe('LOADER_FAILED');
    expect(error.message).toContain(`the loader made returned nonsense: ${message}`);
  });

  test('gives as many bytes as were asked for, from inside, or says whose fault it is', async () => {
    const bytes = text('abcdef');
    const source = await unwrapped({ ...memorySource(bytes, 'x'), read: () => bytes });
    expect(await source.read(0, 6)).toBe(bytes);
    await foreignError(() => source.read(0, 7));
    await foreignError(() => source.read(-1, 1));
    const error = await foreignError(() => source.read(0, 5));
    expect(error.message).toBe(
      'the loader made returned nonsense: source gives 6 bytes where 5 were to be read',
    );
  });

  test('is not public where what it was read from is not', async () => {
    const secret = memorySource(text('secret'), 'secret', true);
    const leak = { load: () => ({ kind: 'unwrap' as const, source: memorySource(text('x'), 'x') }) };
    expect((await foreignError(() => load(leak, secret))).message).toContain(
      'makes confidential bytes public',
    );
  });
});

describe('a first stack of the loader’s own', () => {
  const stack = {
    words: [1n],
    strings: [],
    args: { from: 0, to: 0 },
    env: { from: 0, to: 0 },
    auxv: { from: 0, to: 0 },
    gap: 0,
    align: 16,
  };
  const made = async (returned: unknown) => {
    const layout: FirstStackLayout = () => returned as typeof stack;
    const image = testImage({ format: 'made', stack: { layout, execution: 'none' } });
    const loaded = await load({ load: () => ({ kind: 'image', image }) });
    if (loaded.kind !== 'image' || typeof loaded.image.stack.layout !== 'function')
      throw new Error('no layout');
    return loaded.image.stack.layout({} as FirstStackRequest);
  };

  test('is looked at when it is made', async () => {
    expect(await made(stack)).toEqual(stack);
  });

  test.each([
    ['a word that is none', { ...stack, words: [1] }, 'firstStack.words[0] is no object (number)'],
    ['a string that is not there', { ...stack, words: [{ string: 0 }] }, 'words[0].string is not below 0'],
    ['arguments that are not there', { ...stack, args: { from: 0, to: 1 } }, 'args is no range of 0'],
    ['a gap without end', { ...stack, gap: 2 ** 40 }, 'gap is more than'],
    ['an odd alignment', { ...stack, align: 24 }, 'align is no power of two'],
  ])('and has not %s', async (_, returned, message) => {
    expect((await foreignError(() => made(returned))).message).toContain(message);
  });
});
