/** Raw images: what each option does, and what becomes of options that do not fit. */
import { describe, expect, test } from 'vitest';
import { flat } from '../../loaders/flat/index.ts';
import { builtinLoaders } from '../../loaders/index.ts';
import { resolveProgram } from '../../src/loader/registry.ts';
import { planProgram } from '../../src/plan/planner.ts';
import { memorySource } from '../../src/source/memory.ts';
import type { Source } from '../../src/source/source.ts';
import { foreignError, formatError } from '../support/errors.ts';
import { handmade } from '../support/handmade.ts';
import { fakeHost } from '../support/host.ts';
import { contextOf } from '../support/resolve.ts';
import { fileLike, hugeSource, text } from '../support/sources.ts';

const BYTES = Buffer.alloc(0x1234, 0x90);

async function load(
  options: Record<string, string>,
  source: Source = fileLike(BYTES, 3),
  format?: string,
  loaders = builtinLoaders,
) {
  const { image } = await resolveProgram({
    source,
    argv: [text('image')],
    execfn: text('image'),
    loaders,
    context: contextOf({}),
    format,
    options: Object.entries(options).map(([key, value]) => ({ loader: 'flat', key, value })),
  });
  return image;
}

describe('when a file is taken for one', () => {
  test('by --format flat, with no option at all', async () => {
    expect((await load({}, undefined, 'flat')).format).toBe('flat');
  });

  test.each(Object.entries({ base: '0x200000', arch: 'i386', skip: '0', stack: 'sysv' }))(
    'by the option %s',
    async (key, value) => {
      expect((await load({ [key]: value })).format).toBe('flat');
    },
  );

  test('never otherwise', async () => {
    expect((await foreignError(() => load({}))).code).toBe('UNKNOWN_FORMAT');
  });

  test('not when a loader knows the file, unless by --format', async () => {
    const elf = fileLike(handmade('elf64-static').bytes, 3);
    expect((await load({ base: '0x200000' }, elf)).format).toBe('elf');
    expect(await load({ base: '0x200000' }, elf, 'flat')).toMatchObject({ format: 'flat', entry: 0x200000n });
  });
});

describe('where it goes', () => {
  test('without options to 0x100000, entered at its first byte', async () => {
    const image = await load({}, undefined, 'flat');
    expect(image).toMatchObject({
      variant: 'raw image at 0x100000',
      arch: 'x86_64',
      placement: { kind: 'fixed' },
      entry: 0x100000n,
      code: { start: 0x100000n, end: 0x101234n },
      data: { start: 0x100000n, end: 0x101234n },
      brk: { start: 0x102000n, end: 0x102000n, randomize: false },
      stack: { layout: 'sysv', execution: 'none' },
    });
    expect(image.segments).toMatchObject([
      {
        address: 0x100000n,
        size: 0x1234n,
        content: { offset: 0, size: 0x1234 },
        protection: { read: true, write: true, execute: true },
      },
    ]);
  });

  test('with all of them where they say', async () => {
    const options = { base: '0x8048010', entry: '134512672', arch: 'i386', skip: '0x34', bss: '0x5000' };
    const image = await load({ ...options, protection: 'rx', stack: 'aout' });
    const end = 0x8048010n + 0x1200n;
    expect(image).toMatchObject({
      arch: 'i386',
      entry: 0x8048020n,
      code: { start: 0x8048010n, end },
      brk: { start: 0x804f000n },
      stack: { layout: 'aout' },
    });
    expect(image.segments).toMatchObject([
      {
        address: 0x8048010n,
        size: 0x6200n,
        content: { offset: 0x34, size: 0x1200 },
        protection: { read: true, write: false, execute: true },
      },
    ]);
  });

  test('the entry may be the last byte', async () => {
    expect((await load({ entry: '0x101233' })).entry).toBe(0x101233n);
  });

  test('its bytes need not be read to lay it out', async () => {
    const image = await load({}, hugeSource(2 ** 40, undefined), 'flat', [flat]);
    expect(image.segments[0]?.size).toBe(2n ** 40n);
  });
});

describe('what is refused', () => {
  test('an empty file', async () => {
    const error = await formatError(() =>
      load({ base: '0x200000' }, memorySource(new Uint8Array(0), 'empty')),
    );
    expect(error.location).toEqual({ offset: 0, field: 'file size', value: 0 });
    expect((await foreignError(() => load({}, memorySource(new Uint8Array(0), 'empty'), 'flat'))).code).toBe(
      'BAD_FORMAT',
    );
  });

  test.each([
    [
      'an entry before the image',
      { entry: '0xfffff' },
      'entry 0xfffff lies outside the image, 0x100000 to 0x101233',
    ],
    ['an entry right behind it', { entry: '0x101234' }, 'entry 0x101234 lies outside the image'],
    ['an entry in the bss', { entry: '0x102000', bss: '0x10000' }, 'entry 0x102000 lies outside the image'],
    ['an entry below a high base', { base: '0x200000', entry: '0x100000' }, 'entry 0x100000 lies outside'],
    [
      'nothing left of the file',
      { skip: '0x1234' },
      'skip 0x1234 leaves nothing of the file, which has 0x1234 bytes',
    ],
    ['the last base there is', { base: '0xffffffffffffffff' }, 'past any address'],
    ['a bss without end', { bss: '0xffffffffffffffff' }, 'past any address'],
  ])('%s is wrong usage that says which option', async (_, options, message) => {
    const error = await foreignError(() => load(options));
    expect(error).toMatchObject({ code: 'USAGE', exitCode: 2, subject: 'file 3' });
    expect(error.message).toContain(message);
  });

  const HOST = fakeHost();
  const plan = async (options: Record<string, string>, host = HOST) => {
    const image = await load(options);
    return planProgram(image, { program: 'image', argv: [], envp: [], execfn: text('image') }, host);
  };

  test('a base below what may be mapped, where nothing may be', async () => {
    const error = await foreignError(() =>
      plan({ base: '0x1000' }, fakeHost({ lowestMapping: () => 0x10000n })),
    );
    expect(error.code).toBe('MACHINE_REFUSED');
    expect(error.message).toContain('must be loaded at address 0x1000');
    const low = await plan({ base: '0x1000' }, fakeHost({ lowestMapping: () => 0n }));
    expect(low.steps.find(({ op }) => op === 'mmap')).toMatchObject({
      at: { base: 'absolute', offset: 0x1000n },
    });
  });

  test.each([
    ['above user addresses', { base: '0x800000000000' }, 'reaches past the last user address'],
    [
      'above those of a 32-bit program',
      { arch: 'i386', base: '0x100000000' },
      'reaches past the last user address',
    ],
    ['larger than the address space', { bss: '0x800000000000' }, 'reaches past the last user address'],
    ['where the stack must be', { base: '0x7fffffff0000' }, 'lies where the stack must be'],
  ])('an image %s', async (_, options, message) => {
    const error = await foreignError(() => plan(options, fakeHost({ randomizeVaSpace: 0 })));
    expect(error.code).toBe('IMAGE_REFUSED');
    expect(error.message).toContain(message);
  });
});

test('an image that may not be written has zeros behind it all the same', async () => {
  const image = await load({ protection: 'rx', bss: '0x2000' });
  const { steps } = planProgram(
    image,
    { program: 'image', argv: [], envp: [], execfn: text('image') },
    fakeHost(),
  );
  const protections = steps.flatMap((step) =>
    step.op === 'mmap' || step.op === 'mprotect' ? [step.protection] : [],
  );
  expect(protections).not.toContain('rwx');
  expect(steps.some(({ op }) => op === 'zero')).toBe(true);
});
