/** Java archives: which ZIP files are programs, how java is called, and each field that may be wrong. */
import { describe, expect, test } from 'vitest';
import { java } from '../../loaders/java/index.ts';
import type { LoadContext } from '../../src/loader/contract.ts';
import { foreignError, formatError } from '../support/errors.ts';
import { contextOf, NO_OPTIONS } from '../support/resolve.ts';
import { fileLike, text } from '../support/sources.ts';
import { MANIFEST, writeJar, writeZip, type Zip } from '../support/zip-writer.ts';

const CONTEXT: LoadContext = { ...contextOf({}), find: (command: string) => text(`/bin/${command}`) };
const probe = (bytes: Uint8Array) => java.probe(fileLike(bytes, 3), NO_OPTIONS);
const load = (bytes: Uint8Array, context = CONTEXT) => java.load(fileLike(bytes, 3), context);
const RUNS = { kind: 'interpreter', path: text('/bin/java'), args: [text('-jar')] };

const MAIN = 'Main-Class: Hello\n';
const other = { name: 'a/B.class', content: 'x'.repeat(100) };
const manifest = (content: string, name = MANIFEST) => ({ name, content, deflated: true });

describe('a program', () => {
  test.each<[string, Zip]>([
    ['as jar(1) writes it', writeJar()],
    ['with a manifest that is not packed', writeZip([{ name: MANIFEST, content: MAIN }])],
    ['with the manifest in the middle', writeZip([other, manifest(MAIN), other])],
    ['with another case of letters', writeZip([other, manifest('MAIN-CLASS: x\n', MANIFEST.toLowerCase())])],
    ['with a value on two lines', writeJar('A: b\r\nMain-Cl\r\n ass: H\r\n ello\r\n\r\n')],
    ['with a comment', writeJar(MAIN, { comment: 'made by hand' })],
    ['with ZIP64', writeJar(MAIN, { zip64: true })],
  ])('%s', async (_, { bytes }) => {
    expect(await probe(bytes)).toBe('exact');
    expect(await load(bytes)).toEqual(RUNS);
  });

  test('behind something else: offsets count from where the archive begins', async () => {
    const { bytes } = writeJar();
    expect(await load(Buffer.concat([Buffer.from('something else'), bytes]))).toEqual(RUNS);
  });

  test('without java, the error says how to get it', async () => {
    const error = await foreignError(() => load(writeJar().bytes, { ...CONTEXT, find: () => undefined }));
    expect(error).toMatchObject({
      code: 'INTERPRETER_MISSING',
      message: expect.stringContaining('java'),
      hint: expect.stringContaining('default-jre-headless'),
    });
  });
});

describe('no program', () => {
  test.each<[string, Uint8Array]>([
    ['a ZIP file without a manifest', writeZip([other]).bytes],
    ['an empty ZIP file', writeZip([]).bytes],
    ['the beginning of a ZIP file', writeZip([other]).bytes.subarray(0, 60)],
    ['a Mach-O file for two machines', Buffer.from('cafebabe00000002', 'hex')],
    ['nothing', Buffer.alloc(0)],
  ])('%s is not its own', async (_, bytes) => {
    expect(await probe(bytes)).toBeNull();
  });

  test.each(['Manifest-Version: 1.0\n', 'A: b\n\nMain-Class: Hello\n', 'Main-Class:\n', ''])(
    'the manifest %j names no class',
    async (content) => {
      expect(await probe(writeJar(content).bytes)).toBe('exact');
      const error = await foreignError(() => load(writeJar(content).bytes));
      expect(error).toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining('Main-Class') });
    },
  );

  test('a class file is named', async () => {
    const bytes = Buffer.from('cafebabe0000003d0000', 'hex');
    expect(await probe(bytes)).toBe('likely');
    const error = await foreignError(() => load(bytes));
    expect(error).toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining('class file') });
  });
});

describe('broken', () => {
  const U32 = 4;
  const U16 = 2;
  test.each<[string, Exclude<keyof Zip, 'bytes'>, number, number, number, string]>([
    ['a part of several', 'end', 4, U16, 1, 'number of this disk'],
    ['a directory of impossible size', 'end', 12, U32, 0x10000, 'size of central directory'],
    ['a directory past the end', 'end', 16, U32, 0x10000, 'offset of central directory'],
    ['no signature in the directory', 'central', 0, U32, 0, 'signature'],
    ['an encrypted manifest', 'central', 8, U16, 1, 'flags'],
    ['another method', 'central', 10, U16, 12, 'compression method'],
    ['another sum', 'central', 16, U32, 1, 'crc-32'],
    ['a large manifest', 'central', 20, U32, 0x7fffffff, 'compressed size'],
    ['a manifest that unpacks to much', 'central', 24, U32, 0x7fffffff, 'uncompressed size'],
    ['a manifest past the end', 'central', 42, U32, 0x10000, `header of ${MANIFEST}`],
    ['no signature before the manifest', 'local', 0, U32, 0x04034b51, 'signature'],
  ])('%s', async (_, place, at, width, value, field) => {
    const zip = writeJar();
    zip.bytes.writeUIntLE(value, zip[place] + at, width);
    const { location } = await formatError(() => load(zip.bytes));
    expect(location.field).toBe(field);
    expect(location.offset).toBe(field.startsWith('header') ? value : zip[place] + at);
  });

  test.each<[string, number, string]>([
    ['no ZIP64 end', 0, 'signature'],
    ['a directory of impossible size', 47, 'size of central directory'],
    ['a directory past the end', 55, 'offset of central directory'],
    ['no ZIP64 locator', 56, 'signature'],
  ])('ZIP64: %s', async (_, at, field) => {
    const zip = writeJar(MAIN, { zip64: true });
    zip.bytes.writeUInt8(1, zip.end64 + at);
    expect((await formatError(() => load(zip.bytes))).location.field).toBe(field);
  });

  test('a manifest whose packed bytes are damaged', async () => {
    const { bytes } = writeJar();
    bytes.fill(0xff, 30 + MANIFEST.length, 40 + MANIFEST.length);
    expect((await formatError(() => load(bytes))).location).toMatchObject({
      offset: 30 + MANIFEST.length,
      field: 'deflate',
    });
  });

  test('a file cut off anywhere is refused, and nothing else happens', async () => {
    const { bytes } = writeJar();
    for (let size = 0; size < bytes.length; size++)
      await formatError(() => load(bytes.subarray(0, size))).catch((error: unknown) => {
        throw new Error(`cut off after ${size} bytes`, { cause: error });
      });
  });
});
