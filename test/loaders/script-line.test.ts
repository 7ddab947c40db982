/** `#!` lines exactly as the kernel reads them (load_script in fs/binfmt_script.c). */
import { describe, expect, test } from 'vitest';
import { parseLine } from '../../loaders/script/line.ts';

/** The first 256 bytes of a file that begins with `text`, as the loader hands them on. */
function parse(text: string): { interpreter: string; argument?: string } | undefined {
  const line = parseLine(Buffer.from(text, 'latin1').subarray(0, 256));
  if (line === undefined) return undefined;
  const { interpreter, argument } = line;
  return {
    interpreter: Buffer.from(interpreter).toString('latin1'),
    ...(argument && { argument: Buffer.from(argument).toString('latin1') }),
  };
}

describe('a whole line', () => {
  test.each([
    ['#!/bin/sh\n', { interpreter: '/bin/sh' }],
    ['#! /bin/sh\n', { interpreter: '/bin/sh' }],
    ['#! \t \t/bin/sh\n', { interpreter: '/bin/sh' }],
    ['#!/bin/sh -e\n', { interpreter: '/bin/sh', argument: '-e' }],
    ['#!/bin/sh\t-e\n', { interpreter: '/bin/sh', argument: '-e' }],
    ['#!/bin/sh  \t -e\n', { interpreter: '/bin/sh', argument: '-e' }],
    ['#!/bin/sh -e -x  y\n', { interpreter: '/bin/sh', argument: '-e -x  y' }],
    ['#!/bin/sh -e \t \n', { interpreter: '/bin/sh', argument: '-e' }],
    ['#!/bin/sh \t \n', { interpreter: '/bin/sh' }],
    ['#!/bin/sh\r\n', { interpreter: '/bin/sh\r' }],
    ['#!/bin/sh -e\r\n', { interpreter: '/bin/sh', argument: '-e\r' }],
    ['#!sh\n', { interpreter: 'sh' }],
    ['#!/bin/sh\nsecond line\n', { interpreter: '/bin/sh' }],
    ['#!/b\xffn/\xe9\n', { interpreter: '/b\xffn/\xe9' }],
    ['#!#!/bin/sh\n', { interpreter: '#!/bin/sh' }],
  ])('%j', (text, expected) => {
    expect(parse(text)).toEqual(expected);
  });

  test.each(['#!\n', '#! \n', '#!  \t \n', '#!\n/bin/sh\n'])('%j names no interpreter', (text) => {
    expect(parse(text)).toBeUndefined();
  });
});

describe('NUL ends what the kernel sees as a string', () => {
  test.each([
    ['#!/bin/sh\0junk\n', { interpreter: '/bin/sh' }],
    ['#!/bin/sh\0 -e\n', { interpreter: '/bin/sh' }],
    ['#!/bin/sh -e\0junk\n', { interpreter: '/bin/sh', argument: '-e' }],
    ['#!/bin/sh -e  \0junk\n', { interpreter: '/bin/sh', argument: '-e  ' }],
  ])('%j', (text, expected) => {
    expect(parse(text)).toEqual(expected);
  });

  test('trailing blanks before it are kept also without a newline', () => {
    expect(parse('#!/bin/sh -e  \0junk')).toEqual({ interpreter: '/bin/sh', argument: '-e  ' });
  });
});

test('an interpreter’s name may be empty where a NUL ends it, and only there', () => {
  for (const line of ['#!', '#!  ', '#!\0\n', '#! \0/bin/sh\n'])
    expect(parse(line)).toEqual({ interpreter: '' });
  for (const line of ['#!\n', '#! \t\n']) expect(parse(line)).toBeUndefined();
});

describe('a file that ends before its line does: the kernel’s buffer is filled up with NULs', () => {
  test('and has an argument', () => {
    expect(parse('#!/bin/sh -e')).toEqual({ interpreter: '/bin/sh', argument: '-e' });
  });

  test('and has none', () => {
    expect(parse('#!/bin/sh')).toEqual({ interpreter: '/bin/sh' });
    expect(parse('#! /bin/sh')).toEqual({ interpreter: '/bin/sh' });
  });

  test('and ends in blanks, which stay part of the argument', () => {
    expect(parse('#!/bin/sh -e  ')).toEqual({ interpreter: '/bin/sh', argument: '-e  ' });
  });
});

describe('a line longer than the 256 bytes that are looked at', () => {
  const name = (length: number) => `/${'i'.repeat(length - 1)}`;

  test('is refused where the interpreter’s name may be cut off', () => {
    expect(parse(`#!${name(254)}${'x'.repeat(100)}\n`)).toBeUndefined();
    expect(parse(`#!${' '.repeat(300)}/bin/sh\n`)).toBeUndefined();
  });

  test('is good where the newline is the last byte, or a blank follows the name', () => {
    expect(parse(`#!${name(253)}\n`)?.interpreter).toBe(name(253));
    expect(parse(`#!${name(253)} arg`)?.interpreter).toBe(name(253));
    expect(parse(`#!${name(254)}\n`)).toBeUndefined();
  });

  test('has its argument cut off', () => {
    const cut = parse(`#!/bin/sh ${'a'.repeat(400)}\n`);
    expect(cut?.interpreter).toBe('/bin/sh');
    expect(cut?.argument).toMatch(/^a+$/);
  });

  test('to 255 bytes of line: the kernel writes its NUL over the last one', () => {
    expect(parse(`#!/bin/sh ${'a'.repeat(400)}\n`)?.argument).toHaveLength(255 - '#!/bin/sh '.length);
  });
});
