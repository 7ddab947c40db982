/** Emitted code as objdump reads it. */
import { expect } from 'vitest';
import { disassemble } from './binutils.ts';

/** Everything emitted code needs; another mnemonic would be something that was not meant. */
const MNEMONICS = new Set(
  (
    'mov movabs movzx xor add sub and cmp test imul neg shl shr jmp ja jae jb jbe je jne ' +
    'rep repz syscall int popf ret'
  ).split(' '),
);

/** Nothing in the code is undecodable or unforeseen, and every jump lands on an instruction. */
export function expectCode(bits: 32 | 64, code: Uint8Array): void {
  const instructions = disassemble(bits, code);
  const starts = new Set([...instructions.map(({ offset }) => offset), code.length]);
  expect(instructions.length).toBeGreaterThan(20);
  for (const { offset, text } of instructions) {
    const mnemonic = text.split(' ')[0] ?? '';
    expect([offset, text, MNEMONICS.has(mnemonic)]).toEqual([offset, text, true]);
    const target = /^j[a-z]+ 0x([0-9a-f]+)$/.exec(text)?.[1];
    if (target !== undefined) expect([text, starts.has(Number.parseInt(target, 16))]).toEqual([text, true]);
  }
}
