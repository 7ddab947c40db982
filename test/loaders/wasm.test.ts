/** WebAssembly: which modules are commands, how Node is called, and each field that may be wrong. */
import { describe, expect, test } from 'vitest';
import { wasm } from '../../loaders/wasm/index.ts';
import { printing, section, u32, type WasmDescription, writeWasm } from '../../samples/wasm/writer.ts';
import { foreignError, formatError } from '../support/errors.ts';
import { contextOf, NO_OPTIONS } from '../support/resolve.ts';
import { fileLike, text } from '../support/sources.ts';

const HELLO = writeWasm(printing('hello\n', 0));
const HEADER = HELLO.subarray(0, 8);
const load = async (bytes: Uint8Array, dir?: string, offset = 0) =>
  wasm.load(fileLike(bytes, 3, 'file', offset), {
    ...contextOf({}),
    argv: [text('zero'), text('one')],
    options: dir === undefined ? {} : { dir },
  });
const argsOf = async (...given: Parameters<typeof load>) => {
  const loaded = await load(...given);
  if (loaded.kind !== 'interpreter') throw new Error(loaded.kind);
  expect(loaded.path).toEqual(Buffer.from(process.execPath));
  return loaded.args.map((arg) => Buffer.from(arg).toString());
};
const module = (...sections: readonly (readonly number[])[]) =>
  Buffer.concat([HEADER, Buffer.from(sections.flat())]);

describe('a command', () => {
  test.each<[string, WasmDescription]>([
    ['of preview 1', printing('hello\n', 0)],
    ['of the version before', { ...printing('hello\n', 0), module: 'wasi_unstable' }],
    ['that imports nothing', {}],
  ])('%s', async (_, description) => {
    const bytes = writeWasm(description);
    expect(await wasm.probe(fileLike(bytes, 3), NO_OPTIONS)).toBe('exact');
    expect((await argsOf(bytes)).slice(-4)).toEqual(['--offset=0', '--native-dirs', '--', 'zero']);
  });

  test('sees the directories that the user names', async () => {
    expect((await argsOf(HELLO, '.::/data,/tmp')).slice(-4)).toEqual([
      '--dir=.::/data',
      '--dir=/tmp',
      '--',
      'zero',
    ]);
    expect((await argsOf(HELLO, '')).slice(-3)).toEqual(['--offset=0', '--', 'zero']);
  });

  test('may lie behind a #! line', async () => {
    expect(await argsOf(HELLO, undefined, 20)).toContain('--offset=20');
  });

  test('may have sections of every kind before and between', async () => {
    const custom = section(0, [1, 0x61, ...Array<number>(300).fill(0xff)]);
    const bytes = Buffer.concat([HEADER, Buffer.from(custom), HELLO.subarray(8), Buffer.from(custom)]);
    expect(await argsOf(bytes)).toContain('--native-dirs');
  });
});

describe('no command', () => {
  test.each<[string, Uint8Array, string]>([
    ['a component', Buffer.from('0061736d0d000100', 'hex'), 'component'],
    ['a module without _start', writeWasm({ exports: { memory: 2 } }), 'library'],
    ['a reactor', writeWasm({ exports: { memory: 2, _initialize: 0 } }), 'reactor'],
    ['both', writeWasm({ exports: { memory: 2, _initialize: 0, _start: 0 } }), '_initialize'],
    ['a _start that is no function', writeWasm({ exports: { memory: 2, _start: 2 } }), '_start'],
    ['no memory', writeWasm({ exports: { _start: 0 } }), 'memory'],
    ['other imports', writeWasm({ ...printing('', 0), module: 'env' }), '"env"'],
    ['no section at all', HEADER, 'library'],
  ])('%s', async (_, bytes, message) => {
    expect(await wasm.probe(fileLike(bytes, 3), NO_OPTIONS)).toBe('exact');
    const error = await foreignError(() => load(bytes));
    expect(error).toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining(message) });
  });

  test('two versions of WASI', async () => {
    const name = (value: string) => [value.length, ...Buffer.from(value)];
    const each = (value: string) => [...name(value), ...name('f'), 0, 0];
    const imports = section(2, [2, ...each('wasi_unstable'), ...each('wasi_snapshot_preview1')]);
    expect(await foreignError(() => load(module(imports)))).toMatchObject({ code: 'UNSUPPORTED' });
  });
});

describe('imports of every kind are passed over', () => {
  test.each<[string, readonly number[]]>([
    ['a function', [0, 5]],
    ['a table', [1, 0x70, 1, 1, 2]],
    ['a memory without a maximum', [2, 0, 1]],
    ['a global', [3, 0x7f, 1]],
    ['a tag', [4, 0, 5]],
  ])('%s', async (_, type) => {
    const one = [1, 0x61, 1, 0x62, ...type];
    const bytes = module(section(2, [2, ...one, 1, 0x7a, 1, 0x62, 0, 0]));
    expect((await foreignError(() => load(bytes))).message).toContain('"a", "z"');
  });
});

describe('broken', () => {
  test.each<[string, Uint8Array, string, number]>([
    ['the version', Buffer.from('0061736d02000000', 'hex'), 'version', 4],
    ['a section past the end', module([1, 5, 0]), 'section size', 10],
    ['a size of six bytes', module([1, 0x80, 0x80, 0x80, 0x80, 0x80, 0]), 'section size', 9],
    ['a size of more than 32 bits', module([1, 0xff, 0xff, 0xff, 0xff, 0x1f]), 'section size', 9],
    ['a size that ends with the file', module([1, 0x80]), 'section size', 10],
    ['a kind of import', module(section(2, [1, 1, 0x61, 1, 0x62, 9])), 'kind of import', 16],
    ['a name past its section', module(section(2, [1, 9, 0x61])), 'length of module', 12],
    ['more imports than there are', module(section(2, [...u32(0xffffffff)])), 'length of module', 15],
    ['a kind of export', module(section(7, [1, 1, 0x61, 9, 0])), 'kind of export', 14],
    ['an export without an index', module(section(7, [1, 1, 0x61, 0])), 'index', 14],
  ])('%s', async (_, bytes, field, offset) => {
    expect((await formatError(() => load(bytes))).location).toMatchObject({ field, offset });
  });

  test('too many sections', async () => {
    const bytes = module(Array<number[]>(1001).fill(section(0, [])).flat());
    expect((await formatError(() => load(bytes))).message).toContain('too many sections');
  });

  test('a file cut off anywhere is an error, and never another kind of one', async () => {
    for (let size = 0; size < HELLO.length; size++)
      await load(HELLO.subarray(0, size)).then(
        () => expect(size).toBeGreaterThan(HELLO.indexOf('memory')),
        (error: unknown) => expect(error).toHaveProperty('code'),
      );
  });
});
