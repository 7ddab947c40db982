/** From an image to a whole plan: order of the steps, names, files, and the limits of execve(2). */
import { describe, expect, test } from 'vitest';
import type { InterpreterImage, ProgramImage } from '../../src/image/image.ts';
import { type Invocation, interpreterStep, planProgram } from '../../src/plan/planner.ts';
import { foreignError } from '../support/errors.ts';
import { handmade } from '../support/handmade.ts';
import { fakeHost } from '../support/host.ts';
import { segment, testImage } from '../support/images.ts';
import { imageOf } from '../support/resolve.ts';
import { fileLike, text } from '../support/sources.ts';

const invocation = (changes: Partial<Invocation> = {}): Invocation => ({
  program: 'prog',
  argv: [text('prog')],
  envp: [],
  execfn: text('/bin/prog'),
  ...changes,
});

const plan = (image: ProgramImage, changes: Partial<Invocation> = {}, host = fakeHost()) =>
  planProgram(image, invocation(changes), host);

const operations = (image: ProgramImage, changes: Partial<Invocation> = {}) =>
  plan(image, changes).steps.map(({ op }) => op);

describe('the order of steps', () => {
  test('memory, stack, leaving, identity, files closed, jump', async () => {
    const image = await imageOf(handmade('elf64-static'));
    const order = operations(image);
    expect(order.slice(order.indexOf('stack'))).toEqual(['stack', 'leave', 'mm', 'name', 'close', 'jump']);
    expect(order.slice(0, order.indexOf('stack'))).toEqual(['mmap', 'mmap', 'mmap', 'zero', 'mmap']);
  });

  test('room is reserved before anything is mapped in it', async () => {
    const order = operations(await imageOf(handmade('elf64-dynamic-pie')));
    const reserve = order.indexOf('reserve');
    expect(reserve).toBeGreaterThan(0);
    expect(order[reserve + 1]).toBe('mmap');
    expect(operations(await imageOf(handmade('elf64-static-pie-2m')))[1]).toBe('reserve');
  });

  test('the vDSO makes way only for what the kernel finds room for, and comes back after it', async () => {
    const order = operations(await imageOf(handmade('elf64-dynamic-pie')));
    const memory = order.slice(0, order.indexOf('stack'));
    expect([memory[0], memory.at(-1)]).toEqual(['vdso', 'vdso']);
    expect(operations(await imageOf(handmade('elf64-static')))).not.toContain('vdso');
  });

  test('the same input gives the same plan', async () => {
    const image = await imageOf(handmade('elf64-dynamic-pie'));
    expect(plan(image)).toEqual(plan(image));
  });
});

describe('files', () => {
  const exe = fileLike(new Uint8Array(8), 42, '/bin/prog').file;

  test('the exe is one of the files, mentioned by the mm step and closed', () => {
    const { files, steps } = plan(testImage(), { exe });
    expect(files).toMatchObject([{ fd: 42 }]);
    expect(steps.find((step) => step.op === 'mm')).toMatchObject({ exe: 0 });
    expect(steps.filter((step) => step.op === 'close')).toEqual([{ op: 'close', file: 0 }]);
  });

  test('an exe that is mapped as well is one file, not two', () => {
    const source = fileLike(new Uint8Array(0x1000), 42, '/bin/prog');
    const mapped = segment(0x400000n, 0x1000n, { content: { source, offset: 0, size: 0x1000 } });
    expect(plan(testImage({ segments: [mapped] }), { exe }).files).toHaveLength(1);
  });

  test('without one the mm step names none', () => {
    const { files, steps } = plan(testImage());
    expect(files).toEqual([]);
    expect(steps.find((step) => step.op === 'mm')).not.toHaveProperty('exe');
  });
});

describe('the step that loads an interpreter by its path', () => {
  test('is for interpreters that are files and go where the kernel finds room', async () => {
    const image = await imageOf(handmade('elf64-dynamic-pie'));
    const path = text('/handmade/ld.so');
    expect(interpreterStep(image)).toEqual({ op: 'interpreter', path, what: 'its interpreter' });
  });

  test('is not there for others, which must be planned', async () => {
    const image = await imageOf(handmade('elf64-dynamic-pie'));
    const { interpreter } = image;
    if (interpreter === undefined) throw new Error('no interpreter');
    const changed = (changes: Partial<InterpreterImage>) =>
      interpreterStep({ ...image, interpreter: { ...interpreter, ...changes } });
    const { file, ...nowhere } = interpreter.source;
    if (file === undefined) throw new Error('no file');
    expect(interpreterStep(await imageOf(handmade('elf64-static')))).toBeUndefined();
    expect(changed({ placement: { kind: 'fixed' } })).toBeUndefined();
    expect(changed({ placement: { kind: 'mmap', align: 1n << 63n } })).toBeUndefined();
    expect(changed({ source: nowhere })).toBeUndefined();
    expect(changed({ source: { ...nowhere, file: { ...file, offset: 512 } } })).toBeUndefined();
    expect(changed({ source: { ...nowhere, file, confidential: true } })).toBeUndefined();
    expect(changed({ source: { ...nowhere, file } })).toBeDefined();
  });
});

describe('where the program is entered', () => {
  test('at its own entry when it is static', () => {
    expect(plan(testImage()).steps.at(-1)).toMatchObject({
      op: 'jump',
      entry: { base: 'absolute', offset: 0x400000n },
    });
  });

  test('at the interpreter’s when it has one', async () => {
    const { steps, stack } = plan(await imageOf(handmade('elf64-dynamic-pie')));
    expect(steps.at(-1)).toEqual({
      op: 'jump',
      entry: { base: 'interp', offset: 0x1040n },
      sp: { base: 'stack', offset: stack.sp },
    });
  });
});

describe('rdx', () => {
  const exe = { fd: 7, path: text('/x/program'), offset: 0 };
  const jumpOf = (...of: Parameters<typeof plan>) => {
    const { steps, stack } = plan(...of);
    return { jump: steps.at(-1), strings: Buffer.from(stack.bytes), stack };
  };

  test('is the address of the path of the file, if the image asks for that', () => {
    const { jump, stack, strings } = jumpOf(testImage({ registers: { rdx: 'exe path' } }), { exe });
    const at = strings.indexOf('/x/program\0');
    expect(at).toBeGreaterThan(0);
    expect(jump).toMatchObject({ op: 'jump', rdx: { base: 'stack', offset: stack.sp + BigInt(at) } });
    // Arguments and environment are what they are without.
    const { stack: plain } = jumpOf(testImage(), { exe });
    expect([stack.arg, stack.env]).toEqual([plain.arg, plain.env]);
  });

  test('is zero where there is no file, and where nobody asks', () => {
    for (const [image, changes] of [
      [testImage({ registers: { rdx: 'exe path' } }), {}],
      [testImage(), { exe }],
    ] as const) {
      const { jump, strings } = jumpOf(image, changes);
      expect(jump).not.toHaveProperty('rdx');
      expect(strings.includes('/x/program')).toBe(false);
    }
  });
});

describe('an interpreter with a place of its own', () => {
  const source = fileLike(new Uint8Array(0x4000), 7, '/ld.so');
  const at = (address: bigint): Pick<ProgramImage, 'interpreter'> => ({
    interpreter: {
      source,
      placement: { kind: 'fixed' },
      segments: [segment(address, 0x2000n, { content: { source, offset: 0, size: 0x2000 } })],
      entry: address,
    },
  });
  const mapped = (image: ProgramImage) =>
    plan(image).steps.flatMap((step) =>
      step.op === 'mmap' ? [[step.at.offset, step.size, step.replace]] : [],
    );

  test('lies over the program where both want the same pages, and only there', () => {
    expect(mapped(testImage(at(0x3ff000n)))).toEqual([
      [0x400000n, 0x1000n, false],
      [0x3ff000n, 0x1000n, false],
      [0x400000n, 0x1000n, true],
    ]);
  });

  test('replaces nothing elsewhere', () => {
    expect(mapped(testImage(at(0x600000n)))).toEqual([
      [0x400000n, 0x1000n, false],
      [0x600000n, 0x2000n, false],
    ]);
  });
});

test.each([
  ['/usr/bin/prog', 'prog'],
  ['prog', 'prog'],
  ['/a/very-long-name-of-a-program', 'very-long-name-'],
  ['/ends/in/slash/', ''],
])('the short name of %s is %j', (execfn, comm) => {
  expect(Buffer.from(plan(testImage(), { execfn: text(execfn) }).comm).toString()).toBe(comm);
});

test('a stack layout of the loader’s own is used as it is', () => {
  const layout = () => ({
    words: [0x1234n],
    strings: [],
    args: { from: 0, to: 0 },
    env: { from: 0, to: 0 },
    auxv: { from: 0, to: 0 },
    gap: 0,
    align: 8,
  });
  const { stack } = plan(testImage({ stack: { layout, execution: 'none' } }));
  expect(Buffer.from(stack.bytes).readBigUInt64LE(0)).toBe(0x1234n);
});

describe('the limits of execve(2)', () => {
  const MAX_STRING = 131072;
  const strings = (count: number, length: number) =>
    Array.from({ length: count }, () => new Uint8Array(length).fill(0x78));

  test.each(['argv', 'envp'] as const)(
    'a string of 128 KiB with its NUL is the longest in %s',
    async (where) => {
      expect(plan(testImage(), { [where]: strings(1, MAX_STRING - 1) }).steps.length).toBeGreaterThan(0);
      const error = await foreignError(() => plan(testImage(), { [where]: strings(1, MAX_STRING) }));
      expect(error).toMatchObject({ code: 'TOO_BIG', exitCode: 126 });
    },
  );

  test('everything together may take a quarter of the stack limit, pointers and file name included', async () => {
    const host = fakeHost({ stackLimit: 4n * 1024n * 1024n });
    const execfn = text('/x');
    // 1 MiB in all: 3 bytes of file name, and 8 for each string's pointer.
    const each = 1024 * 64;
    const argv = [...strings(15, each - 9), ...strings(1, each - 9 - 3)];
    expect(plan(testImage(), { argv, execfn }, host).stack.bytes.length).toBeGreaterThan(15 * (each - 9));
    const error = await foreignError(() => plan(testImage(), { argv, execfn: text('/xy') }, host));
    expect(error.code).toBe('TOO_BIG');
    expect(error.hint).toContain('ulimit -s');
  });

  test('at least 128 KiB are allowed, where that is more than a quarter of the stack limit', async () => {
    const host = fakeHost({ stackLimit: 256n * 1024n });
    expect(plan(testImage(), { argv: strings(1, 131072 - 9 - 10) }, host).steps.length).toBeGreaterThan(0);
    const error = await foreignError(() => plan(testImage(), { argv: strings(1, 131072 - 9 - 9) }, host));
    expect(error.code).toBe('TOO_BIG');
  });

  // Measured on Linux 6.18: execve gives E2BIG where the strings do not fit, SIGSEGV where its own words do not.
  test('what does not fit the stack limit itself is refused, but for the page that is always there', async () => {
    const host = fakeHost({ stackLimit: 65536n });
    expect(plan(testImage(), { argv: strings(1, 60_000) }, host).steps.length).toBeGreaterThan(0);
    const error = await foreignError(() => plan(testImage(), { argv: strings(1, 65_400) }, host));
    expect(error).toMatchObject({ code: 'TOO_BIG', hint: expect.stringContaining('ulimit -s') });
    for (const stackLimit of [0n, 4096n])
      expect(plan(testImage(), {}, fakeHost({ stackLimit })).steps.length).toBeGreaterThan(0);
    const small = () => plan(testImage(), { argv: strings(1, 4000) }, fakeHost({ stackLimit: 4096n }));
    expect((await foreignError(small)).code).toBe('TOO_BIG');
  });

  test('at most 6 MiB are allowed, however large the stack limit', async () => {
    const host = fakeHost({ stackLimit: (1n << 64n) - 1n });
    const argv = strings(47, MAX_STRING - 9);
    expect(plan(testImage(), { argv }, host).steps.length).toBeGreaterThan(0);
    const error = await foreignError(() =>
      plan(testImage(), { argv: [...argv, ...strings(1, MAX_STRING - 9)] }, host),
    );
    expect(error.code).toBe('TOO_BIG');
  });
});

test('an image that validation refuses is not planned', async () => {
  expect((await foreignError(() => plan(testImage({ segments: [] })))).code).toBe('IMAGE_REFUSED');
});
