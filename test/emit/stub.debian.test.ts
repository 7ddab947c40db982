/** The code of real stubs through objdump: nothing in it is undecodable, and every jump lands on an instruction. */
import { describe, expect, test } from 'vitest';
import { SETTINGS } from '../../src/emit/data-page.ts';
import { headersSize } from '../../src/emit/elf-file.ts';
import { machine as i386 } from '../../src/emit/i386.ts';
import { machine as x86_64 } from '../../src/emit/x86_64.ts';
import { disassemble } from '../support/binutils.ts';
import { HANDMADE } from '../support/handmade.ts';
import { planOf, stubOf } from '../support/plans.ts';
import { imageOf } from '../support/resolve.ts';

const MACHINES = { x86_64, i386 };

/** Everything the stub needs; another mnemonic would be something that was not meant. */
const MNEMONICS = new Set(
  (
    'mov movabs movzx xor add sub and cmp test imul neg shl jmp ja jae jb jbe je jne ' +
    'rep syscall int popf ret'
  ).split(' '),
);

function check(bits: 32 | 64, code: Uint8Array): void {
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

describe.each(HANDMADE)('$name', (program) => {
  test('the steps, from the entry point to the end of the file', async () => {
    const plan = planOf(await imageOf(program));
    const stub = await stubOf(plan);
    const { bits } = MACHINES[plan.arch];
    const entry = bits === 64 ? stub.readBigUInt64LE(24) : BigInt(stub.readUInt32LE(24));
    const fileAddress = plan.stub + 0x2000n;
    check(bits, stub.subarray(Number(entry - fileAddress)));
  });

  test('the hand-over page, between the settings and the stack image', async () => {
    const plan = planOf(await imageOf(program));
    const stub = await stubOf(plan);
    const machine = MACHINES[plan.arch];
    const from = headersSize(machine) + SETTINGS.size;
    check(machine.bits, stub.subarray(from, stub.indexOf(plan.stack.bytes)));
  });
});
