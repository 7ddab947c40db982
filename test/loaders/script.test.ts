/** Scripts through the registry: whose interpreter it is, the argv execve builds, and our own wrapper lines. */
import { describe, expect, test } from 'vitest';
import { foreignError, formatError } from '../support/errors.ts';
import { handmade } from '../support/handmade.ts';
import { resolveSource } from '../support/resolve.ts';
import { fileLike, text } from '../support/sources.ts';

const ELF = handmade('elf64-static').bytes;
const wrapped = (line: string) => Buffer.concat([text(line), ELF]);
const strings = (list: readonly Uint8Array[]) => list.map((each) => Buffer.from(each).toString('latin1'));

describe('a line that names another interpreter', () => {
  const run = (
    line: string,
    argv: readonly string[],
    files: Record<string, Uint8Array> = { '/bin/sh': ELF },
  ) => resolveSource(fileLike(text(line), 3, '/dir/script'), files, { argv });

  test('puts the interpreter, its one argument and the script’s name before the other arguments', async () => {
    const { argv, source } = await run('#!/bin/sh -e -x\n', ['argv0 is lost', 'one', 'two']);
    expect(strings(argv)).toEqual(['/bin/sh', '-e -x', '/dir/script', 'one', 'two']);
    expect(source.name).toBe('/bin/sh');
  });

  test('without an argument puts none', async () => {
    expect(strings((await run('#!/bin/sh\n', ['x'])).argv)).toEqual(['/bin/sh', '/dir/script']);
  });

  test('may name a script: each gets its own interpreter before it', async () => {
    const files = { '/a': text('#!/b inner\n'), '/b': ELF };
    const { argv } = await run('#!/a outer\n', ['x', 'arg'], files);
    expect(strings(argv)).toEqual(['/b', 'inner', '/a', 'outer', '/dir/script', 'arg']);
  });

  test('of a missing interpreter is PROGRAM_NOT_FOUND', async () => {
    expect((await foreignError(() => run('#!/no/such\n', ['x']))).code).toBe('PROGRAM_NOT_FOUND');
  });

  test('of an interpreter that is no program is an error about the interpreter', async () => {
    const error = await foreignError(() => run('#!/bin/sh\n', ['x'], { '/bin/sh': text('no program') }));
    expect(error).toMatchObject({ code: 'UNKNOWN_FORMAT', subject: '/bin/sh' });
  });

  test('without an interpreter is broken, and says where', async () => {
    const error = await formatError(() => run('#! \n', ['x']));
    expect(error.location).toMatchObject({ offset: 0, field: '#!' });
  });
});

describe('a line that names run-foreign', () => {
  test.each([
    '#!/usr/bin/run-foreign\n',
    '#! run-foreign\n',
    '#!/opt/x/run-foreign --verbose\n',
    '#!/usr/bin/env run-foreign\n',
    '#!/usr/bin/env -S run-foreign --verbose\n',
    '#!/usr/bin/env -Srun-foreign\n',
    '#!/usr/bin/env --split-string=run-foreign\n',
    '#!/usr/bin/env --split-string run-foreign\n',
    '#!/usr/bin/env -S A=1 B=2 run-foreign --verbose\n',
    '#!/usr/bin/env\t-S \t run-foreign\n',
  ])('%j is taken off: the program begins behind it', async (line) => {
    const { image, argv } = await resolveSource(
      fileLike(wrapped(line), 3, '/dir/app'),
      {},
      { argv: ['app', 'x'] },
    );
    expect(image.format).toBe('elf');
    expect(image.segments[0]?.content?.source.file).toMatchObject({ fd: 3, offset: line.length });
    expect(strings(argv)).toEqual(['app', 'x']);
  });

  test.each([
    '#!/usr/bin/env python3\n',
    '#!/usr/bin/env -S python3 run-foreign\n',
    '#!/usr/bin/run-foreign-x\n',
  ])('%j names somebody else', async (line) => {
    const interpreter = line.slice(2).split(/[ \n]/)[0] ?? '';
    const { source } = await resolveSource(fileLike(wrapped(line), 3), { [interpreter]: ELF });
    expect(source.name).toBe(interpreter);
  });

  // Not seen as ours, env starts run-foreign with the same file again, and so on for ever.
  test.each([
    '#!/usr/bin/env -S -i run-foreign\n',
    '#!/usr/bin/env -iS run-foreign\n',
    '#!/usr/bin/env -S -u NAME run-foreign\n',
    '#!/usr/bin/env -S "run-foreign"\n',
  ])('%j is taken off, options of env and quotes or not', async (line) => {
    expect((await resolveSource(fileLike(wrapped(line), 3))).image.format).toBe('elf');
  });

  test('alone, without a newline or anything behind it, holds no program', async () => {
    const error = await formatError(() => resolveSource(fileLike(text('#!/usr/bin/run-foreign x'), 3)));
    expect(error.location.field).toBe('#!');
    expect(
      (await foreignError(() => resolveSource(fileLike(text('#!/usr/bin/run-foreign\n'), 3)))).code,
    ).toBe('UNKNOWN_FORMAT');
  });

  test('before another script makes that script run, named by the whole file', async () => {
    const bytes = text('#!/usr/bin/run-foreign\n#!/bin/sh -e\n');
    const { argv } = await resolveSource(
      fileLike(bytes, 3, '/dir/both'),
      { '/bin/sh': ELF },
      { argv: ['x', 'y'] },
    );
    expect(strings(argv)).toEqual(['/bin/sh', '-e', '/dir/both', 'y']);
  });
});
