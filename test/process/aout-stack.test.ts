/** The first stack of a.out programs (create_aout_tables of the kernels that had fs/binfmt_aout.c). */
import { expect, test } from 'vitest';
import { FIRST_STACKS } from '../../src/process/first-stack.ts';
import { absolute } from '../../src/process/place.ts';
import { buildStackImage } from '../../src/process/stack-image.ts';
import { countingBytes } from '../support/host.ts';
import { testImage } from '../support/images.ts';
import { text } from '../support/sources.ts';
import { placeStack } from '../support/stack-reader.ts';

const END = 0xffff_e000n;

function build(argv: readonly string[], envp: readonly string[]) {
  const image = testImage({ arch: 'i386', stack: { layout: 'aout', execution: 'everything-readable' } });
  const first = FIRST_STACKS.aout({
    image,
    argv: argv.map(text),
    envp: envp.map(text),
    execfn: text('/old/prog'),
    auxvTypes: [],
    random: countingBytes(),
    randomize: true,
  });
  const stackImage = buildStackImage(first, 'i386', { image: absolute, interp: absolute }, 8n << 20n);
  return { stackImage, stack: placeStack(stackImage, 4, { stack: END }) };
}

test('argc, the two tables’ addresses, the tables, nothing else', () => {
  const { stack, stackImage } = build(['prog', 'x'], ['A=1']);
  const word = (index: number) => stack.word(stack.sp + BigInt(index * 4));
  expect(word(0)).toBe(2n);
  expect(word(1)).toBe(stack.sp + 3n * 4n);
  expect(word(2)).toBe(stack.sp + 6n * 4n);
  expect([word(3), word(4)].map(stack.string)).toEqual(['prog', 'x']);
  expect(word(5)).toBe(0n);
  expect(stack.string(word(6))).toBe('A=1');
  expect(word(7)).toBe(0n);
  const tablesEnd = stack.sp + 8n * 4n;
  expect(END + stackImage.arg.start - tablesEnd).toBeLessThan(4n);
  expect(stackImage.auxv.size).toBe(0);
});

test('strings lie as execve leaves them: arguments, environment, file name, a zero pointer', () => {
  const { stack, stackImage } = build(['prog', 'x'], ['A=1']);
  const strings = 'prog\0x\0A=1\0/old/prog\0\0\0\0\0\0\0\0\0';
  const from = END - BigInt(strings.length);
  expect(Buffer.from(stack.bytes(from, strings.length)).toString('latin1')).toBe(strings);
  expect(END + stackImage.arg.start).toBe(from);
  expect(stackImage.arg.end).toBe(stackImage.env.start);
});

test('the stack pointer is a multiple of 4 and not randomised', () => {
  for (let length = 0; length < 9; length++) {
    const [first, second] = [build(['y'.repeat(length)], []), build(['y'.repeat(length)], [])];
    expect(first.stack.sp % 4n).toBe(0n);
    expect(first.stack.sp).toBe(second.stack.sp);
    expect(END + first.stackImage.arg.start - first.stack.sp).toBeLessThan(4n * 6n + 4n);
  }
});

test('empty lists still have their tables', () => {
  const { stack } = build([], []);
  const word = (index: number) => stack.word(stack.sp + BigInt(index * 4));
  expect([word(0), word(1), word(2), word(3), word(4)]).toEqual([0n, stack.sp + 12n, stack.sp + 16n, 0n, 0n]);
});
