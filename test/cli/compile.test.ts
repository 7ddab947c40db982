/** `run-foreign compile`: files that start by themselves as the programs they were made of do, and what is refused. */
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256, testServer } from '../support/http-server.ts';
import {
  NODE_PATH,
  type Outcome,
  quote,
  ROOT,
  run,
  runForeign,
  SAMPLES,
  SHELL_COMMAND,
  sh,
  temporary,
} from '../support/run.ts';
import { keyPair, sealFor, sealWith } from '../support/sealed.ts';

const directory = temporary();
afterAll(directory.remove);

const QUIET: Outcome = { status: 0, stdout: '', stderr: '' };
const STATIC = join(SAMPLES, 'elf/x86_64/tally-static');
const FLAT = join(SAMPLES, 'flat/tally-x86_64');
const UNPRIVILEGED = 'setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all';
let folders = 0;

/** A path in a folder of its own. */
function place(name: string): string {
  const folder = join(directory.path, `folder-${++folders}`);
  mkdirSync(folder);
  return join(folder, name);
}

async function compiled(program: string, name = basename(program), options: readonly string[] = []) {
  const output = place(name);
  expect(await runForeign(['compile', ...options, program, '-o', output])).toEqual(QUIET);
  return output;
}

describe('the file', () => {
  test('is the same wherever and whenever it is made, and says nothing of where', async () => {
    const copy = directory.file('elsewhere/tally-static', readFileSync(STATIC));
    const [one, two] = [await compiled(STATIC), await compiled(copy)];
    const bytes = readFileSync(one);
    expect(readFileSync(two).equals(bytes)).toBe(true);
    const { stdout } = await runForeign(['compile', './tally-static', '-o', '-'], { cwd: dirname(copy) });
    expect(Buffer.from(stdout, 'latin1').equals(bytes)).toBe(true);
    expect(bytes.includes(dirname(copy))).toBe(false);
    expect(bytes.includes(SAMPLES)).toBe(false);
  });

  test('can be executed by whom the umask lets, and stands alone in its folder', async () => {
    const output = place('tally');
    const { status } = await sh(`umask 027; exec ${SHELL_COMMAND} compile "$1" -o "$2"`, [STATIC, output]);
    expect(status).toBe(0);
    expect((lstatSync(output).mode & 0o7777).toString(8)).toBe('750');
    expect(readdirSync(dirname(output))).toEqual(['tally']);
  });

  test('holds a program of several pieces byte for byte', async () => {
    const program = Buffer.alloc(9 * 2 ** 20 + 123, readFileSync(FLAT));
    for (let at = 2 ** 20; at + 4 <= program.length; at += 4096) program.writeUInt32LE(at, at);
    const file = directory.file('large', program);
    const bytes = readFileSync(await compiled(file, 'large', ['--format', 'flat']));
    const from = bytes.indexOf(program.subarray(0, 4096));
    expect(from % 4096).toBe(0);
    expect(bytes.subarray(from, from + program.length).equals(program)).toBe(true);
    expect(bytes.subarray(from + program.length).every((byte) => byte === 0)).toBe(true);
  });

  test('takes the place of another only with --force', async () => {
    const output = await compiled(STATIC, 'tally');
    const before = readFileSync(output);
    const args = ['compile', join(SAMPLES, 'aout/tally-qmagic'), '-o', output];
    const refused = await runForeign(args);
    expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining('--force') });
    expect(readFileSync(output).equals(before)).toBe(true);
    expect(await runForeign([...args, '-f'])).toEqual(QUIET);
    expect(readFileSync(output).equals(before)).toBe(false);
  });

  test('may replace the program itself', async () => {
    const file = directory.file('itself', gzipSync(readFileSync(STATIC)));
    expect(await runForeign(['compile', file, '-f', '-o', file])).toEqual(QUIET);
    expect(await run(file, ['inputs/words.txt'], { env: {} })).toEqual({
      ...QUIET,
      stdout: '3 6 30 inputs/words.txt\n',
    });
  });

  test('comes through a pipe as it comes from a file', async () => {
    const input = readFileSync(STATIC).toString('latin1');
    const output = place('piped');
    expect(await runForeign(['compile', '-', '-o', output], { input })).toEqual(QUIET);
    expect(await run(output, ['inputs/words.txt'], { env: {} })).toMatchObject({ status: 0 });
  });
});

test('a program from the network is compiled when it is known to be the right one', async () => {
  const bytes = readFileSync(STATIC);
  const server = await testServer({ '/tally': bytes });
  try {
    const output = place('tally');
    for (const options of [[], ['--sha256', sha256(Buffer.from('another'))]]) {
      const outcome = await runForeign(['compile', ...options, `${server.url}/tally`, '-o', output]);
      expect(outcome).toMatchObject({ status: 126, stdout: '' });
      expect(readdirSync(dirname(output))).toEqual([]);
    }
    const url = `${server.url}/tally#sha256=${sha256(bytes)}`;
    expect(await runForeign(['compile', url, '-o', output])).toEqual(QUIET);
    expect(await run(output, [], { env: {}, input: 'a b\n' })).toEqual({ ...QUIET, stdout: '1 2 4 -\n' });
    const local = await compiled(directory.file('local/tally', bytes));
    expect(readFileSync(output).equals(readFileSync(local))).toBe(true);
  } finally {
    await server.close();
  }
});

describe('a compiled program', () => {
  let cat: string;
  let shell: string;
  beforeAll(async () => {
    cat = await compiled('/bin/cat');
    shell = await compiled('/bin/sh');
  });

  /** What both programs write about themselves when they get `args`; the file's name is no difference. */
  async function bothSay(args: readonly string[], env: Readonly<Record<string, string>>) {
    const [native, ours] = await Promise.all(
      ['/bin/cat', cat].map((file) => run(file, args, { env, argv0: 'the name' })),
    );
    expect(ours).toEqual(native);
    return ours as Outcome;
  }

  test('gets its arguments as they are', async () => {
    const { stdout } = await bothSay(['/proc/self/cmdline', '', 'with space', "'", '-'], {});
    expect(stdout).toBe("the name\0/proc/self/cmdline\0\0with space\0'\0-\0");
  });

  test('gets bytes that are no text', async () => {
    const { stdout } = await sh(`${quote(cat)} /proc/self/cmdline "$(printf '\\377\\200x')"`);
    expect(stdout).toBe(`${cat}\0/proc/self/cmdline\0\xff\x80x\0`);
  });

  test('gets its environment, and an empty one', async () => {
    const { stdout } = await bothSay(['/proc/self/environ'], { A: '1', EMPTY: '', PATH: '/nowhere' });
    expect(stdout).toBe('A=1\0EMPTY=\0PATH=/nowhere\0');
    expect((await bothSay(['/proc/self/environ'], {})).stdout).toBe('');
  });

  test('gets more than a megabyte of both', async () => {
    const words = Array.from({ length: 14 }, (_, index) => String.fromCharCode(97 + index).repeat(50_001));
    const env = Object.fromEntries(words.map((word, index) => [`V${index}`, word]));
    const { stdout } = await bothSay(['/proc/self/cmdline', '/proc/self/environ', ...words], env);
    expect(stdout.length).toBeGreaterThan(1_400_000);
  });

  test.each(['c', 'a-name-of-fifteen', 'a name of more than fifteen bytes', 'x'.repeat(255)])(
    'is called by its file, %s',
    async (name) => {
      const file = await compiled('/bin/cat', name);
      expect((await run(file, ['/proc/self/comm'], { env: {} })).stdout).toBe(`${name.slice(0, 15)}\n`);
    },
  );

  test('is started by a short path, and by a long one', async () => {
    const { stdout } = await run('./cat', ['/proc/self/comm'], { env: {}, cwd: dirname(cat) });
    expect(stdout).toBe('cat\n');
    const long = `${dirname(cat)}/${'./'.repeat(1900)}cat`;
    expect((await run(long, ['/proc/self/comm'], { env: {} })).stdout).toBe('cat\n');
  });

  test('is the file /proc/PID/exe names', async () => {
    const readlink = await compiled('/bin/readlink');
    expect((await run(readlink, ['/proc/self/exe'], { env: {} })).stdout).toBe(`${readlink}\n`);
  });

  test('leaves no descriptor open', async () => {
    const ls = await compiled('/bin/ls');
    const names = async (file: string) => (await run(file, ['/proc/self/fd'], { env: {} })).stdout;
    expect(await names(ls)).toBe(await names('/bin/ls'));
  });

  test.each([
    ['exit 0', 0],
    ['exit 42', 42],
    ['exit 255', 255],
    ['kill -9 $$', 'SIGKILL'],
    ['kill -TERM $$', 'SIGTERM'],
  ])('ends as it likes: %s', async (script, status) => {
    expect(await run(shell, ['-c', script], { env: {} })).toEqual({ ...QUIET, status });
  });

  test('runs under run-foreign, too', async () => {
    const { stdout } = await runForeign([cat, '/proc/self/comm']);
    expect(stdout).toBe('cat\n');
  });

  test.runIf(process.getuid?.() === 0)('runs for everybody, and not for whom may not read it', async () => {
    const file = await sh(`chmod 711 ${directory.path}; exec ${UNPRIVILEGED} ${quote(cat)} /proc/self/comm`);
    expect(file).toEqual({ ...QUIET, stdout: 'cat\n' });
    const hidden = await compiled('/bin/cat', 'hidden');
    const outcome = await sh(`chmod 711 ${hidden}; exec ${UNPRIVILEGED} ${quote(hidden)} /proc/self/comm`);
    expect(outcome).toEqual({
      status: 126,
      stdout: '',
      stderr: 'run-foreign: cat: cannot open its own file: EACCES\n',
    });
  });

  test('says so when its file was cut off', async () => {
    const bytes = readFileSync(cat);
    for (const size of [bytes.length - 1, bytes.length - 4096, 16_384]) {
      const file = directory.file(`cut-${size}`, bytes.subarray(0, size));
      expect(await run(file, [], { env: {} })).toEqual({
        status: 126,
        stdout: '',
        stderr: 'run-foreign: cat: its own file is not as long as it was made: EIO\n',
      });
    }
  });
});

describe('is refused, and no file is left:', () => {
  async function expectRefused(program: string, why: RegExp, env: Readonly<Record<string, string>> = {}) {
    const output = place('refused');
    const { status, stdout, stderr } = await runForeign(['compile', program, '-o', output], {
      env: { PATH: NODE_PATH, ...env },
    });
    expect({ status, stdout }).toEqual({ status: 126, stdout: '' });
    expect(stderr).toMatch(why);
    expect(stderr.split('\n')).toHaveLength(2);
    expect(existsSync(output)).toBe(false);
    expect(readdirSync(dirname(output))).toEqual([]);
  }

  test('what is sealed, with the key to it and without', async () => {
    const key = await keyPair();
    const file = directory.file('sealed', await sealFor(readFileSync(STATIC), key.recipient));
    const keyFile = directory.file('key', `${key.secret}\n`, 0o600);
    const why = /sealed(\.gz)?: is sealed, .*run-foreign unseal/;
    await expectRefused(file, why);
    await expectRefused(file, why, { RUN_FOREIGN_IDENTITY: keyFile });
    await expectRefused(file, why, { RUN_FOREIGN_IDENTITY: keyFile, RUN_FOREIGN_NOT_CONFIDENTIAL: '1' });
    const packed = directory.file('sealed.gz', gzipSync(readFileSync(file)));
    await expectRefused(packed, why);
    await expectRefused(
      directory.file('sealed-p', await sealWith(readFileSync(STATIC), 'secret')),
      /is sealed, /,
    );
  });

  test('what begins with a stack of its loader, and not what has the kernel’s', async () => {
    const toy = readFileSync(join(ROOT, 'test/programs/loaders/toy.ts'), 'utf8');
    // mov edi, 7; mov eax, 60; syscall
    const code = Buffer.from('bf07000000b83c0000000f05', 'hex');
    const header = Buffer.alloc(16);
    header.write('TOY1');
    header.writeUInt32LE(code.length, 4);
    header.writeBigUInt64LE(0n, 8);
    const program = directory.file('toy', Buffer.concat([header, code]));
    const loader = (name: string, text: string) => directory.file(`${name}.ts`, text, 0o644);
    const own = loader('own', toy.replace("layout: 'sysv'", 'layout: () => ({}) as never'));
    await expectRefused(program, /cannot be compiled: it begins with a stack that the loader of toy makes/, {
      RUN_FOREIGN_LOADERS: own,
    });
    const output = await compiled(program, 'toy', ['--loader', loader('kernel', toy)]);
    expect(await run(output, [], { env: {} })).toEqual({ ...QUIET, status: 7 });
  });

  test('a script', async () => {
    const file = directory.file('script', '#!/bin/sh\nexit 0\n');
    await expectRefused(file, /script: cannot be compiled: it is run by another program, \/bin\/sh/);
  });

  test('a manifest that adds arguments, environment or a name, and not one that only names', async () => {
    const manifest = (more: object) => JSON.stringify({ 'run-foreign': 1, program: STATIC, ...more });
    for (const more of [{ args: ['x'] }, { env: { A: '1' } }, { argv0: 'other' }]) {
      const file = directory.file(`manifest-${Object.keys(more)}.json`, manifest(more));
      await expectRefused(file, /cannot be compiled: it gets arguments or environment from /);
    }
    const output = await compiled(directory.file('manifest.json', manifest({})), 'named');
    expect(readFileSync(output).includes(readFileSync(STATIC).subarray(0, 4096))).toBe(true);
  });

  test('what was compiled', async () => {
    await expectRefused(await compiled(STATIC), /was made by run-foreign compile; copy it/);
    await expectRefused(
      await compiled(join(SAMPLES, 'aout/tally-qmagic')),
      /was made by run-foreign compile/,
    );
  });

  test('what is no program', async () => {
    await expectRefused(directory.file('text', 'no program\n'), /is in no format/);
  });

  test('what is damaged behind its headers', async () => {
    const bytes = gzipSync(readFileSync(STATIC));
    bytes.writeUInt32LE(0, bytes.length - 8);
    await expectRefused(directory.file('damaged.gz', bytes), /damaged.gz: /);
  });
});
