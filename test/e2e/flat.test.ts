import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { mayMapAt } from '../support/machine.ts';
import { sampleBytes } from '../support/packed.ts';
import { identityOf } from '../support/proc.ts';
import { expectRefusal } from '../support/refusal.ts';
import { COMMAND, NODE_PATH, ROOT, run, runForeign, SHELL_COMMAND, sh, temporary } from '../support/run.ts';

const directory = temporary();
const { file } = directory;
afterAll(() => directory.remove());

const HELLO = { status: 0, stdout: 'hello from a flat image\n', stderr: '' };
const WORDS = { status: 0, stdout: '3 6 30 inputs/words.txt\n', stderr: '' };
const options = (...values: string[]) => values.flatMap((value) => ['--loader-opt', `flat.${value}`]);

describe('where the user wants it', () => {
  test('nobody takes it without being told to', async () => {
    expectRefusal(await runForeign(['flat/hello']), /is in no format that run-foreign knows/);
  });

  // hello finds its message by the instruction pointer: it runs anywhere.
  test.each([
    ['1 GiB', '0x40000000'],
    ['not at a page', '0x123456'],
    ['high up', '0x600000000000'],
  ])('%s', async (_, base) => {
    expect(await runForeign([...options(`base=${base}`), 'flat/hello'])).toEqual(HELLO);
  });

  test('below what may be mapped, only who may', async () => {
    const outcome = await runForeign([...options('base=0x1000'), 'flat/hello']);
    if (mayMapAt(0x1000)) expect(outcome).toEqual(HELLO);
    else expectRefusal(outcome, /must be loaded at address 0x1000, .*CAP_SYS_RAWIO/);
  });

  test('from a pipe, packed, and without write permission on its memory', async () => {
    const pipe = `cat flat/hello | ${SHELL_COMMAND} --format flat -`;
    expect(await sh(pipe)).toEqual(HELLO);
    const packed = file('hello.gz', gzipSync(sampleBytes('flat/hello')));
    expect(await runForeign([...options('protection=rx'), packed])).toEqual(HELLO);
    expect(await runForeign(['--format', 'flat', packed])).toEqual(HELLO);
  });

  test('in maps it is its own bytes and zeros, with the protection that was asked for', async () => {
    const args = [...options('bss=0x10000', 'base=0x100000'), 'flat/tally-x86_64', '-'];
    const { maps } = await identityOf(COMMAND, args);
    const own = maps.filter(({ end, name }) => end <= 0x120000n && name !== '[heap]');
    expect(own.map(({ start, permissions, name }) => [start, permissions, name.replace(/.*\//, '')])).toEqual(
      [
        [0x100000n, 'rwxp', 'tally-x86_64'],
        [0x101000n, 'rwxp', ''],
      ],
    );
  });

  test('a program that writes to memory that it may not write to gets what it asked for', async () => {
    const args = [...options('bss=0x10000', 'protection=rx'), 'flat/tally-x86_64', 'inputs/words.txt'];
    expect(await runForeign(args)).toMatchObject({ status: 'SIGSEGV', stdout: '' });
  });
});

describe('what is refused, in one line', () => {
  test.each([
    [
      'an entry outside',
      options('entry=0x200000'),
      2,
      /flat\/hello: .*entry 0x200000 lies outside the image/,
    ],
    ['a base above all addresses', options('base=0x7ffffffff000'), 126, /past the last user address/],
    [
      'a 32-bit program above 4 GiB',
      options('arch=i386', 'base=0x100000000'),
      126,
      /past the last user address/,
    ],
    ['no room for the bss', options('bss=0x7fffffffffff'), 126, /past the last user address/],
    ['a machine that is none', options('arch=arm'), 2, /flat\.arch takes x86_64 or i386, not 'arm'/],
    ['no number', options('base=here'), 2, /flat\.base takes a number/],
  ])('%s', async (_, given, status, line) => {
    expectRefusal(await runForeign([...given, 'flat/hello']), line, status);
  });

  test('an empty file', async () => {
    const path = file('empty', new Uint8Array(0));
    expectRefusal(
      await runForeign(['--format', 'flat', path]),
      /empty: is empty: .*\(file offset 0x0, file size = 0x0\)/,
    );
  });

  test('a place where the stack is', async () => {
    const given = options('base=0x7fffffff0000');
    expectRefusal(
      await run('setarch', ['-R', COMMAND, ...given, 'flat/hello']),
      /lies where the stack must be, from 0x7fffffff0000 on/,
    );
  });
});

test('the library runs one from a buffer', async () => {
  const script = `
    const { builtinLoaders, memorySource, prepareProgram, startPlan } = await import(process.env.LIBRARY);
    const { plan } = await prepareProgram({
      name: Buffer.from('a-buffer'),
      source: memorySource(Buffer.from(process.env.IMAGE, 'base64'), 'a buffer'),
      args: [Buffer.from('inputs/words.txt')],
      envp: [],
      loaders: builtinLoaders,
      loaderOptions: [{ loader: 'flat', key: 'bss', value: '0x10000' }],
    });
    await startPlan(plan, { say() {}, progress() {}, starting() {} });`;
  const image = sampleBytes('flat/tally-x86_64').toString('base64');
  const env = { PATH: NODE_PATH, LIBRARY: join(ROOT, 'dist/index.js'), IMAGE: image };
  expect(await run(process.execPath, ['--input-type=module', '--eval', script], { env })).toEqual(WORDS);
});
