/** A program of this machine, started as a child by Node and by us: whoever starts it, and the program itself, see the same. */
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { type SpawnForeignOptions, spawnForeign } from '../../src/index.ts';
import { SAMPLES, temporary } from '../support/run.ts';
import { both, type Treatment, watch } from './compare.ts';

const directory = temporary();
afterAll(directory.remove);
mkdirSync(join(directory.path, 'bin'));
symlinkSync('/bin/cat', join(directory.path, 'bin/own-cat'));
directory.file('script', '#!/bin/sh\necho "$0" "$@"\n');
directory.file('bin/script', '#!/bin/sh\necho "$0" "$@"\n');

const feed =
  (text: string): Treatment =>
  ({ stdin }) =>
    stdin?.end(text);
const kill =
  (signal: NodeJS.Signals | number): Treatment =>
  (child) => {
    child.stdout?.once('data', () => child.kill(signal));
  };
const WAIT = 'echo; exec sleep 60';

type Case = [
  what: string,
  program: string,
  args: readonly string[],
  options?: (() => SpawnForeignOptions) | undefined,
  treat?: Treatment,
];

const cases: Case[] = [
  ['its exit status', 'sh', ['-c', 'exit 7']],
  ['a signal that it sends itself', 'sh', ['-c', 'kill -SEGV $$']],
  ['a signal from child.kill', 'sh', ['-c', WAIT], undefined, kill('SIGINT')],
  ['SIGKILL by its number', 'sh', ['-c', WAIT], undefined, kill(9)],
  [
    'a signal that it handles',
    'sh',
    ['-c', 'trap "echo got; exit 3" TERM; echo; while :; do sleep 0.01; done'],
    undefined,
    kill('SIGTERM'),
  ],
  ['signals that are ignored or blocked', 'grep', ['^Sig[BIC]', '/proc/self/status']],
  ['standard input through a pipe', 'cat', [], undefined, feed('in\nand out\n')],
  ['standard input that nobody reads', 'true', [], undefined, feed('x'.repeat(1e6))],
  ['no standard input', 'cat', [], () => ({ stdio: ['ignore', 'pipe', 'pipe'] })],
  ['both outputs', 'sh', ['-c', 'echo out; echo err >&2']],
  [
    'pipes from descriptor 3 on',
    'sh',
    ['-c', 'echo three >&3; echo five >&5'],
    () => ({ stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'ignore', 'pipe'] }),
  ],
  ['a stdio of one', 'sh', ['-c', 'echo out'], () => ({ stdio: ['ignore'] })],
  ['no streams at all', 'sh', ['-c', 'echo out'], () => ({ stdio: 'ignore' })],
  [
    'its descriptors',
    'sh',
    ['-c', 'exec ls -l /proc/self/fd | sed "s/.* //; s/[0-9]*//g"'],
    () => ({ stdio: ['ignore', 'pipe', 'ignore', 'ignore', 'ignore'] }),
  ],
  [
    'more descriptors than this process has open',
    'sh',
    ['-c', 'exec ls /proc/self/fd | wc -l'],
    () => ({ stdio: Array.from({ length: 300 }, (_, fd) => (fd === 1 ? 'pipe' : 'ignore')) }),
  ],
  [
    'its environment',
    'env',
    [],
    () => ({ env: { B: '2', A: 'ä=1', EMPTY: '', PATH: process.env['PATH'], GONE: undefined } }),
  ],
  ['the environment of the caller', 'env', []],
  ['argv[0]', 'cat', ['/proc/self/cmdline'], () => ({ argv0: 'someone else' })],
  ['an empty argument', 'cat', ['--', '/proc/self/cmdline', ''], undefined],
  ['long arguments', 'printf', ['%s', 'ü'.repeat(50_000)]],
  ['the short name', 'cat', ['/proc/self/comm']],
  ['the directory it starts in', 'pwd', [], () => ({ cwd: directory.path })],
  ['the directory as a URL', 'pwd', [], () => ({ cwd: pathToFileURL(directory.path) })],
  ['a name relative to that', './bin/own-cat', ['/proc/self/cmdline'], () => ({ cwd: directory.path })],
  [
    'PATH of the environment',
    'own-cat',
    ['/proc/self/comm'],
    () => ({ env: { PATH: join(directory.path, 'bin') } }),
  ],
  ['a relative PATH', 'own-cat', ['/proc/self/comm'], () => ({ cwd: directory.path, env: { PATH: 'bin' } })],
  ['no PATH', 'cat', ['/proc/self/environ'], () => ({ env: { A: '1' } })],
  ['a script', './script', ['a', 'b'], () => ({ cwd: directory.path })],
  ['a script in PATH', 'script', ['a'], () => ({ env: { PATH: join(directory.path, 'bin') } })],
  ['a script and argv[0]', './script', ['a'], () => ({ cwd: directory.path, argv0: 'lost' })],
  [
    'a session of its own',
    'sh',
    ['-c', 'cut -d" " -f1,5,6 /proc/$$/stat | tr " " "\\n" | uniq | wc -l'],
    () => ({ detached: true }),
  ],
  ['a timeout', 'sleep', ['60'], () => ({ timeout: 50 })],
  ['a timeout and its signal', 'sleep', ['60'], () => ({ timeout: 50, killSignal: 'SIGUSR1' })],
  ['a timeout that is not needed', 'true', [], () => ({ timeout: 60_000 })],
  ['an AbortSignal', 'sleep', ['60'], () => ({ signal: AbortSignal.timeout(50) })],
  [
    'an AbortSignal and the signal it sends',
    'sleep',
    ['60'],
    () => ({ signal: AbortSignal.timeout(50), killSignal: 'SIGHUP' }),
  ],
  ['limits', 'cat', ['/proc/self/limits']],
  ['the auxiliary vector, but for what is random', 'env', ['LD_SHOW_AUXV=1', 'sh', '-c', ':']],
];

describe('as child_process.spawn', () => {
  test.each(cases)('%s', async (_, program, args, options, treat) => {
    const { native, foreign } = await both(program, args, options, treat);
    expect(plain(foreign)).toEqual(plain(native));
  });

  test.skipIf(process.getuid?.() !== 0).each<Case>([
    [
      'another user',
      'sh',
      ['-c', 'id -u; id -g; id -G; grep ^Cap /proc/self/status'],
      () => ({ uid: 65534, gid: 65534 }),
    ],
    [
      'another user, who runs a static program',
      join(SAMPLES, 'elf/x86_64/hello-static'),
      [],
      () => ({ uid: 65534, gid: 65534, cwd: '/' }),
    ],
    ['another group', 'id', ['-g'], () => ({ gid: 1 })],
  ])('%s', async (_, program, args, options, treat) => {
    const { native, foreign } = await both(program, args, options, treat);
    expect(plain(foreign)).toEqual(plain(native));
  });

  test('its maps', async () => {
    const { native, foreign } = await both('cat', ['/proc/self/maps']);
    const shape = (maps = '') => maps.replace(/^\S+ (\S+) (\S+) \S+ \d+ */gm, '$1 $2 ');
    expect(shape(foreign.output[0])).toBe(shape(native.output[0]));
  });

  test('files as streams', async () => {
    const outputs = [];
    for (const name of ['native', 'foreign']) {
      const file = join(directory.path, name);
      const fd = openSync(file, 'w');
      const options = () => ({ stdio: ['ignore', fd, 'pipe', fd] as const });
      const args = ['-c', 'echo out; echo three >&3'];
      const child =
        name === 'native'
          ? (await import('node:child_process')).spawn('sh', args, { stdio: [...options().stdio] })
          : await spawnForeign('sh', args, options());
      const seen = await watch(child);
      closeSync(fd);
      outputs.push([readFileSync(file, 'utf8'), seen.status, seen.output]);
    }
    expect(outputs[1]).toEqual(outputs[0]);
    expect(outputs[0]?.[0]).toBe('out\nthree\n');
  });

  test("standard streams that are the caller's own", async () => {
    const child = await spawnForeign('sh', ['-c', 'readlink /proc/self/fd/2 >&3'], {
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    });
    const { output } = await watch(child);
    const { readlinkSync } = await import('node:fs');
    expect(output[2]).toBe(`${readlinkSync('/proc/self/fd/2')}\n`);
  });

  test('large output', async () => {
    const { native, foreign } = await both('head', ['-c', '30000000', '/dev/zero']);
    expect(foreign.output[0]?.length).toBe(30_000_000);
    expect(foreign).toEqual(native);
  });

  test('a process that outlives nobody is killed by its group', async () => {
    const child = await spawnForeign('sh', ['-c', 'sleep 60 & echo; wait'], { detached: true });
    const { signal } = await watch(child, ({ pid = 0, stdout }) => {
      stdout?.once('data', () => process.kill(-pid, 'SIGTERM'));
    });
    expect(signal).toBe('SIGTERM');
  });
});

/** No PIDs, no random addresses. */
function plain<T extends { output: readonly (string | undefined)[] }>(seen: T): T {
  return { ...seen, output: seen.output.map((text) => text?.replace(/pipe:\[\d+\]|\b0x[0-9a-f]{6,}/g, 'N')) };
}

describe('what the kernel cannot start', () => {
  test.each(['aout/tally-qmagic', 'gzip/tally-static.gz', 'manifest/tally.json', 'zstd/tally-qmagic.zst'])(
    '%s',
    async (sample) => {
      const child = await spawnForeign(join(SAMPLES, sample), ['words.txt'], {
        cwd: join(SAMPLES, 'inputs'),
      });
      const { status, output } = await watch(child);
      expect(output).toEqual([expect.stringMatching(/3 6 30 words\.txt\n$/), '']);
      expect(status).toBe(0);
    },
  );

  test('bytes', async () => {
    const bytes = readFileSync(join(SAMPLES, 'elf/x86_64/tally-static'));
    const child = await spawnForeign(bytes, ['-'], { name: 'counting' });
    bytes.fill(0);
    const { output } = await watch(child, feed('one two\n'));
    expect(output).toEqual(['1 2 8 -\n', '']);
    expect(child.spawnargs).toEqual(['counting', '-']);
  });

  test('a file: URL', async () => {
    const url = pathToFileURL(join(SAMPLES, 'aout/hello-qmagic'));
    const { status } = await watch(await spawnForeign(url));
    expect(status).toBe(0);
  });
});

test('no event is told before the caller has the child', async () => {
  const events: string[] = [];
  const child: ChildProcess = await spawnForeign('true');
  for (const event of ['spawn', 'exit', 'close']) child.on(event, () => events.push(event));
  await new Promise((resolve) => child.on('close', resolve));
  expect(events).toEqual(['spawn', 'exit', 'close']);
});
