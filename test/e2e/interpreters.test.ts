/** Files that another program runs, through the command: what it is called with, and what is said where it cannot be. */
import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import {
  call,
  DROP,
  I32,
  I64,
  i32,
  printing,
  UNREACHABLE,
  type WasmDescription,
  writeWasm,
} from '../../samples/wasm/writer.ts';
import { AARCH64, writeForeignElf } from '../support/foreign-elf.ts';
import { expectRefusal } from '../support/refusal.ts';
import { behindLine, NODE_PATH, run, runForeign, temporary } from '../support/run.ts';
import { keyPair, sealFor } from '../support/sealed.ts';
import { writeJar } from '../support/zip-writer.ts';

const directory = temporary();
const { file } = directory;
afterAll(() => directory.remove());

/** In this PATH the interpreters are scripts that show how they were called. */
const FAKES = join(directory.path, 'fakes');
mkdirSync(FAKES);
for (const name of ['qemu-aarch64', 'java'])
  file(`fakes/${name}`, `#!/bin/sh\nprintf '<%s>' "\${0##*/}" "$@"\nexit 5\n`);
const WITH_FAKES = { PATH: `${FAKES}:${NODE_PATH}` };
/** Node is found by the launcher; the program's own PATH is another. */
const WITHOUT = ['--env', 'PATH=/nonexistent'];

const ARM_PROGRAM = writeForeignElf(AARCH64);

describe('how they are called', () => {
  test('qemu, which is told argv[0]', async () => {
    const path = file('arm', ARM_PROGRAM);
    expect(await runForeign(['--argv0=a b', path, '-x', ''], { env: WITH_FAKES })).toEqual({
      status: 5,
      stdout: `<qemu-aarch64><-0><a b><--><${path}><-x><>`,
      stderr: '',
    });
  });

  test('java, also behind a #! line, which it allows for', async () => {
    for (const [name, bytes] of [
      ['hello.jar', writeJar().bytes],
      ['own.jar', behindLine(writeJar().bytes)],
    ] as const) {
      const path = file(name, bytes);
      const outcome = await runForeign([path, '-x', 'y'], { env: WITH_FAKES });
      expect(outcome).toEqual({ status: 5, stdout: `<java><-jar><${path}><-x><y>`, stderr: '' });
    }
  });

  test('they are planned as what they are: programs of their own', async () => {
    const outcome = await runForeign(['plan', file('plan.jar', writeJar().bytes)], { env: WITH_FAKES });
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(outcome.stdout).toContain('-jar');
  });
});

describe('where they cannot be run', () => {
  test('qemu and java are missing, and the line says who has them', async () => {
    expectRefusal(
      await runForeign([...WITHOUT, file('arm', ARM_PROGRAM)]),
      /qemu-aarch64.*package qemu-user/,
    );
    expectRefusal(
      await runForeign([...WITHOUT, file('a.jar', writeJar().bytes)]),
      /java.*default-jre-headless/,
    );
  });

  test.each<[string, Uint8Array]>([
    ['arm.gz', ARM_PROGRAM],
    ['hello.jar.gz', writeJar().bytes],
    ['hello.wasm.gz', writeWasm(printing('', 0))],
  ])('%s: there is no file that an interpreter could open', async (name, bytes) => {
    const outcome = await runForeign([file(name, gzipSync(bytes))], { env: WITH_FAKES });
    expectRefusal(outcome, /run from memory, where its interpreter, .*, could not open it; save it/);
  });

  test('a sealed one has none either', async () => {
    const { secret, recipient } = await keyPair();
    const key = file('key', `${secret}\n`);
    const sealed = file('sealed', await sealFor(writeWasm(printing('secret\n', 0)), recipient));
    expectRefusal(await runForeign(['--identity', key, sealed]), 'is confidential');
    const outcome = await runForeign(['--not-confidential', '--identity', key, sealed]);
    expectRefusal(outcome, /run from memory, where its interpreter, .*, could not open it/);
  });

  test('qemu would take a #! line for the beginning of the program', async () => {
    expectRefusal(await runForeign([file('own', behindLine(ARM_PROGRAM))], { env: WITH_FAKES }), '#! line');
  });
});

const start = (name: string, description: WasmDescription) => file(`${name}.wasm`, writeWasm(description));

/** Prints what `names_get` writes: strings with a NUL behind each. At 16 their number, at 20 their size. */
function printingAll(names: 'args' | 'environ'): WasmDescription {
  const load = (address: number) => [...i32(address), 0x28, 2, 0];
  const store = 0x36;
  return {
    imports: [
      { name: `${names}_sizes_get`, parameters: [I32, I32], result: true },
      { name: `${names}_get`, parameters: [I32, I32], result: true },
      { name: 'fd_write', parameters: [I32, I32, I32, I32], result: true },
    ],
    code: [
      ...[...i32(16), ...i32(20), ...call(0), ...DROP],
      ...[...i32(1024), ...i32(4096), ...call(1), ...DROP],
      ...[...i32(0), ...i32(4096), store, 2, 0],
      ...[...i32(4), ...load(20), store, 2, 0],
      ...[...i32(1), ...i32(0), ...i32(1), ...i32(8), ...call(2), ...DROP],
    ],
  };
}

/** Ends with the errno of opening `path` in the directory that is open as `fd`. */
function opening(fd: number, path: string): WasmDescription {
  const PATH_AT = 64;
  const data = Buffer.alloc(PATH_AT + path.length);
  data.write(path, PATH_AT, 'latin1');
  const i64 = (value: number) => [0x42, value];
  return {
    imports: [
      { name: 'path_open', parameters: [I32, I32, I32, I32, I32, I64, I64, I32, I32], result: true },
      { name: 'proc_exit', parameters: [I32], result: false },
    ],
    data,
    code: [
      ...[...i32(fd), ...i32(1), ...i32(PATH_AT), ...i32(path.length), ...i32(0)],
      ...[...i64(2), ...i64(2), ...i32(0), ...i32(8), ...call(0), ...call(1)],
    ],
  };
}

const WASI_SUCCESS = 0;
const WASI_EBADF = 8;
const WASI_ENOENT = 44;

describe('WebAssembly runs', () => {
  test('the sample', async () => {
    const outcome = await runForeign(['wasm/hello']);
    expect(outcome).toEqual({ status: 0, stdout: 'hello from WebAssembly\n', stderr: '' });
  });

  test('to its end, in both versions of WASI, and behind a #! line', async () => {
    const hello = { status: 7, stdout: 'hello\n', stderr: '' };
    expect(await runForeign([start('hello', printing('hello\n', 7))])).toEqual(hello);
    const unstable = { ...printing('hello\n', 7), module: 'wasi_unstable' };
    expect(await runForeign([start('unstable', unstable)])).toEqual(hello);
    const own = file('own-hello', behindLine(writeWasm(printing('hello\n', 7))));
    expect(await run(own)).toEqual(hello);
  });

  test('with its arguments and environment', async () => {
    const args = start('args', printingAll('args'));
    const given = ['--dir=/', '--', '', 'ü'];
    const outcome = await runForeign(['--argv0=--dir=x', args, ...given]);
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(Buffer.from(outcome.stdout, 'latin1').toString()).toBe(`${['--dir=x', ...given].join('\0')}\0`);
    const environ = start('environ', printingAll('environ'));
    const env = await runForeign(['--env', 'GREETING=hello', environ]);
    expect(env.stdout.split('\0')).toContain('GREETING=hello');
  });

  test('and sees the current directory, those of the root, or what the user names', async () => {
    const relative = start('relative', opening(3, 'hello.wasm'));
    start('hello', printing('hello\n', 7));
    const cwd = realpathSync(directory.path);
    const statusOf = async (program: string, ...options: string[]) =>
      (await runForeign([...options, program], { cwd })).status;
    expect(await statusOf(relative)).toBe(WASI_SUCCESS);
    expect(await statusOf(start('missing', opening(3, 'missing')))).toBe(WASI_ENOENT);
    expect(await statusOf(start('root', opening(4, '.')))).toBe(WASI_SUCCESS);
    expect(await statusOf(relative, '--loader-opt', 'wasm.dir=')).toBe(WASI_EBADF);
    expect(await statusOf(relative, '--loader-opt', `wasm.dir=${cwd}::/data`)).toBe(WASI_SUCCESS);
    expect(await statusOf(start('second', opening(4, '.')), '--loader-opt', 'wasm.dir=.')).toBe(WASI_EBADF);
  });
});

describe('WebAssembly ends', () => {
  test('by a trap, which is told', async () => {
    const outcome = await runForeign([start('trap', { code: UNREACHABLE })]);
    expectRefusal(outcome, /trap\.wasm: trap: unreachable \(in wasm-function\[0\]/, 134);
  });

  test('when it calls itself without end', async () => {
    expectRefusal(await runForeign([start('deep', { code: call(0) })]), 'call stack exhausted', 134);
  });

  test('before it begins, where V8 or its host takes it not', async () => {
    const invalid = start('invalid', { code: [0x6a] });
    expectRefusal(await runForeign([invalid]), 'is no WebAssembly that Node can run');
    const unknown = { imports: [{ name: 'no_such_call', parameters: [], result: false }] };
    expectRefusal(await runForeign([start('unknown', unknown)]), 'no_such_call');
    const program = start('hello', printing('hello\n', 7));
    const missing = join(directory.path, 'missing');
    const outcome = await runForeign(['--loader-opt', `wasm.dir=${missing}`, program]);
    expectRefusal(outcome, 'its directories cannot be opened');
  });
});
