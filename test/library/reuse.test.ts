/** Programs that are started more than once: by a handle, or by name, where a file that has changed must not be taken for what it was. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineLoader, loadImage, memorySource, spawnForeign } from '../../src/index.ts';
import { SAMPLES, temporary } from '../support/run.ts';

const directory = temporary();
afterAll(directory.remove);

const TALLY = readFileSync(join(SAMPLES, 'elf/x86_64/tally-static'));
const HELLO = readFileSync(join(SAMPLES, 'elf/x86_64/hello-static'));
/** As long as it takes until a file's times can be relied on. */
const SETTLED = 2100;

/** How many descriptors of this process lead to a file. */
function openOf(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(path);
    } catch {
      return false;
    }
  }).length;
}

/** The file in memory that a descriptor leads to, if it is a stub: those are executable. */
function stubOf(fd: string): string | undefined {
  try {
    const path = `/proc/self/fd/${fd}`;
    if (!readlinkSync(path).startsWith('/memfd:') || (statSync(path).mode & 0o111) === 0) return undefined;
    return `inode ${statSync(path).ino}`;
  } catch {
    return undefined;
  }
}

const stubs = (): string[] =>
  readdirSync('/proc/self/fd')
    .map(stubOf)
    .filter((stub) => stub !== undefined)
    .sort();

/** A dynamic program whose interpreter is a file of ours: its path is no longer than the one that it takes the place of. */
const OWN = mkdtempSync('/tmp/rf-');
afterAll(() => rmSync(OWN, { recursive: true }));
const LD_SO = '/lib64/ld-linux-x86-64.so.2';
function withInterpreter(path: string): string {
  const bytes = readFileSync(join(SAMPLES, 'elf/x86_64/tally-dynamic-pie'));
  bytes.fill(0, bytes.indexOf(LD_SO), bytes.indexOf(LD_SO) + LD_SO.length);
  bytes.write(path, readFileSync(join(SAMPLES, 'elf/x86_64/tally-dynamic-pie')).indexOf(LD_SO));
  copyFileSync(LD_SO, path);
  return directory.file('dynamic', bytes);
}

/** Files that were written long enough ago for their times to be relied on, when tests begin. */
const interpreter = directory.file('interpreter', HELLO);
const PATHS = {
  settled: directory.file('settled', HELLO),
  forbidden: directory.file('forbidden', HELLO),
  interpreter,
  interpreted: directory.file('interpreted', `#!${interpreter}\n`),
  dynamic: withInterpreter(join(OWN, 'ld')),
  cat: directory.file('cat', '#!/bin/cat\n'),
  found: directory.file('second/found', HELLO),
  'another file has taken': directory.file('taken', HELLO),
  'is written to in place': directory.file('written', HELLO),
  'leads elsewhere by a symbolic link': directory.file('link', HELLO),
};
const MANY = Array.from({ length: 40 }, (_, index) => directory.file(`many/${index}`, HELLO));
beforeAll(() => wait(SETTLED));

const output = async (...command: Parameters<typeof spawnForeign>) =>
  (await (await spawnForeign(...command)).result).stdout;
const words = ['-'];
const nothing = { stdio: 'ignore' } as const;

describe('a handle', () => {
  test.each(['elf/x86_64/tally-static', 'gzip/tally-static.gz', 'manifest/tally.json', 'aout/tally-qmagic'])(
    '%s',
    async (sample) => {
      await using image = await loadImage(join(SAMPLES, sample), { argv0: 'tally' });
      const counted = await Promise.all(
        Array.from({ length: 8 }, async (_, index) => {
          const child = await spawnForeign(image, ['-']);
          child.stdin.end('x\n'.repeat(index));
          return (await child.result).stdout;
        }),
      );
      expect(counted).toEqual(
        Array.from({ length: 8 }, (_, index) => expect.stringContaining(`${index} ${index} ${2 * index} -`)),
      );
    },
  );

  test('is asked once, whatever is started', async () => {
    let asked = 0;
    const counting = defineLoader({
      name: 'counting',
      apiVersion: 1,
      kind: 'wrapper',
      description: 'a program behind a byte',
      magics: [],
      probe: () => 'exact',
      async load(source) {
        asked++;
        return { kind: 'unwrap', source: memorySource(await source.read(1, source.size - 1), source.name) };
      },
    });
    await using image = await loadImage(Buffer.concat([Buffer.of(1), HELLO]), {
      loaders: [{ ...counting, probe: (source) => (source.size === HELLO.length + 1 ? 'exact' : null) }],
    });
    await Promise.all([1, 2, 3].map(() => output(image)));
    expect(asked).toBe(1);
    expect(image.format).toBe('elf');
    expect(image.image.segments.length).toBeGreaterThan(0);
  });

  test('is planned once for a thousand starts, and once more for other numbers of descriptors', async () => {
    using image = await loadImage(join(SAMPLES, 'elf/x86_64/hello-static'));
    const start = async (count: number) => {
      const stdio = Array.from({ length: count }, () => 'ignore' as const);
      const child = await spawnForeign(image, [], { stdio });
      await new Promise((resolve) => child.once('close', resolve));
      expect(child.exitCode).toBe(0);
    };
    const before = stubs();
    await start(3);
    const [stub, ...more] = stubs().filter((each) => !before.includes(each));
    expect(more).toEqual([]);
    expect(stub).toBeDefined();
    for (let round = 0; round < 100; round++) await Promise.all(Array.from({ length: 10 }, () => start(3)));
    expect(stubs()).toEqual([...before, stub].sort());
    for (const count of [4, 10, 40, 5, 6, 7, 3, 4]) await start(count);
    expect(stubs()).toContain(stub);
    expect(stubs().length).toBe(before.length + 4);
    image.close();
    expect(stubs()).toEqual(before);
  });

  test('has a stub that nobody can write to', async () => {
    using image = await loadImage(join(SAMPLES, 'elf/x86_64/hello-static'));
    const before = stubs();
    expect(await output(image)).toBe(await output(HELLO));
    const own = stubs().find((each) => !before.includes(each));
    const fd = readdirSync('/proc/self/fd').find((each) => stubOf(each) === own);
    const writer = openSync(`/proc/self/fd/${fd}`, 'r+');
    expect(() => writeSync(writer, 'x')).toThrow('EPERM');
    expect(() => ftruncateSync(writer, 0)).toThrow('EPERM');
    closeSync(writer);
  });

  test('stays the file that was loaded, also when another takes its name', async () => {
    const path = directory.file('replaced', HELLO);
    using image = await loadImage(path);
    renameSync(directory.file('replacing', TALLY), path);
    expect(await output(image)).toBe(await output(HELLO));
    unlinkSync(path);
    expect(await output(image)).toBe(await output(HELLO));
  });

  test('refuses a file whose content has changed', async () => {
    const path = directory.file('changed', HELLO);
    using image = await loadImage(path);
    const fd = openSync(path, 'r+');
    writeSync(fd, Buffer.of(0x7f), 0, 1, 0);
    closeSync(fd);
    utimesSync(path, 1, 1);
    await expect(spawnForeign(image)).rejects.toMatchObject({ code: 'IMAGE_REFUSED', hint: 'load it again' });
  });

  test('closes its files, and those of a start that is under way afterwards', async () => {
    const path = directory.file('closed', HELLO);
    const image = await loadImage(path);
    expect(openOf(path)).toBe(1);
    const starting = spawnForeign(image, [], nothing);
    image.close();
    expect(openOf(path)).toBe(1);
    await starting;
    expect(openOf(path)).toBe(0);
  });
});

describe('a name', () => {
  test('of a file that has just been written is not kept open', async () => {
    const path = directory.file('fresh', HELLO);
    await output(path);
    expect(openOf(path)).toBe(0);
  });

  test('of a file that has settled is, for some seconds', { timeout: 20_000 }, async () => {
    const path = PATHS.settled;
    await output(path);
    expect(openOf(path)).toBe(1);
    await output(path);
    expect(openOf(path)).toBe(1);
    await expect.poll(() => openOf(path), { timeout: 15_000 }).toBe(0);
  });

  const changes: [what: keyof typeof PATHS, change: (path: string) => void, expected: object][] = [
    [
      'another file has taken',
      (path) => renameSync(directory.file('new', TALLY), path),
      { stdout: '0 0 0 -' },
    ],
    [
      'is written to in place',
      (path) => directory.file(path.slice(directory.path.length + 1), TALLY),
      { stdout: '0 0 0 -' },
    ],
    [
      'leads elsewhere by a symbolic link',
      (path) => {
        unlinkSync(path);
        symlinkSync(directory.file('target', TALLY), path);
      },
      { stdout: '0 0 0 -' },
    ],
  ];
  test.each(changes)('that %s', async (what, change, expected) => {
    const path = PATHS[what];
    await output(path);
    expect(openOf(path)).toBe(1);
    change(path);
    const child = await spawnForeign(path, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    expect(await child.result).toMatchObject(expected);
    expect(openOf(path)).toBe(0);
  });

  test('that may not be executed any more, or is gone', async () => {
    const path = PATHS.forbidden;
    await output(path);
    chmodSync(path, 0o644);
    await expect(spawnForeign(path)).rejects.toMatchObject({ code: 'NOT_EXECUTABLE' });
    unlinkSync(path);
    await expect(spawnForeign(path)).rejects.toMatchObject({ code: 'PROGRAM_NOT_FOUND' });
  });

  test('whose interpreter has changed', async () => {
    const { interpreter, interpreted: path } = PATHS;
    expect(await output(path)).toBe(await output(HELLO));
    expect(openOf(interpreter)).toBe(1);
    renameSync(directory.file('interpreter.new', '#!/bin/echo\n'), interpreter);
    expect(await output(path)).toBe(`${interpreter} ${path}`);
  });

  test('whose ELF interpreter has changed', async () => {
    const nobody = { stdio: ['ignore', 'pipe', 'pipe'] } as const;
    const native = () =>
      spawnSync(PATHS.dynamic, words, { stdio: 'pipe', encoding: 'utf8' }).stdout.trimEnd();
    const counted = await output(PATHS.dynamic, words, nobody);
    expect(counted).toBe('0 0 0 -');
    expect(await output(PATHS.dynamic, words, nobody)).toBe(native());
    copyFileSync(join(SAMPLES, 'elf/x86_64/hello-static-pie'), join(OWN, 'new'));
    renameSync(join(OWN, 'new'), join(OWN, 'ld'));
    expect(native()).not.toBe(counted);
    expect(await output(PATHS.dynamic, words, nobody)).toBe(native());
  });

  test('that is found earlier in PATH now', async () => {
    const env = { PATH: `${directory.path}/first:${directory.path}/second` };
    expect(await output('found', [], { env })).toBe(await output(HELLO));
    directory.file('first/found', '#!/bin/echo\n');
    expect(await output('found', [], { env })).toBe(`${directory.path}/first/found`);
  });

  test('and more names than are kept', async () => {
    await Promise.all(MANY.map((path) => output(path)));
    expect(openOf(join(directory.path, 'many'))).toBeLessThanOrEqual(16);
    expect(openOf(join(directory.path, 'many'))).toBeGreaterThan(10);
  });

  test('with other arguments, names and variables each time', async () => {
    const path = PATHS.cat;
    for (const word of ['one', 'two']) {
      const args = ['/proc/self/environ', '/proc/self/cmdline'];
      expect(await output(path, args, { env: { WORD: word }, argv0: word })).toBe(
        `#!/bin/cat\nWORD=${word}\0/bin/cat\0${path}\0${args.join('\0')}\0`,
      );
      expect(
        await output('cat', ['/proc/self/cmdline', '-'], { argv0: word, stdio: ['ignore', 'pipe', 'pipe'] }),
      ).toBe(`${word}\0/proc/self/cmdline\0-\0`);
    }
  });
});
