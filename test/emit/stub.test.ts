/** The stub's file, looked at as the kernel will: by our own ELF loader, and byte by byte where it counts. */
import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { MM_MAP, SETTINGS } from '../../src/emit/data-page.ts';
import { headersSize } from '../../src/emit/elf-file.ts';
import { errnoNameTable } from '../../src/emit/failure.ts';
import { MACHINES } from '../../src/emit/machines.ts';
import { gapIn } from '../../src/emit/stack-image.ts';
import { emitStub } from '../../src/emit/stub.ts';
import { MM_FIELD_NAMES } from '../../src/image/mm-field-names.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { PAGE_SIZE } from '../../src/process/address-space.ts';
import { memorySource } from '../../src/source/memory.ts';
import { HANDMADE, handmade } from '../support/handmade.ts';
import { fakeHost } from '../support/host.ts';
import { PROTECTION, segment, testImage } from '../support/images.ts';
import { planOf, stubOf } from '../support/plans.ts';
import { imageOf, resolveSource } from '../support/resolve.ts';

test.each(HANDMADE)('the stub for $name is a static ELF file of its arch, at its place', async (program) => {
  const plan = planOf(await imageOf(program));
  const stub = stubOf(plan);
  const { image } = await resolveSource(memorySource(stub, 'stub'));
  expect(image).toMatchObject({
    format: 'elf',
    variant: 'static',
    arch: plan.arch,
    placement: { kind: 'fixed' },
  });
  expect(image.stack.execution).toBe(plan.execution);
  const [file, data] = image.segments;
  expect(file).toMatchObject({ address: plan.stub + 2n * PAGE_SIZE, protection: PROTECTION.rx });
  expect(file?.content).toMatchObject({ offset: 0, size: stub.length });
  expect(data).toMatchObject({ address: plan.stub, size: 2n * PAGE_SIZE, protection: PROTECTION.rw });
  expect(data?.content).toBeUndefined();
  expect(image.segments).toHaveLength(2);
  expect(image.entry).toBeGreaterThan(plan.stub + 2n * PAGE_SIZE);
  expect(image.entry).toBeLessThan(plan.stub + 2n * PAGE_SIZE + BigInt(stub.length));
});

test('the same plan gives the same bytes', async () => {
  const plan = planOf(await imageOf(handmade('elf64-dynamic-pie')));
  expect(stubOf(plan)).toEqual(stubOf(plan));
});

test.each(HANDMADE)(
  'the settings of $name are the mm fields, the name and the file’s size',
  async (program) => {
    const plan = planOf(await imageOf(program));
    const stub = stubOf(plan);
    const machine = MACHINES[plan.arch];
    const settings = stub.subarray(headersSize(machine), headersSize(machine) + SETTINGS.size);
    const step = plan.steps.find((each) => each.op === 'mm');
    if (step?.op !== 'mm') throw new Error('no mm step');
    MM_FIELD_NAMES.forEach((name, index) => {
      const value = BigInt.asUintN(machine.bits, step.fields.fields[name].offset);
      expect([name, settings.readBigUInt64LE(index * 8)]).toEqual([name, value]);
    });
    expect(settings.readUInt32LE(MM_MAP.auxv_size)).toBe(step.fields.auxvSize);
    expect(settings.readInt32LE(MM_MAP.exe_fd)).toBe(exe(plan));
    expect(settings.toString('latin1', SETTINGS.comm, SETTINGS.comm + 4)).toBe('prog');
    expect(settings.readBigUInt64LE(SETTINGS.fileSize)).toBe(BigInt(stub.length));
    expect(settings.readBigUInt64LE(SETTINGS.lowest)).toBe(step.byField.lowest);
    expect(settings.readBigUInt64LE(SETTINGS.highest)).toBe(step.byField.highest);
    expect(settings.readInt32LE(SETTINGS.exe)).toBe(exe(plan));
  },
);

/** The descriptor of the plan's exe file. */
function exe({ files, steps }: Plan): number {
  const step = steps.find((each) => each.op === 'mm');
  const file = step?.op === 'mm' ? files[step.exe ?? -1] : undefined;
  return file !== undefined && 'fd' in file ? file.fd : -1;
}

describe('what travels in it', () => {
  const secret = Buffer.from('these bytes are in no file');

  test('the stack image, once, and nothing of the program itself', () => {
    const source = memorySource(Buffer.concat([Buffer.alloc(64), secret]), 'memory', true);
    const content = { source, offset: 64, size: secret.length };
    const plan = planOf(testImage({ segments: [segment(0x400000n, 0x1000n, { content })] }));
    const stub = stubOf(plan);
    const { bytes } = plan.stack;
    const gap = gapIn(bytes);
    for (const part of [bytes.subarray(0, gap?.start), bytes.subarray(gap?.end ?? bytes.length)]) {
      if (part.length === 0) continue;
      expect(stub.indexOf(part)).toBeGreaterThan(0);
      expect(stub.indexOf(part, stub.indexOf(part) + 1)).toBe(-1);
    }
    expect(stub.indexOf(secret)).toBe(-1);
  });

  test('the room that randomisation leaves in the stack is not carried', () => {
    const far = {
      ...fakeHost(),
      randomizeVaSpace: 2 as const,
      random: (length: number) => Buffer.alloc(length, 0xff),
    };
    const near = { ...far, random: (length: number) => Buffer.alloc(length) };
    const [wide, tight] = [far, near].map((host) => planOf(testImage(), {}, host));
    if (wide === undefined || tight === undefined) throw new Error('no plans');
    expect(wide.stack.bytes.length - tight.stack.bytes.length).toBeGreaterThan(8000);
    expect(Math.abs(stubOf(wide).length - stubOf(tight).length)).toBeLessThan(512);
  });

  test.each([
    [0, 0, undefined],
    [10, 255, undefined],
    [10, 256, { start: 10, end: 266 }],
    [0, 300, { start: 0, end: 300 }],
  ])('%i bytes, %i zeros', (before, zeros, gap) => {
    expect(gapIn(Buffer.concat([Buffer.alloc(before, 1), Buffer.alloc(zeros), Buffer.alloc(9, 1)]))).toEqual(
      gap,
    );
  });

  test('messages name the program and the step that failed', async () => {
    const plan = planOf(await imageOf(handmade('elf64-static')), { program: 'dir/the program' });
    const stub = stubOf(plan).toString('latin1');
    expect(stub).toContain('run-foreign: dir/the program: cannot map PT_LOAD 0 at 0x400000 (4096 bytes): ');
    expect(stub).not.toContain('PR_SET_MM_MAP');
  });

  test('reports of refusals are there only when they are wanted', async () => {
    const plan = planOf(await imageOf(handmade('elf64-static')), { report: true });
    const stub = stubOf(plan).toString('latin1');
    expect(stub).toContain('run-foreign: prog: /proc/PID/exe stays the memfd');
    expect(stub).toContain('the kernel refused PR_SET_MM_MAP and did not set');
  });

  test('every field that can be refused has its name in the report', async () => {
    const plan = planOf(await imageOf(handmade('elf32-static')), { report: true });
    const names = [...MM_FIELD_NAMES, 'exe_file'].map((name) => [name, ` ${name}`.length] as const);
    const stub = stubOf(plan).toString('latin1');
    for (const [name, length] of names) expect(stub).toContain(`${String.fromCharCode(length)} ${name}`);
  });

  test.each(['x', '\u20ac', '\u{1f427}'])(
    'a program whose name is as long as a path may be is started with reports, too: %s',
    async (letter) => {
      const plan = planOf(testImage(), { program: letter.repeat(4095), report: true });
      expect(stubOf(plan).length).toBeGreaterThan(0);
    },
  );

  test('the calls by field travel as a table: the number, where in the settings the value is, whether it has a size', async () => {
    const plan = planOf(await imageOf(handmade('elf64-static')));
    const step = plan.steps.find((each) => each.op === 'mm');
    if (step?.op !== 'mm') throw new Error('no mm step');
    // START_CODE, END_CODE, START_CODE, BRK, START_BRK.
    const start = [1, SETTINGS.lowest, 0, 2, 8, 0, 1, 0, 0, 7, SETTINGS.highest, 0, 6, SETTINGS.highest, 0];
    const end = [12, 11 * 8, 1, 13, SETTINGS.exe, 0, 0];
    const stub = stubOf(plan);
    const at = stub.indexOf(Uint8Array.from(start));
    expect(at).toBeGreaterThan(0);
    expect(stub.indexOf(Uint8Array.from(end))).toBe(at + 3 * step.byField.sequence.length + 1 - end.length);
  });
});

describe('a plan and its materials must fit', () => {
  test('a file without a descriptor is an error', async () => {
    const plan = planOf(await imageOf(handmade('elf64-static')));
    expect(() => emitStub(plan, [])).toThrow('descriptor');
  });

  test('steps in an impossible order are an error', async () => {
    const plan = planOf(testImage());
    const reversed = { ...plan, steps: [...plan.steps].reverse() };
    expect(() => emitStub(reversed, [])).toThrow('before it leaves');
    const withoutMm = { ...plan, steps: plan.steps.filter(({ op }) => op !== 'mm') };
    expect(() => emitStub(withoutMm, [])).toThrow('mm step');
    const withoutJump = { ...plan, steps: plan.steps.filter(({ op }) => op !== 'jump') };
    expect(() => emitStub(withoutJump, [])).toThrow('no jump');
  });
});

test('the table of error names has every errno of this system, readable by length', () => {
  const { bytes, highest } = errnoNameTable();
  expect(bytes).toHaveLength((highest + 1) * 16);
  const name = (errno: number) => {
    const at = errno * 16;
    return Buffer.from(bytes.subarray(at + 1, at + 1 + (bytes[at] ?? 0))).toString();
  };
  for (const errno of Object.values(constants.errno)) expect(name(errno)).toMatch(/^E[A-Z0-9]+\n?$/);
  expect(name(constants.errno.ENOMEM)).toBe('ENOMEM\n');
  expect(name(constants.errno.EEXIST)).toBe('EEXIST\n');
  expect(name(0)).toBe('errno 0\n');
});
