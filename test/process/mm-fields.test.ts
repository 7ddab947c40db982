/** The twelve fields of struct prctl_mm_map and what the kernel demands of them (validate_prctl_map_addr). */
import { expect, test } from 'vitest';
import type { ProgramImage } from '../../src/image/image.ts';
import { MM_FIELD_NAMES } from '../../src/image/mm-field-names.ts';
import { ADDRESS_SPACES } from '../../src/process/address-space.ts';
import { FIRST_STACKS } from '../../src/process/first-stack.ts';
import type { HostFacts } from '../../src/process/host.ts';
import { layOut } from '../../src/process/layout.ts';
import { mmFields } from '../../src/process/mm-fields.ts';
import { buildStackImage } from '../../src/process/stack-image.ts';
import { AUXV_TYPES, fakeHost } from '../support/host.ts';
import { segment, testImage } from '../support/images.ts';
import { text } from '../support/sources.ts';

function fieldsOf(image: ProgramImage, host: HostFacts = fakeHost()) {
  const layout = layOut(image, host);
  const first = FIRST_STACKS.sysv({
    image,
    argv: [text('prog'), text('x')],
    envp: [text('A=1')],
    execfn: text('/prog'),
    auxvTypes: AUXV_TYPES,
    random: host.random,
    randomize: false,
  });
  const stack = buildStackImage(first, image.arch, layout, 8n << 20n);
  return { ...mmFields(image, layout, stack, host), stack };
}

const low = (changes: Partial<ProgramImage> = {}) =>
  testImage({
    arch: 'i386',
    segments: [segment(0n, 0x3000n)],
    code: { start: 0n, end: 0x1000n },
    data: { start: 0x1000n, end: 0x1200n },
    brk: { start: 0x1200n, end: 0x3000n, randomize: false },
    ...changes,
  });

test('the names are in the order of struct prctl_mm_map', () => {
  expect(MM_FIELD_NAMES.join(' ')).toBe(
    'start_code end_code start_data end_data start_brk brk start_stack arg_start arg_end env_start env_end auxv',
  );
});

test('code, data and heap are the image’s, at their places', () => {
  const image = testImage({
    placement: { kind: 'pie', align: 0x1000n },
    segments: [segment(0n, 0x6000n)],
    code: { start: 0x1000n, end: 0x1234n },
    data: { start: 0x3000n, end: 0x3456n },
    brk: { start: 0x4000n, end: 0x5000n, randomize: false },
  });
  const { fields } = fieldsOf(image);
  const base = 0x5555_5555_4000n;
  const read = (['start_code', 'end_code', 'start_data', 'end_data', 'start_brk', 'brk'] as const).map(
    (name) => fields[name],
  );
  expect(read).toEqual(
    [0x1000n, 0x1234n, 0x3000n, 0x3456n, 0x4000n, 0x5000n].map((offset) => ({
      base: 'absolute',
      offset: base + offset,
    })),
  );
});

test('the stack’s fields are the stack image’s', () => {
  const { fields, auxvSize, stack } = fieldsOf(testImage());
  const onStack = (offset: bigint) => ({ base: 'stack', offset });
  expect(fields).toMatchObject({
    start_stack: onStack(stack.sp),
    arg_start: onStack(stack.arg.start),
    arg_end: onStack(stack.arg.end),
    env_start: onStack(stack.env.start),
    env_end: onStack(stack.env.end),
    auxv: onStack(stack.auxv.start),
  });
  expect(auxvSize).toBe((AUXV_TYPES.length + 1) * 16);
  expect(stack.arg.end - stack.arg.start).toBe(7n);
});

test('fields below the machine’s minimum are raised to it, and start_code stays below end_code', () => {
  const { fields } = fieldsOf(low());
  expect(fields.start_code.offset).toBe(0x10000n);
  expect(fields.end_code.offset).toBe(0x10001n);
  for (const name of ['start_data', 'end_data', 'start_brk', 'brk'] as const)
    expect(fields[name].offset).toBe(0x10000n);
});

test('what lies above the minimum is not touched', () => {
  const image = low({
    data: { start: 0x1000n, end: 0x11000n },
    brk: { start: 0x11000n, end: 0x12000n, randomize: false },
  });
  const { fields } = fieldsOf(image);
  expect(fields.start_data.offset).toBe(0x10000n);
  expect(fields.end_data.offset).toBe(0x11000n);
  expect(fields.start_brk.offset).toBe(0x11000n);
  expect(fields.brk.offset).toBe(0x12000n);
});

test('a machine with a lower minimum keeps more', () => {
  const { fields } = fieldsOf(low(), fakeHost({ lowestMmField: () => 0x1000n }));
  expect(fields.start_code.offset).toBe(0x1000n);
  expect(fields.end_code.offset).toBe(0x1001n);
  expect(fields.end_data.offset).toBe(0x1200n);
});

test('the machine is not asked where nothing can be too low', () => {
  const lowestMmField = () => {
    throw new Error('asked');
  };
  expect(fieldsOf(testImage(), fakeHost({ lowestMmField })).fields.start_code.offset).toBe(0x400000n);
});

test('places that the kernel chooses are left as they are', () => {
  const image = testImage({
    placement: { kind: 'mmap', align: 0x1000n },
    segments: [segment(0n, 0x1000n)],
    code: { start: 0n, end: 0x10n },
  });
  expect(fieldsOf(image).fields.start_code).toEqual({ base: 'image', offset: 0n });
});

test('code without a byte still has start_code < end_code, or the kernel refuses all fields', () => {
  const { fields } = fieldsOf(testImage({ code: { start: 0x400000n, end: 0x400000n } }));
  expect(fields.end_code.offset).toBeGreaterThan(fields.start_code.offset);
});

test.each(['x86_64', 'i386'] as const)('%s: no field is the end of the address space itself', (arch) => {
  const { taskSize } = ADDRESS_SPACES[arch];
  // Without randomisation the stack would be in that page.
  const host = fakeHost({ randomizeVaSpace: 1 });
  const page = { start: taskSize - 0x1000n, end: taskSize };
  const segments = [segment(page.start, 0x1000n)];
  const { fields } = fieldsOf(
    testImage({
      arch,
      segments,
      code: page,
      data: page,
      brk: { start: taskSize, end: taskSize, randomize: true },
    }),
    host,
  );
  expect(fields.end_code.offset).toBe(taskSize - 1n);
  expect(fields.end_data.offset).toBe(taskSize - 1n);
  expect(fields.start_brk.offset).toBe(taskSize - 1n);
  expect(fields.brk.offset).toBe(taskSize - 1n);
  const nothing = { start: taskSize, end: taskSize };
  const empty = fieldsOf(testImage({ arch, segments, code: nothing }), host).fields;
  expect([empty.start_code.offset, empty.end_code.offset]).toEqual([taskSize - 2n, taskSize - 1n]);
});
