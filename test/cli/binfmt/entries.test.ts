/** Entries, as lines and as files, from our own loaders and from odd ones. */
import { describe, expect, test } from 'vitest';
import { builtinLoaders } from '../../../loaders/index.ts';
import { debianText, parseDatabase, systemdText } from '../../../src/cli/binfmt/boot-files.ts';
import { conflictsOf } from '../../../src/cli/binfmt/conflicts.ts';
import { entriesOf, type OwnEntry } from '../../../src/cli/binfmt/entry.ts';
import { DEFAULT_FORMATS } from '../../../src/cli/binfmt/formats.ts';
import { parseKernelEntry } from '../../../src/cli/binfmt/kernel.ts';
import { takesOverNative } from '../../../src/cli/binfmt/native.ts';
import { relation } from '../../../src/cli/binfmt/pattern.ts';
import {
  escaped,
  isPlainPath,
  MAX_REGISTER_LENGTH,
  parseRegisterLine,
  registerLine,
  unescaped,
} from '../../../src/cli/binfmt/register-line.ts';
import type { LoaderPlugin, Magic } from '../../../src/loader/contract.ts';
import { Random } from '../../support/random.ts';

const INTERPRETER = '/opt/run-foreign-binfmt';

const loader = (magics: readonly Partial<Magic>[], name = 'odd'): LoaderPlugin => ({
  name,
  apiVersion: 1,
  kind: 'program',
  description: 'odd files',
  magics: magics.map((magic) => ({ offset: 0, bytes: Buffer.from('magic'), name: 'magic', ...magic })),
  probe: () => null,
  load: () => {
    throw new Error('nobody loads it');
  },
});
const only = (magic: Partial<Magic>) => {
  const { entries, refused } = entriesOf(loader([magic]), INTERPRETER);
  return { entry: entries[0], why: refused[0]?.why };
};
const made = (magic: Partial<Magic>, interpreter = INTERPRETER): OwnEntry => {
  const [entry] = entriesOf(loader([magic]), interpreter).entries;
  if (entry === undefined) throw new Error('no entry');
  return entry;
};

describe('of our own loaders', () => {
  const all = builtinLoaders.map((each) => ({ name: each.name, ...entriesOf(each, INTERPRETER) }));

  test('every entry has a name of its own, is short enough, and takes no native program', () => {
    const entries = all.flatMap((each) => each.entries);
    expect(new Set(entries.map(({ name }) => name)).size).toBe(entries.length);
    for (const entry of entries) {
      expect(entry.name).toMatch(/^run-foreign-[a-z0-9-]+$/);
      expect(takesOverNative(entry.pattern)).toBeUndefined();
      expect(registerLine(entry).length).toBeLessThan(MAX_REGISTER_LENGTH);
    }
  });

  test('ELF files and scripts have none, and those registered by default have one for each magic', () => {
    const found = Object.fromEntries(all.map(({ name, entries }) => [name, entries.length]));
    expect(found).toMatchObject({ elf: 0, script: 0, flat: 0, manifest: 0, qemu: 33 });
    for (const name of DEFAULT_FORMATS) {
      const { entries, refused } = all.find((each) => each.name === name) ?? { entries: [], refused: [] };
      expect({ name, some: entries.length > 0, refused }).toEqual({ name, some: true, refused: [] });
    }
  });

  test('names are stable', () => {
    expect(
      all
        .find(({ name }) => name === 'aout')
        ?.entries.map(({ name }) => name)
        .slice(-2),
    ).toEqual(['run-foreign-aout-qmagic-i386', 'run-foreign-aout-qmagic-no-machine-type']);
    expect(all.find(({ name }) => name === 'age')?.entries.map(({ name }) => name)).toEqual([
      'run-foreign-age',
      'run-foreign-age-ascii-armor',
    ]);
  });

  test('a magic as the kernel takes it', () => {
    const [entry] = all.find(({ name }) => name === 'aout')?.entries ?? [];
    expect(entry && registerLine(entry)).toBe(
      ':run-foreign-aout-omagic-i386:M::\\x07\\x01d::/opt/run-foreign-binfmt:P',
    );
  });
});

describe('of odd loaders', () => {
  test.each<[string, Partial<Magic>, RegExp]>([
    ['two bytes', { bytes: Buffer.from('MZ') }, /looks at 16 bits/],
    [
      'a mask that leaves little',
      { bytes: Buffer.from('magic'), mask: Buffer.from([0xff, 0xf, 0, 0, 0]) },
      /looks at 12 bits/,
    ],
    ['a mask that leaves nothing', { mask: Buffer.alloc(5) }, /looks at nothing/],
    ['a mask of another size', { mask: Buffer.alloc(4, 0xff) }, /looks at nothing/],
    [
      'what is behind the first 256 bytes',
      { offset: 252, bytes: Buffer.from('\x7fELF\0', 'latin1') },
      /can match ELF/,
    ],
    [
      'a native program under another name',
      { bytes: Buffer.from('\x7fELF\x02', 'latin1') },
      /can match ELF programs/,
    ],
    ['more than the first 256 bytes', { bytes: Buffer.alloc(257, 0x41) }, /first 256 bytes/],
    ['only an offset', { offset: 64, bytes: Buffer.from('anything') }, /can match ELF programs/],
    ['a line of a script', { bytes: Buffer.from('#!/usr/bin/toy') }, /can match scripts/],
  ])('%s is refused', (_, magic, why) => {
    expect(only(magic).why).toMatch(why);
    expect(only(magic).entry).toBeUndefined();
  });

  test('more than a line takes is refused, and what a mask leaves of it is not', () => {
    const bytes = Buffer.alloc(250, 0xff);
    const mask = Buffer.alloc(250, 0xfe);
    expect(only({ bytes, mask }).why).toMatch(/1920 bytes/);
    expect(
      only({ bytes, mask: Buffer.concat([mask.subarray(0, 100), Buffer.alloc(150)]) }).why,
    ).toBeUndefined();
  });

  test('whatever they are called, names are plain and differ', () => {
    const names = ['A/B:..\n', 'a b', '\u00e4', '', 'x'.repeat(500), 'odd', 'odd', 'a b'];
    const { entries } = entriesOf(loader(names.map((name) => ({ name }))), INTERPRETER);
    expect(entries.map(({ name }) => name)).toEqual([
      'run-foreign-odd-a-b',
      'run-foreign-odd-a-b-2',
      'run-foreign-odd',
      'run-foreign-odd-2',
      `run-foreign-odd-${'x'.repeat(60)}`,
      'run-foreign-odd-3',
      'run-foreign-odd-4',
      'run-foreign-odd-a-b-3',
    ]);
  });
});

describe('as a line', () => {
  test('a delimiter is taken that is in no field', () => {
    const line = registerLine(made({ bytes: Buffer.from(':,|!') }, '/opt/a:b,c/run-foreign-binfmt'));
    expect(line).toBe('|run-foreign-odd-magic|M||\\x3a\\x2c\\x7c\\x21||/opt/a:b,c/run-foreign-binfmt|P');
  });

  test.each([
    ['/opt/run foreign/x', true],
    ['/opt/f\u00fcr/x', true],
    ['/opt/a\nb', false],
    ['/opt/a\tb', false],
    ['/opt/:,|!%@^~=+', false],
  ])('the path %j: %s', (path, plain) => {
    expect(isPlainPath(path)).toBe(plain);
  });

  test('random entries come back as they were', () => {
    const random = new Random(11);
    for (let round = 0; round < 500; round++) {
      const size = 4 + random.below(40);
      const bytes = random.bytes(size);
      const mask = random.below(2) === 0 ? undefined : random.bytes(size);
      const { entry } = only({ offset: random.below(200), bytes, ...(mask && { mask }) });
      expect(Buffer.from(unescaped(escaped(bytes)))).toEqual(Buffer.from(bytes));
      if (entry === undefined) continue;
      const line = registerLine(entry);
      expect(line).toMatch(/^[\x20-\x7e]+$/);
      const back = parseRegisterLine(line);
      expect(back).toEqual({
        name: entry.name,
        pattern: entry.pattern,
        interpreter: entry.interpreter,
        flags: 'P',
      });
    }
  });

  test.each(['', ':', ':a', ':a:M::', ':a:X::b::/c:', ':a:M:x:b::/c:', ':a:M::::/c:', ':a:M::b:::'])(
    '%j is none',
    (line) => {
      expect(parseRegisterLine(line)).toBeUndefined();
    },
  );

  test('names that end alike are no pattern', () => {
    expect(parseRegisterLine(':exe:E::exe::/usr/bin/wine:')).toMatchObject({
      pattern: undefined,
      extension: 'exe',
      interpreter: '/usr/bin/wine',
    });
  });
});

test('in a file of binfmt.d', () => {
  expect(systemdText([made({})])).toMatch(
    /^# run-foreign binfmt register.*\n:run-foreign-odd-magic:M::magic::\/opt\/.*:P\n$/,
  );
});

test('in a format file, and as the database has that', () => {
  const entry = made({ mask: Buffer.from('\xff\xff\xfe\xff\xff', 'latin1') }, '/opt/a b/run-foreign-binfmt');
  expect(debianText(entry).split('\n').slice(1)).toEqual([
    'package run-foreign',
    'interpreter /opt/a b/run-foreign-binfmt',
    'magic mafic',
    'offset 0',
    'mask \\xff\\xff\\xfe\\xff\\xff',
    'preserve yes',
    '',
  ]);
  const text =
    'run-foreign\nmagic\n0\nmafic\n\\xff\\xff\\xfe\\xff\\xff\n/opt/a b/run-foreign-binfmt\n\n\nyes\n\n';
  expect(parseDatabase(entry.name, text)).toEqual({
    name: entry.name,
    pattern: entry.pattern,
    interpreter: entry.interpreter,
    flags: 'P',
  });
});

describe('beside entries of others', () => {
  const apes = made({ bytes: Buffer.from("MZqFpD='") });
  const kernel = (name: string, magic: string, enabled = true) =>
    parseKernelEntry(
      name,
      `${enabled ? 'enabled' : 'disabled'}\ninterpreter /usr/bin/${name}\nflags: F\noffset 0\nmagic ${Buffer.from(magic).toString('hex')}\n`,
      0n,
    );
  const boot = (name: string, magic: string) => ({
    ...kernel(name, magic),
    file: `/usr/lib/binfmt.d/${name}.conf`,
    style: 'systemd' as const,
  });

  test('some of their files are taken, and said', () => {
    const { refusals, notes } = conflictsOf(apes, { kernel: [kernel('wine', 'MZ')], boot: [], before: [] });
    expect(refusals).toEqual([]);
    expect(notes.join()).toMatch(/wine \(\/usr\/bin\/wine\)/);
  });

  test.each([
    ['the same', "MZqFpD='"],
    ['narrower ones', "MZqFpD='\n"],
  ])('%s are not taken', (_, magic) => {
    expect(conflictsOf(apes, { kernel: [kernel('ape', magic)], boot: [], before: [] }).refusals).toHaveLength(
      1,
    );
    expect(
      conflictsOf(apes, { kernel: [kernel('ape', magic, false)], boot: [], before: [] }).refusals,
    ).toEqual([]);
  });

  test('who comes later at the next boot takes ours', () => {
    const later = boot('wine', 'MZ');
    expect(conflictsOf(apes, { kernel: [], boot: [later], before: [] }).refusals.join()).toMatch(
      /from the next boot on wine .* of \/usr\/lib\/binfmt.d\/wine.conf would take all/,
    );
    expect(conflictsOf(apes, { kernel: [], boot: [later], before: [later] })).toEqual({
      refusals: [],
      notes: [],
    });
    expect(conflictsOf(apes, { kernel: [], boot: [later], before: undefined }).refusals).toEqual([]);
  });

  test("files with nothing in common are nobody's business", () => {
    const elsewhere = { kernel: [kernel('java', 'PK')], boot: [boot('zip', 'PK')], before: [] };
    expect(conflictsOf(apes, elsewhere)).toEqual({ refusals: [], notes: [] });
    expect(relation(apes.pattern, apes.pattern)).toBe('the same');
  });
});
