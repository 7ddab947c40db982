/**
 * Derives forms.golden.json anew with GNU as and objdump and compares; UPDATE_GOLDEN=1 writes it
 * (`UPDATE_GOLDEN=1 npx vitest run --project debian test/emit`).
 */
import { expect, test } from 'vitest';
import { X86 } from '../../src/emit/x86.ts';
import { assemble, disassemble, FILL, SLOT } from '../support/binutils.ts';
import { expectGolden } from '../support/golden.ts';
import { FORMS, type Form, formName } from './forms.ts';

function ours(form: Form): Buffer {
  const code = new X86(form.bits, 0x400000n);
  form.emit(code);
  return Buffer.from(code.finish());
}

const inSlot = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(SLOT - bytes.length, FILL)]);
const of = (bits: 32 | 64, check: Form['check']) =>
  FORMS.filter((form) => form.bits === bits && form.check === check);

test.each([32, 64] as const)('GNU as makes the same bytes of the text, %i bits', (bits) => {
  const forms = of(bits, 'as');
  const slots = assemble(
    bits,
    forms.map(({ text }) => text),
  );
  const table = (bytes: (form: Form, index: number) => Buffer | undefined) =>
    forms.map((form, index) => `${formName(form)} = ${bytes(form, index)?.toString('hex')}`);
  expect(table((form) => inSlot(ours(form)))).toEqual(table((_, index) => slots[index]));
});

test.each([32, 64] as const)('objdump reads the text in the bytes, %i bits', (bits) => {
  const forms = of(bits, 'objdump');
  expect(forms.length).toBeGreaterThan(10);
  const instructions = disassemble(bits, Buffer.concat(forms.map(ours)));
  let offset = 0;
  const expected = forms.map((form) => {
    const at = offset;
    offset += ours(form).length;
    return { offset: at, text: form.text };
  });
  expect(instructions).toEqual(expected);
});

test('the committed golden is what GNU as makes', () => {
  const derived: Record<string, string> = {};
  for (const bits of [32, 64] as const) {
    const forms = of(bits, 'as');
    const slots = assemble(
      bits,
      forms.map(({ text }) => text),
    );
    forms.forEach((form, index) => {
      // The length is ours: int3 as filling cannot be told from the end of an instruction.
      const slot = slots[index] ?? Buffer.alloc(0);
      const { length } = ours(form);
      expect(slot.subarray(length).every((byte) => byte === FILL)).toBe(true);
      derived[formName(form)] = slot.toString('hex', 0, length);
    });
    for (const form of of(bits, 'objdump')) derived[formName(form)] = ours(form).toString('hex');
  }
  expectGolden(new URL('./forms.golden.json', import.meta.url), derived);
});
