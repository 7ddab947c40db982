/** The encoder against the bytes that GNU as makes of the same instructions; see forms.ts and the golden. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { REG, X86 } from '../../src/emit/x86.ts';
import { FORMS, formName } from './forms.ts';

const golden = JSON.parse(readFileSync(new URL('./forms.golden.json', import.meta.url), 'utf8')) as Record<
  string,
  string
>;

/** Methods that emit nothing. */
const SILENT = new Set(['constructor', 'here', 'label', 'place', 'finish']);

test('every emitting method of X86 is in the table, in both modes', () => {
  const methods = Object.getOwnPropertyNames(X86.prototype).filter((name) => !SILENT.has(name));
  for (const bits of [32, 64])
    expect(new Set(FORMS.filter((form) => form.bits === bits).map((form) => form.method))).toEqual(
      new Set(methods),
    );
});

test('the golden has the forms of the table and no others, each once', () => {
  const names = FORMS.map(formName);
  expect(new Set(names).size).toBe(names.length);
  expect(Object.keys(golden).sort()).toEqual([...names].sort());
});

test.each(FORMS.map((form) => [formName(form), form] as const))('%s', (name, form) => {
  const code = new X86(form.bits, 0x400000n);
  form.emit(code);
  expect(Buffer.from(code.finish()).toString('hex')).toBe(golden[name]);
});

describe('what cannot be encoded is refused', () => {
  test('r8 and up in 32-bit mode', () => {
    const code = new X86(32, 0n);
    expect(() => code.move(REG.ax, REG.r8)).toThrow('64-bit mode');
    expect(() => code.load(REG.r9, { base: REG.ax, displacement: 0 })).toThrow('64-bit mode');
    expect(() => code.load(REG.ax, { base: REG.r13, displacement: 0 })).toThrow('64-bit mode');
    expect(() => code.moveImmediate(REG.r15, 1n)).toThrow('64-bit mode');
  });

  test('absolute addresses in 64-bit mode', () => {
    expect(() => new X86(64, 0n).load(REG.ax, { address: 0x1000 })).toThrow('32-bit mode');
    expect(() => new X86(64, 0n).store32({ address: 0x1000 }, 1)).toThrow('32-bit mode');
  });

  test('bytes of registers that need a prefix', () => {
    expect(() => new X86(32, 0n).storeByte({ base: REG.ax, displacement: 0 }, REG.si)).toThrow('prefix');
  });

  test('an absolute table in 64-bit mode', () => {
    expect(() => new X86(64, 0n).storeIndexed({ address: 0x1000 }, REG.ax, REG.dx)).toThrow();
  });

  test('r8 and up with an absolute table in 32-bit mode', () => {
    expect(() => new X86(32, 0n).storeIndexed({ address: 0x1000 }, REG.r8, REG.dx)).toThrow();
  });

  test('sp as an index, which the encoding reads as "no index"', () => {
    const code = new X86(64, 0n);
    expect(() => code.storeIndexed({ base: REG.ax, displacement: 0 }, REG.sp, REG.dx)).toThrow();
  });

  test('immediates, displacements and distances that need more than 32 bits', () => {
    const code = new X86(64, 0n);
    for (const value of [2 ** 31, -(2 ** 31) - 1]) {
      expect(() => code.addImmediate(REG.ax, value)).toThrow('32 bits');
      expect(() => code.load(REG.ax, { base: REG.bx, displacement: value })).toThrow('32 bits');
      expect(() => code.storeIndexed({ base: REG.bx, displacement: value }, REG.ax, REG.dx)).toThrow(
        '32 bits',
      );
    }
    expect(() => code.jumpThrough(1n << 40n)).toThrow('32 bits');
    expect(() => new X86(32, 0n).jumpThrough(1n << 32n)).toThrow('32 bits');
  });

  test('a jump to a label that has no place', () => {
    const code = new X86(64, 0n);
    code.jump(code.label());
    expect(() => code.finish()).toThrow('never placed');
  });
});

test('`here` counts from the origin and grows by what is emitted', () => {
  const code = new X86(64, 0x1000n);
  expect(code.here).toBe(0x1000n);
  code.systemCall();
  expect(code.here).toBe(0x1002n);
});
