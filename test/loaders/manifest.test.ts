/** Manifests: what is one, what may stand in it, and errors that say which field is wrong, and where. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { manifest } from '../../loaders/manifest/index.ts';
import { parseJson } from '../../loaders/manifest/json.ts';
import type { LoadContext, NamedProgram } from '../../src/loader/contract.ts';
import { memorySource } from '../../src/source/memory.ts';
import { foreignError, formatError } from '../support/errors.ts';
import { Random } from '../support/random.ts';
import { contextOf, NO_OPTIONS } from '../support/resolve.ts';
import { ROOT } from '../support/run.ts';
import { fileLike } from '../support/sources.ts';

const CONTEXT: LoadContext = contextOf({});
const HEX = '0123456789abcdef'.repeat(4);
const KEY = `RW${'a'.repeat(54)}`;

const sourceOf = (content: string | Uint8Array) => memorySource(Buffer.from(content), 'tool.json');

async function load(content: string | Uint8Array): Promise<NamedProgram> {
  const loaded = await manifest.load(sourceOf(content), CONTEXT);
  if (loaded.kind !== 'program') throw new Error(loaded.kind);
  return loaded;
}

/** A manifest with these fields beside the two that it needs. */
const withFields = (fields: object): object => ({ 'run-foreign': 1, program: 'x', ...fields });

describe('is recognised', () => {
  test.each([
    ['{"run-foreign":1}'],
    ['\n\t\r {\n  "run-foreign"\t:1}'],
    ['{"$schema": "x", "run-foreign": 1}'],
    ['{"run-foreign": "whatever it is'],
    [`${' '.repeat(1008)}{"run-foreign":1}`],
  ])('%j', async (text) => {
    expect(await manifest.probe(sourceOf(text), NO_OPTIONS)).toBe('exact');
  });

  test.each([
    [''],
    [' '],
    ['{}'],
    ['[]'],
    ['{"run-foreign'],
    ['{"run-foreign" 1}'],
    ['{"name": "x", "run-foreign": 1}'],
    ['{"$schema": "x", "name": "x", "run-foreign": 1}'],
    ['{"$schema": 1, "run-foreign": 1}'],
    ['{"run\\u002dforeign": 1}'],
    ['[{"run-foreign": 1}]'],
    ['\u{feff}{"run-foreign": 1}'],
    ['x{"run-foreign": 1}'],
    [`${' '.repeat(1024)}{"run-foreign":1}`],
  ])('%j is not', async (text) => {
    expect(await manifest.probe(sourceOf(text), NO_OPTIONS)).toBe(null);
  });

  test('by its beginning alone', async () => {
    const read = async (text: string) => {
      const source = sourceOf(text);
      let end = 0;
      const counted = {
        ...source,
        read(offset: number, length: number) {
          end = Math.max(end, offset + length);
          return source.read(offset, length);
        },
      };
      await manifest.probe(counted, NO_OPTIONS);
      return end;
    };
    expect(await read(`{"run-foreign":1}${' '.repeat(1e6)}`)).toBeLessThanOrEqual(1024);
    expect(await read('\x7fELF'.padEnd(1000))).toBe(1);
  });
});

/** Fields that may stand beside the needed ones. */
const GOOD: readonly object[] = [
  {},
  { $schema: 'anything' },
  { program: 'a/b c' },
  { program: 'ftp://is/a/path' },
  { program: 'http://host/x', sha256: HEX },
  { program: 'https://host/x', verifyKey: KEY },
  { program: 'HTTPS://host/x', sha256: HEX.toUpperCase(), verifyKey: KEY },
  { program: `https://host/x#sha256=${HEX}` },
  { sha256: HEX },
  { verifyKey: KEY },
  { format: 'elf' },
  { argv0: '' },
  { args: [] },
  { args: ['', '-x', 'ünï', '\u{1f600}', '\n'] },
  { env: {} },
  { env: { A: '', 'b c': 'x=y', __proto__x: '1' } },
  { identity: 'keys/id.txt' },
  { identity: 'passphrase' },
  { identity: 'credential:tally' },
  { identity: ['a', 'credential:b', 'passphrase'] },
  { identity: [] },
];

/** And such as may not, with the field that is to blame. */
const BAD: readonly (readonly [object, string])[] = [
  [{ 'run-foreign': 2 }, 'run-foreign'],
  [{ 'run-foreign': '1' }, 'run-foreign'],
  [{ 'run-foreign': null, what: 1 }, 'run-foreign'],
  [{ $schema: 1 }, '$schema'],
  [{ program: undefined }, 'program'],
  [{ program: undefined, programm: 'x' }, 'programm'],
  [{ program: '' }, 'program'],
  [{ program: 1 }, 'program'],
  [{ program: ['x'] }, 'program'],
  [{ program: 'a\0b' }, 'program'],
  [{ program: 'a\ud800b' }, 'program'],
  [{ program: 'http://host/x' }, 'sha256'],
  [{ program: 'HtTpS://host/x' }, 'sha256'],
  [{ sha256: HEX.slice(1) }, 'sha256'],
  [{ sha256: `${HEX}\n` }, 'sha256'],
  [{ sha256: `x${HEX.slice(1)}` }, 'sha256'],
  [{ sha256: null }, 'sha256'],
  [{ verifyKey: KEY.slice(1) }, 'verifyKey'],
  [{ verifyKey: '/etc/key.pub' }, 'verifyKey'],
  [{ verifyKey: true }, 'verifyKey'],
  [{ format: 'ELF' }, 'format'],
  [{ format: 3 }, 'format'],
  [{ argv0: 'a\0' }, 'argv0'],
  [{ argv0: {} }, 'argv0'],
  [{ args: 'x' }, 'args'],
  [{ args: { 0: 'x' } }, 'args'],
  [{ args: ['a', 'b', 3] }, 'args/2'],
  [{ args: ['a', ['b']] }, 'args/1'],
  [{ args: [[[[['a']]]]] }, 'args/0'],
  [{ args: ['a\0'] }, 'args/0'],
  [{ env: [] }, 'env'],
  [{ env: 'A=B' }, 'env'],
  [{ env: { A: 'x', B: 1 } }, 'env/B'],
  [{ env: { A: 'x\0' } }, 'env/A'],
  [{ env: { 'A=': 'x' } }, 'env/A='],
  [{ env: { '': 'x' } }, 'env/'],
  [{ env: { 'a/b~c': 1 } }, 'env/a~1b~0c'],
  [{ identity: '' }, 'identity'],
  [{ identity: 1 }, 'identity'],
  [{ identity: 'credential:' }, 'identity'],
  [{ identity: 'credential:../x' }, 'identity'],
  [{ identity: ['a', 1] }, 'identity/1'],
  [{ identity: ['a', ''] }, 'identity/1'],
  [{ arg: ['x'] }, 'arg'],
  [{ Args: ['x'] }, 'Args'],
  [{ toString: 'x' }, 'toString'],
  [JSON.parse('{"__proto__": "x"}'), '__proto__'],
];

const textOf = (fields: object): string => JSON.stringify(withFields(fields));

describe('a manifest', () => {
  test('says what is run, and how', async () => {
    const all = {
      $schema: 's',
      'run-foreign': 1,
      program: 'https://host/tülly',
      sha256: HEX,
      verifyKey: KEY,
      format: 'elf',
      argv0: '-tülly',
      args: ['-e', 'ü'],
      env: { 2: 'two', GREETING: 'hällo', EMPTY: '' },
      identity: ['id.txt', 'passphrase', 'credential:key'],
    };
    const bytes = (text: string) => Buffer.from(text);
    expect(await load(JSON.stringify(all))).toEqual({
      kind: 'program',
      name: bytes('https://host/tülly'),
      sha256: HEX,
      verifyKey: KEY,
      format: 'elf',
      argv0: bytes('-tülly'),
      args: [bytes('-e'), bytes('ü')],
      env: [bytes('2=two'), bytes('GREETING=hällo'), bytes('EMPTY=')],
      identities: [
        { kind: 'file', path: bytes('id.txt') },
        { kind: 'credential', name: 'key' },
      ],
    });
  });

  test.each(GOOD.map((fields) => [textOf(fields)]))('%s is one', async (text) => {
    expect(await load(text)).toMatchObject({ kind: 'program' });
  });

  test.each(BAD.map(([fields, field]) => [textOf(fields), field]))('%s names %s', async (text, field) => {
    const { location, message, code } = await formatError(() => load(text));
    expect(code).toBe('BAD_FORMAT');
    expect(location.field).toBe(field);
    expect(message).toContain(field.split('/')[0]);
    // Where the member's name stands, or the element; of what is missing, where the object begins.
    const name = JSON.stringify(field.split('/').at(-1)?.replaceAll('~1', '/').replaceAll('~0', '~'));
    const missing = !text.includes(`${name}:`) && !/\/\d+$/.test(field);
    if (missing) expect(location.offset).toBe(0);
    else if (!/\/\d+$/.test(field))
      expect(text.slice(location.offset)).toMatch(new RegExp(`^${escaped(name)}`));
  });

  test('is judged by the shipped schema alone', () => {
    const shipped: object = JSON.parse(readFileSync(join(ROOT, 'dist/manifest.schema.json'), 'utf8'));
    const ajv = new Ajv({ allowUnionTypes: true });
    expect(ajv.validateSchema(shipped)).toBe(true);
    const validate = ajv.compile(shipped);
    for (const fields of GOOD) expect(validate(JSON.parse(textOf(fields))), textOf(fields)).toBe(true);
    for (const [fields] of BAD) expect(validate(JSON.parse(textOf(fields))), textOf(fields)).toBe(false);
  });

  test('that is an array, for --format manifest, is none', async () => {
    const { location, message } = await formatError(() => load('[1]'));
    expect(location).toEqual({ offset: 0, field: 'the manifest', value: '[1]' });
    expect(message).toContain('must be a manifest: a JSON object');
  });

  test('may be 64 KiB and no more', async () => {
    const text = textOf({});
    expect(await load(text.padEnd(65_536))).toMatchObject({ kind: 'program' });
    expect(await foreignError(() => load(text.padEnd(65_537)))).toMatchObject({ code: 'TOO_BIG' });
  });

  test('that was sealed is refused, and nothing of it shows', async () => {
    const sealed = memorySource(Buffer.from(textOf({ secret: 1 })), 'tool.json', true);
    const error = await foreignError(() => manifest.load(sealed, CONTEXT));
    expect(error.code).toBe('UNSUPPORTED');
    expect(`${error.message} ${error.hint}`).not.toContain('secret:');
  });
});

const escaped = (text: string | undefined) => text?.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

describe('says where, in bytes:', () => {
  const at = (fields: object, what: string) => {
    const text = textOf(fields);
    return [text, Buffer.byteLength(text.slice(0, text.indexOf(what)))] as const;
  };
  test.each([
    ['an element', ...at({ args: ['ü\u{1f600}', 7, 'x'] }, '7')],
    ['a variable', ...at({ argv0: 'ü', env: { A: 'ü', B: 7 } }, '"B"')],
    ['an unknown field', ...at({ argv0: 'ü', b: 7 }, '"b"')],
  ])('%s', async (_, text, offset) => {
    expect((await formatError(() => load(text))).location.offset).toBe(offset);
  });

  test('from the beginning of the file, also behind a #! line', async () => {
    const source = fileLike(Buffer.from(textOf({ argv0: 7 })), 3, 'tool.json', 100);
    const { location } = await formatError(() => manifest.load(source, CONTEXT));
    expect(location.offset).toBe(100 + textOf({ argv0: 7 }).indexOf('"argv0"'));
  });

  test.each([
    ['0xff', Buffer.from('{"run-foreign":1,"program":"\xff"}', 'latin1'), 28],
    ['a surrogate', Buffer.from('{"run-foreign":1,"program":"\xed\xa0\x80"}', 'latin1'), 28],
    ['half a character', Buffer.from('{"run-foreign":1} \xc3', 'latin1'), 18],
  ])('%s, which is no UTF-8', async (_, bytes, offset) => {
    const { location, message } = await formatError(() => load(bytes));
    expect(message).toContain('UTF-8');
    expect(location.offset).toBe(offset);
  });
});

describe('JSON', () => {
  test.each([
    ['{"run-foreign":1,"program":"x","program":"x"}', 'program', 31],
    ['{"run-foreign":1,"env":{"A":"1","B":"","\\u0041":"1"}}', 'env/A', 39],
  ])('%s has a field twice', async (text, field, offset) => {
    expect((await formatError(() => load(text))).location).toMatchObject({ field, offset });
  });

  test.each([
    ['{"run-foreign":1,}', 'the manifest', 17],
    ['{"run-foreign":1,"args":["a",]}', 'args/1', 29],
    ['{"run-foreign":1,"args":["a" "b"]}', 'args', 29],
    ['{"run-foreign":01}', 'run-foreign', 15],
    ['{"run-foreign":1,"argv0":\'x\'}', 'argv0', 25],
    ['{"run-foreign":1,"argv0":"a\nb"}', 'argv0', 25],
    ['{"run-foreign":1,"argv0":"\\x"}', 'argv0', 25],
    ['{"run-foreign":1} // comment', 'the manifest', 18],
    ['{"run-foreign":1}{}', 'the manifest', 17],
    ['{"run-foreign" 1}', 'run-foreign', 15],
    ['{"run-foreign":1,\u00a0"program":"x"}', 'the manifest', 17],
  ])('%j is none', async (text, field, offset) => {
    const { location, message } = await formatError(() => load(text));
    expect(message).toContain('is no JSON');
    expect(location).toMatchObject({ field, offset });
  });

  test('is not followed into the deep', async () => {
    const deep = `{"run-foreign":1,"program":"x","args":${'['.repeat(30_000)}`;
    const { location, message } = await formatError(() => load(deep));
    expect(message).toContain('nested');
    expect(location).toMatchObject({ field: `args${'/0'.repeat(7)}`, offset: 38 + 7 });
  });

  test('is what JSON.parse takes, but for names that stand twice', () => {
    const random = new Random(5);
    const alphabet = '{}[],:"\\ \t\nabu0019.-+eEtrfn\u00a0\u2028\x7fé';
    const seeds = [
      textOf({ args: ['a', 'ü'], env: { A: '1' } }),
      '[1,-2.5e+3,{"a":null,"b":[true,false]},""]',
    ];
    let valid = 0;
    for (let round = 0; round < 20_000; round++) {
      const seed = seeds[round % 2] ?? '';
      const at = random.below(seed.length + 1);
      const text =
        seed.slice(0, at) + alphabet[random.below(alphabet.length)] + seed.slice(at + random.below(3));
      const expected = outcome(() => JSON.parse(text));
      const actual = outcome(() => parseJson(text, 0).value);
      if (!actual.includes('twice')) expect(actual, text).toBe(expected);
      if (expected !== REFUSED) valid++;
    }
    expect(valid).toBeGreaterThan(1000);
  });

  const REFUSED = 'refused';
  function outcome(action: () => unknown): string {
    try {
      return JSON.stringify(action());
    } catch (error) {
      return error instanceof Error && error.message.includes('twice') ? 'twice' : REFUSED;
    }
  }
});

test('every beginning of a manifest is an error that is typed', async () => {
  const text = textOf({ sha256: HEX, args: ['ü', '\\"'], env: { A: '1' }, identity: ['a'] });
  const bytes = Buffer.from(text);
  for (let size = 0; size < bytes.length; size++) {
    const { location } = await formatError(() => load(bytes.subarray(0, size)));
    expect(location.offset).toBeLessThanOrEqual(size);
  }
  expect(await load(bytes)).toMatchObject({ kind: 'program' });
});
