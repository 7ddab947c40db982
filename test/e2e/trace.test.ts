/** `--trace`: what is told of each kind of start, of each kind of failure, and what never is. */
import { spawn } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { sha256, testServer } from '../support/http-server.ts';
import { expectRefusal } from '../support/refusal.ts';
import {
  behindLine,
  COMMAND,
  NODE_HALF,
  NODE_PATH,
  run,
  runForeign,
  SAMPLES,
  SHELL_COMMAND,
  sh,
  temporary,
} from '../support/run.ts';
import { keyPair, sealFor } from '../support/sealed.ts';
import { stepsOf, tracedEvents } from '../support/trace.ts';

const directory = temporary();
const { file } = directory;
afterAll(directory.remove);
const sample = (name: string) => readFileSync(join(SAMPLES, name));

const BEFORE = ['launcher', 'node', 'command', 'loaders'];
const AFTER = ['plan', 'memory-file', 'stub', 'exec'];
const trace = async (...args: string[]) => {
  const outcome = await runForeign(['--trace=json', ...args]);
  return { ...outcome, ...tracedEvents(outcome.stderr) };
};

describe('a start', () => {
  test('of a plain program: every step, each after the other, and the last is the exec of its process', async () => {
    const { stdout, events, others, status } = await trace('/bin/sh', '-c', 'echo $$; echo mine >&2');
    expect({ status, others }).toEqual({ status: 0, others: ['mine'] });
    expect(stepsOf(events)).toEqual([
      ...BEFORE,
      'open program',
      'ask elf',
      'open interpreter',
      'load elf image',
      ...AFTER,
    ]);
    const ends = events.slice(1).map(({ at_ms, duration_ms }) => at_ms + duration_ms);
    expect(ends.every((end, index) => index === 0 || end >= (ends[index - 1] ?? 0) - 0.01)).toBe(true);
    expect(events.at(-1)).toMatchObject({
      event: 'exec',
      by: 'launcher',
      pid: Number(stdout),
      duration_ms: 0,
    });
    expect(events[0]).toMatchObject({ event: 'launcher', pid: Number(stdout), resolution_ms: 10 });
    const load = events.find(({ event }) => event === 'load');
    expect(load).toMatchObject({ loader: 'elf', format: 'elf', arch: 'x86_64', file: '/bin/sh' });
  });

  test('asks each loader once, and says what it answered', async () => {
    const { events } = await trace('aout/hello-qmagic');
    const { stdout } = await runForeign(['formats', '--json']);
    const asked = events.filter(({ event }) => event === 'ask');
    // The loader of raw images is asked when nobody else has claimed the file.
    const names = (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
    expect(asked.map(({ loader }) => loader)).toEqual(names.filter((name) => name !== 'flat'));
    expect(asked.filter(({ verdict }) => verdict !== 'none').map(({ loader }) => loader)).toEqual(['aout']);
  });

  test('of a packed program: what it was packed with, and the vault', async () => {
    const { events, stdout } = await trace('gzip/tally-static.gz', 'inputs/words.txt');
    expect(stdout).toBe('3 6 30 inputs/words.txt\n');
    expect(stepsOf(events)).toEqual([
      ...BEFORE,
      'open program',
      'ask gzip',
      'load gzip wrapper',
      'ask elf',
      'load elf image',
      'plan',
      'vault',
      ...AFTER.slice(1),
    ]);
    expect(events.find(({ result }) => result === 'wrapper')).toMatchObject({ bytes: 8904 });
  });

  test('of scripts: who runs them', async () => {
    const path = file('script', '#!/bin/sh\necho hello\n');
    const { events, stdout } = await trace(path);
    expect(stdout).toBe('hello\n');
    expect(stepsOf(events).slice(4, 9)).toEqual([
      'open program',
      'ask script',
      'load script interpreter',
      'open interpreter',
      'ask elf',
    ]);
    expect(events.find(({ result }) => result === 'interpreter')).toMatchObject({ program: '/bin/sh' });
    const behind = await trace(file('behind', behindLine(sample('aout/hello-qmagic'))));
    expect(stepsOf(behind.events)).toContain('load script wrapper');
    expect(stepsOf(behind.events)).toContain('load aout image');
  });

  test('of a manifest: what it means', async () => {
    const { events } = await trace('manifest/tally.json', 'inputs/words.txt');
    expect(stepsOf(events)).toEqual(expect.arrayContaining(['load manifest program', 'load gzip wrapper']));
    expect(events.find(({ result }) => result === 'program')).toMatchObject({
      program: '../gzip/tally-static.gz',
    });
  });

  test('without the launcher: this process executes', async () => {
    const { status, stderr } = await run(process.execPath, [NODE_HALF, '--trace=json', '/bin/true']);
    const { events } = tracedEvents(stderr);
    expect(status).toBe(0);
    expect(events.map(({ event }) => event)).not.toContain('launcher');
    expect(events.at(-1)).toMatchObject({ event: 'exec', by: 'node' });
  });

  test('that has been kept is made anew', async () => {
    const env = { PATH: NODE_PATH, XDG_CACHE_HOME: join(directory.path, 'cache') };
    mkdirSync(env.XDG_CACHE_HOME, { mode: 0o700 });
    const start = (more = {}) => runForeign(['elf/x86_64/hello-static'], { env: { ...env, ...more } });
    const plain = await start();
    expect(await start()).toEqual(plain);
    const traced = await start({ RUN_FOREIGN_TRACE: 'json' });
    expect(traced.stdout).toBe(plain.stdout);
    expect(tracedEvents(traced.stderr).events.at(-1)).toMatchObject({ event: 'exec' });
  });
});

describe('other commands', () => {
  test.each([
    ['plan', [], ['plan', 'end']],
    ['inspect', [], ['load elf image', 'end']],
    ['compile', ['-o', join(directory.path, 'compiled')], ['plan', 'write', 'end']],
  ])('%s ends with its status', async (command, more, last) => {
    const outcome = await runForeign([command, '--trace=json', 'elf/x86_64/hello-static', ...more]);
    const { events, others } = tracedEvents(outcome.stderr);
    expect({ status: outcome.status, others }).toEqual({ status: 0, others: [] });
    expect(stepsOf(events).slice(-last.length)).toEqual(last);
    expect(events.at(-1)).toMatchObject({ status: 0 });
  });
});

describe('what fails is told last, with its code, and the step before it is the one', () => {
  test.each([
    ['./no-such-program', 'PROGRAM_NOT_FOUND', 'open', 127],
    ['./samples.json', 'NOT_EXECUTABLE', 'open', 126],
    [file('half', sample('elf/x86_64/tally-static').subarray(0, 4000)), 'BAD_FORMAT', 'load', 126],
    [file('cut', sample('gzip/tally-static.gz').subarray(0, 1000)), 'BAD_FORMAT', 'load', 126],
  ])('%s', async (program, code, event, status) => {
    const outcome = await trace(program);
    expect(outcome.status).toBe(status);
    const [step, last] = outcome.events.slice(-2);
    expect(step).toMatchObject({ event, failed: code });
    expect(last).toMatchObject({ event: 'error', code, status });
    // The line is the one that comes without a trace.
    const { stderr } = await runForeign([program]);
    expect(`${outcome.others.join('\n')}\n`).toBe(stderr);
    expect(stderr).toContain(String(last?.['message']));
  });

  test('an unknown format: everybody has said no', async () => {
    const { events, status } = await trace(file('notes', 'nothing in particular'));
    expect(status).toBe(126);
    const asked = events.filter(({ event }) => event === 'ask');
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.every(({ verdict }) => verdict === 'none')).toBe(true);
    expect(events.at(-1)).toMatchObject({ event: 'error', code: 'UNKNOWN_FORMAT', status: 126 });
  });

  test('a start for which the machine has no room', async () => {
    const { stderr } = await sh(`ulimit -f 0; exec ${SHELL_COMMAND} --trace=json /bin/true`);
    expect(tracedEvents(stderr).events.at(-1)).toMatchObject({ event: 'error', code: 'MACHINE_REFUSED' });
  });
});

describe('a sealed program', async () => {
  const { secret, recipient } = await keyPair();
  const key = file('key', `${secret}\n`, 0o600);
  const sealed = async (bytes: Uint8Array) => file('sealed', await sealFor(bytes, recipient));
  /** All that is not the same at every start, or known of the file from outside. */
  const comparable = async (bytes: Uint8Array, ...options: string[]) => {
    const { events, others } = await trace('-i', key, ...options, await sealed(bytes));
    return {
      others,
      events: events.map(({ at_ms, duration_ms, pid, ...rest }) =>
        rest.event === 'open' ? { ...rest, bytes: 0 } : rest,
      ),
    };
  };
  const elf = sample('elf/x86_64/hello-static');

  test('gives the same trace whatever is in it', async () => {
    const one = await comparable(elf);
    expect(one.events.map(({ event }) => event)).toEqual(expect.arrayContaining(['keys', 'vault', 'exec']));
    expect(one.events.find(({ event }) => event === 'load')).toMatchObject({
      loader: 'age',
      result: 'wrapper',
      confidential: true,
    });
    expect(one.events.find(({ event }) => event === 'keys')).toEqual({
      event: 'keys',
      kind: 'identities',
      files: 1,
    });
    expect(one.others).toEqual([]);
    for (const other of [sample('aout/hello-qmagic'), gzipSync(elf), sample('elf/x86_64/hello-dynamic-pie')])
      expect(await comparable(other)).toEqual(one);
  });

  test('and whatever is wrong with it, but for the code', async () => {
    const { events } = await comparable(sample('elf/x86_64/tally-static').subarray(0, 4000));
    expect(events.at(-1)).toMatchObject({ event: 'error', code: 'BAD_FORMAT' });
    expect(JSON.stringify(events)).not.toContain('x86_64');
    // Nobody was asked about what is inside: each loader once about the sealed file.
    const asked = events.filter(({ event }) => event === 'ask').map(({ loader }) => loader);
    expect(new Set(asked).size).toBe(asked.length);
  });

  test('names neither the key nor where it lies', async () => {
    const { stderr } = await trace('-i', key, await sealed(elf));
    expect(stderr).not.toContain(key);
    expect(stderr.toUpperCase()).not.toContain(secret.slice(15, 40).toUpperCase());
  });

  test('is told of like any other with --not-confidential', async () => {
    const { events } = await comparable(elf, '--not-confidential');
    expect(events.filter(({ event }) => event === 'load').map(({ loader }) => loader)).toEqual([
      'age',
      'elf',
    ]);
  });
});

describe('a program from the network', async () => {
  const server = await testServer();
  afterAll(() => server.close());
  const bytes = sample('elf/x86_64/hello-static');
  const url = `${server.url}/hello`;
  server.files.set('/hello', bytes);

  test('is fetched and checked when all else is known', async () => {
    const { events, stdout } = await trace(`${url}#sha256=${sha256(bytes)}`);
    expect(stdout).toMatch(/^hello/);
    expect(stepsOf(events).slice(4)).toEqual([
      'open program',
      'ask elf',
      'load elf image',
      'plan',
      'authenticate',
      'vault',
      'memory-file',
      'stub',
      'exec',
    ]);
    expect(events.find(({ event }) => event === 'authenticate')).toMatchObject({
      file: url,
      bytes: bytes.length,
    });
  });

  test('that is another is told to be so', async () => {
    const { events, status } = await trace(`${url}#sha256=${sha256(Buffer.from('another'))}`);
    expect(status).toBe(126);
    expect(events.slice(-2)).toMatchObject([
      { event: 'authenticate', failed: 'UNAUTHENTICATED' },
      { event: 'error', code: 'UNAUTHENTICATED' },
    ]);
  });
});

describe('as text', () => {
  test('a line for each step, and those who have said no together', async () => {
    const { stderr, stdout } = await runForeign(['--trace', 'gzip/tally-static.gz', 'inputs/words.txt']);
    expect(stdout).toBe('3 6 30 inputs/words.txt\n');
    const lines = stderr.trimEnd().split('\n');
    for (const line of lines) expect(line).toMatch(/^run-foreign: +-?\d+\.\d ms +(\+\d+\.\d+)? {2}\S/);
    const texts = lines.map((line) => line.slice(33));
    expect(texts.filter((line) => line.endsWith('? no')).length).toBe(3);
    expect(texts.at(-1)).toMatch(
      /^the launcher, process \d+, executes the stub: nothing is told from here on$/,
    );
  });

  test('does not take the program for its value, and takes the variable', async () => {
    const program = file('json', '#!/bin/sh\necho I am json\n');
    const env = { PATH: `${directory.path}:${NODE_PATH}` };
    expect((await runForeign(['--trace', 'json'], { env })).stdout).toBe('I am json\n');
    const twin = await runForeign([program], { env: { ...env, RUN_FOREIGN_TRACE: '1' } });
    expect(twin.stderr).toMatch(/executes the stub/);
    expect((await runForeign([program], { env: { ...env, RUN_FOREIGN_TRACE: '0' } })).stderr).toBe('');
  });

  test.each(['xml', 'JSON', '\x1b[2J'])('--trace=%j is wrong usage', async (value) => {
    expectRefusal(await runForeign([`--trace=${value}`, '/bin/true']), /--trace takes json/, 2);
  });
});

describe('names that are no text', () => {
  const name = Buffer.from('a\x1b[31m\x7f\n"\\\xff\xc2\x9b', 'latin1');
  const link = (value: string) =>
    sh(
      `ln -sf /bin/true "$(printf '${value}')" && exec ${SHELL_COMMAND} $OPTION "./$(printf '${value}')"`,
      [],
      {
        cwd: directory.path,
        env: { PATH: NODE_PATH, OPTION: option },
      },
    );
  let option = '';
  const printf = [...name].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');

  test('make valid JSON', async () => {
    option = '--trace=json';
    const { status, stderr } = await link(printf);
    const { events, others } = tracedEvents(stderr);
    expect({ status, others }).toEqual({ status: 0, others: [] });
    expect(events.find(({ event }) => event === 'open')?.['file']).toBe(`./${name}`);
  });

  test('steer no terminal', async () => {
    option = '--trace';
    const { status, stderr } = await link(printf);
    expect(status).toBe(0);
    const text = Buffer.from(stderr, 'latin1').toString();
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(text.split('\n').every((line) => line === '' || line.startsWith('run-foreign: '))).toBe(true);
  });
});

describe('who reads it stops no start', () => {
  test.each([
    ['nobody', '2>&-'],
    ['a full disk', '2> /dev/full'],
  ])('%s', async (_, redirection) => {
    const { stdout, status } = await sh(`${SHELL_COMMAND} --trace aout/hello-qmagic ${redirection}`);
    expect({ stdout: stdout.split(' ')[0], status }).toEqual({ stdout: 'hello', status: 0 });
  });

  test('somebody who goes away', async () => {
    const { stdout } = await sh(
      `{ ${SHELL_COMMAND} --trace aout/hello-qmagic 2>&1 >&3 | head -n 1 > /dev/null; } 3>&1; sleep 0.2`,
    );
    expect(stdout).toMatch(/^hello/);
  });

  test.each([
    ['2>&3', 'and may not be waited for'],
    // To open it once more is to wait for it as others do.
    ['2> "$0"', 'and would be waited for'],
  ])('somebody who does not read (%s), %s', async (redirection) => {
    const path = join(directory.path, 'fifo');
    await run('mkfifo', [path]);
    const full = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    try {
      for (;;) writeSync(full, Buffer.alloc(4096));
    } catch {
      // It is full.
    }
    try {
      const script = `exec "$@" ${redirection}`;
      const child = spawn('/bin/sh', ['-c', script, path, COMMAND, '--trace', '/bin/echo', 'hello'], {
        env: { PATH: NODE_PATH },
        // Of the first three Node makes such that are waited for.
        stdio: ['ignore', 'pipe', 'ignore', full],
        timeout: 10_000,
      });
      let stdout = '';
      child.stdout?.on('data', (piece) => {
        stdout += piece;
      });
      const status = await new Promise((resolve) => child.on('close', resolve));
      expect({ status, stdout }).toEqual({ status: 0, stdout: 'hello\n' });
    } finally {
      closeSync(full);
      rmSync(path);
    }
  });
});
