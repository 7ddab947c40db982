/** The code of real stubs through objdump: nothing in it is undecodable, and every jump lands on an instruction. */
import { describe, test } from 'vitest';
import { SETTINGS } from '../../src/emit/data-page.ts';
import { headersSize } from '../../src/emit/elf-file.ts';
import { lastInstructions } from '../../src/emit/finish.ts';
import { MACHINES } from '../../src/emit/machines.ts';
import { gapIn } from '../../src/emit/stack-image.ts';
import { writeElf } from '../support/elf-writer.ts';
import { expectCode } from '../support/emitted-code.ts';
import { HANDMADE } from '../support/handmade.ts';
import { interpreter, programFor } from '../support/own-interpreter.ts';
import { loadingInterpreter, planOf, stubOf } from '../support/plans.ts';
import { imageOf } from '../support/resolve.ts';

test('the last instructions of the short way', () => {
  expectCode(64, lastInstructions(MACHINES.x86_64));
});

describe.each(HANDMADE)('$name', (program) => {
  test('the steps, from the entry point to the end of the file', async () => {
    const plan = planOf(await imageOf(program));
    const stub = stubOf(plan);
    const { bits } = MACHINES[plan.arch];
    const entry = bits === 64 ? stub.readBigUInt64LE(24) : BigInt(stub.readUInt32LE(24));
    const fileAddress = plan.stub + 0x2000n;
    expectCode(bits, stub.subarray(Number(entry - fileAddress)));
  });

  test('the hand-over page, between the settings and the stack image', async () => {
    const plan = planOf(await imageOf(program));
    const stub = stubOf(plan);
    const machine = MACHINES[plan.arch];
    const from = headersSize(machine) + SETTINGS.size;
    expectCode(
      machine.bits,
      stub.subarray(from, stub.indexOf(plan.stack.bytes.subarray(0, gapIn(plan.stack.bytes)?.start))),
    );
  });
});

test.each([64, 32] as const)('the steps that load an interpreter by its path, %i bits', async (bits) => {
  const files = { '/ld.so': writeElf(interpreter(bits, 'exit')) };
  const image = await imageOf({ name: 'program', bytes: programFor('/ld.so', bits), files });
  const plan = loadingInterpreter(planOf(image), image);
  const stub = stubOf(plan);
  const entry = bits === 64 ? stub.readBigUInt64LE(24) : BigInt(stub.readUInt32LE(24));
  expectCode(bits, stub.subarray(Number(entry - plan.stub - 0x2000n)));
});
