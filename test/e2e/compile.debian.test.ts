/**
 * Compiled programs next to the programs they were compiled from: all that a process can see of itself (test/programs/probe),
 * registers at entry, and how random its addresses are.
 */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inParallel, NODE_PATH, run, runForeign, temporary } from '../support/run.ts';
import { compile, LINKINGS } from './compile.ts';
import { type Fact, parseFacts, vdsoApart } from './observables.ts';

const directory = temporary();
afterAll(() => directory.remove());

/** Two folders with names of one length hold files of the same name, so that all below the stack's end is equal. */
const plain = (name: string) => join(directory.path, 'plain', name.replaceAll(' ', '-'));
const compiled = (name: string) => join(directory.path, 'ready', name.replaceAll(' ', '-'));

async function build(source: string, flags: readonly string[], name: string): Promise<void> {
  await compile(source, flags, plain(name));
  expect(await runForeign(['compile', plain(name), '-o', compiled(name)])).toEqual({
    status: 0,
    stdout: '',
    stderr: '',
  });
}

beforeAll(async () => {
  for (const name of [plain('x'), compiled('x')]) mkdirSync(dirname(name));
  // For other users.
  chmodSync(directory.path, 0o755);
  await inParallel(
    LINKINGS,
    async ({ title, flags }) => {
      await build('probe', flags, title);
      await build('places.c', flags, `places ${title}`);
    },
    2,
  );
});

const ENVIRONMENT = { PATH: NODE_PATH, PARENT: String(process.pid), EMPTY: '', Z: 'a\x01b' };
const ARGS = ['', 'one', '--two=\x7f', '-'];

async function factsOf(command: readonly string[]): Promise<Fact[]> {
  const [file = '', ...words] = command;
  const { status, stdout, stderr } = await run(file, [...words, ...ARGS], { env: ENVIRONMENT, cwd: '/usr' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return vdsoApart(parseFacts(stdout).filter(({ observable }) => observable !== 'AT_RANDOM'));
}

/** What a compiled program should see where the program sees `facts`: its bytes begin at `from` in another file. */
function expectedOf(facts: readonly Fact[], title: string): Fact[] {
  const from = programAt(compiled(title));
  const shifted = (_: string, before: string, offset: string) =>
    `${before}0x${(BigInt(offset) + from).toString(16)}`;
  return facts.map((fact) => {
    if (fact.detail === 'private pages of the vDSO') return { ...fact, value: '1' };
    const isMapping = fact.observable === 'maps' && fact.detail === plain(title);
    const pattern = isMapping ? /^(\S{4} )(0x[0-9a-f]+)/ : /^(\/.*\+)(0x[0-9a-f]+)$/;
    const isOwn = isMapping || fact.value.startsWith(`${plain(title)}+`);
    const value = isOwn ? fact.value.replace(pattern, shifted) : fact.value;
    const renamed = (text: string) => text.replaceAll(plain(''), compiled(''));
    return { ...fact, detail: renamed(fact.detail), value: renamed(value) };
  });
}

/** Where the program begins: the stub's first segment holds all that is before it, and begins with the file. */
function programAt(file: string): bigint {
  const bytes = readFileSync(file);
  const size = bytes[4] === 2 ? bytes.readBigUInt64LE(64 + 32) : BigInt(bytes.readUInt32LE(52 + 16));
  for (let from = 8192n; ; from *= 2n) if (size <= from) return from;
}

describe.each(LINKINGS)('$title', ({ title }) => {
  test.each([
    ['sees of itself what the program sees', []],
    ['and without randomisation', ['setarch', '-R']],
  ])('%s', async (_, prefix) => {
    expect(await factsOf([...prefix, compiled(title)])).toEqual(
      expectedOf(await factsOf([...prefix, plain(title)]), title),
    );
  });
});

describe.each([
  ['entry-x86_64.S', ['-static']],
  ['entry-x86_64.S', ['-static-pie']],
  ['entry-i386.S', ['-m32', '-static']],
] as const)('%s %j', (source, flags) => {
  test('is entered with the registers, flags and segments of execve', async () => {
    const name = `${source} ${flags.join(' ')}`;
    await build(source, ['-nostdlib', ...flags], name);
    const native = await run(plain(name), [], { env: {} });
    expect(native.stdout.length).toBeGreaterThan(100);
    expect(await run(compiled(name), [], { env: {} })).toEqual(native);
  });
});

const STARTS = 200;

describe.each(LINKINGS.filter(({ title }) => !title.endsWith('non-PIE')))('$title', ({ title }) => {
  test(`has everything at places as random as the program's in ${STARTS} starts`, async () => {
    const starts = Array.from({ length: STARTS });
    const placesOf = async (file: string) => {
      const { status, stdout } = await run(file, [], { env: {} });
      expect(status).toBe(0);
      return stdout
        .trim()
        .split(' ')
        .map((word) => BigInt(`0x${word}`));
    };
    const native = await inParallel(starts, () => placesOf(plain(`places ${title}`)));
    const ours = await inParallel(starts, () => placesOf(compiled(`places ${title}`)));
    for (const [index, thing] of THINGS.entries()) {
      const column = (rows: readonly bigint[][]) => rows.map((row) => row[index] ?? 0n);
      const natives = frequencies(column(native));
      // Static PIEs lie where the kernel finds room, and there the vDSO of the compiled one is already: random, but elsewhere.
      const elsewhere = thing === 'vDSO' && title.endsWith('static PIE');
      // Two random bits differ by less than that but once in 10^9 times, and a random one from a fixed one by more.
      for (const [bit, often] of frequencies(column(ours)).entries())
        if (!elsewhere)
          expect(Math.abs(often - (natives[bit] ?? 0)), `${thing}, bit ${bit}`).toBeLessThan(0.3);
      const distinct = (values: readonly bigint[]) => new Set(values).size;
      expect(distinct(column(ours)) > 1, thing).toBe(distinct(column(native)) > 1);
    }
  });
});

const THINGS = ['code', 'stack', 'heap', 'heap from code', 'interpreter', 'vDSO', 'random bytes'];

/** How often each bit is set, from 0 to 1. */
function frequencies(values: readonly bigint[]): number[] {
  return Array.from({ length: 48 }, (_, bit) => {
    const set = values.filter((value) => ((value >> BigInt(bit)) & 1n) === 1n);
    return set.length / values.length;
  });
}

describe('a compiled program', () => {
  test.each(['64-bit dynamic PIE', '32-bit static'])(
    'is a small static ELF file to others: %s',
    async (title) => {
      const { status, stdout, stderr } = await run('readelf', ['-hlW', compiled(title)]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toMatch(/Type: +EXEC/);
      expect(stdout).not.toContain('INTERP');
      expect(stdout.match(/^ +LOAD /gm)).toHaveLength(2);
    },
  );

  test('runs where there is no /proc, by its name', async () => {
    const name = 'places 64-bit static PIE';
    const script = 'umount -l /proc && cd "$1" && exec "./$2"';
    const file = compiled(name);
    const words = ['-m', 'sh', '-c', script, 'sh', dirname(file), basename(file)];
    const { status, stdout, stderr } = await run('unshare', words);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.trim().split(' ')).toHaveLength(THINGS.length);
  });

  test.each([
    ['an unlimited stack', ['prlimit', '--stack=unlimited']],
    ['a small stack', ['prlimit', '--stack=262144']],
    ['an old address space layout', ['setarch', '--addr-compat-layout']],
    ['no capability', ['setpriv', '--bounding-set=-all', '--inh-caps=-all']],
    ['another user', ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']],
  ])('with %s sees what the program sees', async (_, prefix) => {
    for (const title of ['64-bit static PIE', '64-bit dynamic PIE', '32-bit dynamic non-PIE']) {
      expect(await factsOf([...prefix, compiled(title)])).toEqual(
        expectedOf(await factsOf([...prefix, plain(title)]), title),
      );
    }
  });

  test('says what is wrong where its interpreter is missing', async () => {
    const interpreter = join(directory.path, 'interpreter');
    copyFileSync('/lib64/ld-linux-x86-64.so.2', interpreter);
    await build('places.c', ['-pie', '-fPIE', `-Wl,--dynamic-linker=${interpreter}`], 'missing');
    expect(await run(compiled('missing'), [], { env: {} })).toMatchObject({ status: 0, stderr: '' });
    rmSync(interpreter);
    const { status, stdout, stderr } = await run(compiled('missing'), [], { env: {} });
    expect({ status, stdout }).toEqual({ status: 126, stdout: '' });
    expect(stderr).toMatch(/^run-foreign: missing: cannot .*interpreter.*: ENOENT\n$/);
  });

  test('is none where the interpreter has a place of its own', async () => {
    await compile('places.c', ['-static', '-no-pie'], plain('fixed'));
    await compile('places.c', [`-Wl,--dynamic-linker=${plain('fixed')}`], plain('above'));
    const outcome = await runForeign(['compile', plain('above'), '-o', compiled('above')]);
    expect(outcome).toMatchObject({ status: 126, stdout: '' });
    expect(outcome.stderr).toContain('that must be laid out for each start; run it with run-foreign');
  });
});
