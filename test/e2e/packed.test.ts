/** Packed programs through the command: where they stand, who they are when they run, and what stops them. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { mayMapAt } from '../support/machine.ts';
import { sampleBytes, ZEROS_XZ_ZST, zstdFrame } from '../support/packed.ts';
import { identityOf, withoutPrivilege } from '../support/proc.ts';
import { expectRefusal } from '../support/refusal.ts';
import { behindLine, COMMAND, NODE_HALF, NODE_PATH, run, runForeign, temporary } from '../support/run.ts';

const directory = temporary();
const { file } = directory;
afterAll(() => directory.remove());

const zstd = (bytes: Uint8Array) => {
  const blocks = [];
  for (let at = 0; at < bytes.length; at += 2 ** 17) blocks.push({ raw: bytes.subarray(at, at + 2 ** 17) });
  return zstdFrame(blocks);
};

const XZ = sampleBytes('xz/tally-dynamic-pie.xz');
const STATIC = sampleBytes('elf/x86_64/tally-static');

describe('a packed program runs', () => {
  test.each([
    ['gzip in zstd', zstd(gzipSync(STATIC))],
    ['xz in gzip', gzipSync(XZ)],
    ['xz in gzip in zstd behind a line in gzip', gzipSync(behindLine(zstd(gzipSync(XZ))))],
    [
      'packed again and again',
      [1, 2, 3, 4, 5, 6, 7, 8].reduce<Uint8Array>((bytes) => gzipSync(bytes), STATIC),
    ],
  ])('%s', async (name, bytes) => {
    const path = file(name.replaceAll(' ', '-'), bytes);
    expect(await runForeign([path, 'inputs/words.txt'])).toEqual({
      status: 0,
      stdout: '3 6 30 inputs/words.txt\n',
      stderr: '',
    });
  });

  test('as a file of its own, behind a line', async () => {
    const path = file('own', behindLine(zstd(XZ)));
    const outcome = await run(path, ['-x']);
    expect(outcome).toMatchObject({ status: 2, stderr: 'usage: own [-e NAME] [FILE...]\n' });
  });

  test('in a.out', async () => {
    const outcome = await runForeign([file('hello.gz', gzipSync(sampleBytes('aout/hello-qmagic')))]);
    if (mayMapAt(4096)) expect(outcome).toMatchObject({ status: 0, stdout: 'hello from a.out QMAGIC\n' });
    else expectRefusal(outcome, /CAP_SYS_RAWIO/);
  });

  test('of a hundred megabytes, and dynamic', async () => {
    const path = file('node.gz', gzipSync(readFileSync(process.execPath), { level: 1 }));
    const outcome = await runForeign([path, '-p', 'process.version']);
    expect(outcome).toEqual({ status: 0, stdout: `${process.version}\n`, stderr: '' });
  });
});

describe('a packed program is', () => {
  test.each([
    ['tally.gz', gzipSync(STATIC)],
    ['tally.xz', XZ],
    ['tally.zst', zstd(STATIC)],
  ])('%s: the file as the user named it', async (name, bytes) => {
    const path = file(name, bytes);
    const identity = withoutPrivilege(await identityOf(COMMAND, [path, '-', 'x']), path);
    expect(identity).toMatchObject({ comm: name, exe: path, cmdline: [path, '-', 'x'] });
  });
});

test('AT_EXECFN is that name, too', async () => {
  const path = file('execfn.xz', XZ);
  const outcome = await runForeign([path], { env: { PATH: NODE_PATH, LD_SHOW_AUXV: '1' } });
  expect(outcome.stdout).toMatch(new RegExp(`^AT_EXECFN: +${path}$`, 'm'));
});

describe('nothing runs of a file', () => {
  const half = STATIC.subarray(0, 5000);
  test.each([
    ['cut.gz', gzipSync(STATIC).subarray(0, -9), /cut\.gz: is cut off .*file offset 0x/],
    ['sum.gz', Buffer.concat([gzipSync(STATIC).subarray(0, -8), Buffer.alloc(8)]), /CRC32 = 0x0/],
    ['cut.xz', XZ.subarray(0, -1), /cut\.xz: is cut off.*Footer Magic Bytes/],
    ['cut.zst', zstd(STATIC).subarray(0, -1), /cut\.zst: is cut off/],
    ['half.gz', gzipSync(half), /half\.gz: .*file offset/],
    ['empty.gz', gzipSync(''), /empty\.gz: holds nothing/],
    ['text.gz', gzipSync('text'), /text\.gz: is in no format/],
    ['bomb', gzipSync(ZEROS_XZ_ZST), /bomb: unpacks to more than 16 MiB and 1000 times .*--max-size/],
    [
      'deep.gz',
      Array(9)
        .fill(0)
        .reduce<Uint8Array>((bytes) => gzipSync(bytes), STATIC),
      /more than 8 wrappers/,
    ],
  ])('like %s', async (name, bytes, line) => {
    expectRefusal(await runForeign([file(name, bytes)]), line);
  });
});

describe('--max-size', () => {
  const path = file('limited.gz', gzipSync(STATIC));
  const words = ['inputs/words.txt'];

  test.each(['1K', '1k', '8903'])('%s is too little', async (size) => {
    expectRefusal(
      await runForeign(['--max-size', size, path]),
      /unpacks to more than \d+ bytes; .*--max-size/,
    );
    const env = { PATH: NODE_PATH, RUN_FOREIGN_MAX_SIZE: size };
    expectRefusal(await runForeign([path], { env }), /--max-size/);
    expectRefusal(await runForeign(['inspect', `--max-size=${size}`, path]), /--max-size/);
  });

  test.each(['9K', '1M', '2G', String(STATIC.length)])('%s is enough', async (size) => {
    expect((await runForeign(['--max-size', size, path, ...words])).status).toBe(0);
  });
});

test('without WebAssembly gzip still works, and the others say what they need', async () => {
  // As the launcher starts Node where no page may be writable and executable.
  const flags = ['--jitless', '--no-expose-wasm'];
  const start = (path: string) => run(process.execPath, [...flags, NODE_HALF, path, 'inputs/words.txt']);
  expect((await start(file('jitless.gz', gzipSync(STATIC)))).stdout).toBe('3 6 30 inputs/words.txt\n');
  for (const [name, bytes] of [
    ['jitless.xz', XZ],
    ['jitless.zst', zstd(STATIC)],
  ] as const) {
    const line = /cannot be unpacked here: WebAssembly .*unpack it before with (xz|zstd) -d\n$/;
    expectRefusal(await start(file(name, bytes)), line);
  }
});
