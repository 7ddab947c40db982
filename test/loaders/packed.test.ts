/** Packed programs through the registry: wrappers in any order, their depth, what they keep and whom they name. */
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { gzip } from '../../loaders/gzip/index.ts';
import { xz } from '../../loaders/xz/index.ts';
import { zstd } from '../../loaders/zstd/index.ts';
import { memorySource } from '../../src/source/memory.ts';
import type { Source } from '../../src/source/source.ts';
import { foreignError } from '../support/errors.ts';
import { handmade } from '../support/handmade.ts';
import { sampleBytes, ZEROS_XZ_ZST, zstdFrame } from '../support/packed.ts';
import { Random } from '../support/random.ts';
import { resolveSource } from '../support/resolve.ts';
import { fileLike, text } from '../support/sources.ts';
import { unpackSource } from '../support/unpack.ts';

const ELF = handmade('elf64-static').bytes;

/** Each puts its own layer around any bytes. There is no packer for xz here: see the samples and below. */
const WRAPPERS: Record<string, (bytes: Uint8Array) => Buffer> = {
  line: (bytes) => Buffer.concat([text('#!run-foreign\n'), bytes]),
  'line with options': (bytes) => Buffer.concat([text('#!/usr/bin/env -S run-foreign --verbose\n'), bytes]),
  gzip: (bytes) => gzipSync(bytes),
  'gzip in two members': (bytes) =>
    Buffer.concat([gzipSync(bytes.subarray(0, 9)), gzipSync(bytes.subarray(9))]),
  zstd: (bytes) => zstdFrame([{ raw: bytes }]),
};

const wrap = (names: readonly string[], program: Uint8Array) =>
  names.reduceRight<Uint8Array>((bytes, name) => WRAPPERS[name]?.(bytes) ?? bytes, program);

describe('wrappers inside each other', () => {
  test('hold the program in any order and to any depth up to eight', async () => {
    const random = new Random(8);
    const names = Object.keys(WRAPPERS);
    for (let round = 0; round < 150; round++) {
      const chosen = Array.from({ length: 1 + random.below(8) }, () => random.pick(names));
      const file = fileLike(wrap(chosen, ELF), 3, 'prog');
      const { image, source } = await resolveSource(file);
      expect({ format: image.format, segments: image.segments.length }, chosen.join(' in ')).toEqual({
        format: 'elf',
        segments: (await resolveSource(fileLike(ELF, 3))).image.segments.length,
      });
      // The file on disk is what /proc/PID/exe will name.
      expect(source).toBe(file);
      const isPacked = chosen.some((name) => !name.startsWith('line'));
      expect(image.segments[0]?.content?.source.file === undefined).toBe(isPacked);
    }
  });

  test('nine are too deep', async () => {
    for (const name of Object.keys(WRAPPERS)) {
      const file = fileLike(wrap(Array(9).fill(name), ELF), 3, 'prog');
      expect(await foreignError(() => resolveSource(file))).toMatchObject({ code: 'NESTED_TOO_DEEP' });
    }
  });

  test.each(['xz/tally-dynamic-pie.xz', 'gzip/tally-static.gz', 'zstd/tally-qmagic.zst'])(
    '%s in every pair of them',
    async (sample) => {
      const files = { '/lib64/ld-linux-x86-64.so.2': ELF };
      const plain = await resolveSource(fileLike(sampleBytes(sample), 3), files);
      for (const outer of Object.keys(WRAPPERS)) {
        for (const inner of Object.keys(WRAPPERS)) {
          const bytes = wrap([outer, inner], sampleBytes(sample));
          const { image } = await resolveSource(fileLike(bytes, 3), files);
          expect(image.variant).toBe(plain.image.variant);
          expect(image.entry).toBe(plain.image.entry);
        }
      }
    },
  );

  test('hold no scripts: their interpreter would read the packed file', async () => {
    const file = fileLike(gzipSync('#!/bin/sh -e\n'), 3, '/dir/script.gz');
    const error = await foreignError(() => resolveSource(file, { '/bin/sh': ELF }, { argv: ['x', 'y'] }));
    expect(error).toMatchObject({ code: 'UNSUPPORTED', exitCode: 126 });
    expect(error.message).toContain('/bin/sh');
  });
});

test.each([
  [gzip, 'gzip/tally-static.gz'],
  [xz, 'xz/tally-dynamic-pie.xz'],
  [zstd, 'zstd/tally-qmagic.zst'],
])('a source that fails while it is read is no fault of $name', async (loader, sample) => {
  const source = memorySource(sampleBytes(sample), 'failing');
  for (let reads = 0; reads < 3; reads++) {
    let left = reads;
    const failing: Source = {
      ...source,
      read: async (offset, length) => {
        if (length > 600 && left-- <= 0) throw new Error('no more');
        return source.read(offset, length);
      },
    };
    const outcome = await unpackSource(loader, failing).catch((cause: Error) => cause.message);
    if (reads === 0) expect(outcome).toBe('no more');
    else if (typeof outcome === 'string') expect(outcome).toBe('no more');
  }
});

describe('what goes with the bytes', () => {
  test.each(Object.keys(WRAPPERS))('secrecy: %s', async (name) => {
    const { image } = await resolveSource(memorySource(wrap([name], ELF), 'secret', true));
    expect(image.segments.every(({ content }) => content?.source.confidential ?? true)).toBe(true);
  });

  test('--format is about what is inside', async () => {
    const { image } = await resolveSource(fileLike(gzipSync(ELF), 3), {}, { format: 'elf' });
    expect(image.format).toBe('elf');
    expect(
      (await foreignError(() => resolveSource(fileLike(gzipSync(ELF), 3), {}, { format: 'aout' }))).code,
    ).toBe('BAD_FORMAT');
  });

  test('the name, in errors about what is inside', async () => {
    const error = await foreignError(() => resolveSource(fileLike(gzipSync('no program'), 3, 'x.gz')));
    expect(error).toMatchObject({ code: 'UNKNOWN_FORMAT', subject: 'x.gz' });
  });
});

describe('bombs', () => {
  test('inside each other', async () => {
    const error = await foreignError(() => resolveSource(fileLike(gzipSync(ZEROS_XZ_ZST), 3, 'bomb')));
    expect(error).toMatchObject({ code: 'TOO_BIG', subject: 'bomb' });
  });

  test('--max-size holds for every layer', async () => {
    const bytes = gzipSync(zstdFrame([{ raw: ELF }]));
    const error = await foreignError(() =>
      resolveSource(fileLike(bytes, 3), {}, { maxSize: ELF.length - 1 }),
    );
    expect(error.code).toBe('TOO_BIG');
  });
});
