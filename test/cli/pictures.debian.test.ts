/** Pictures of what a Debian machine has: its programs, and checkpoints of processes with very many mappings. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeCheckpoint } from '../support/checkpoint.ts';
import { COMMAND, NODE_PATH, run, runForeign, temporary } from '../support/run.ts';
import { onTerminal } from '../support/terminal.ts';
import { elementsIn, readXml } from '../support/xml.ts';

const directory = temporary();
afterAll(directory.remove);
const core = join(directory.path, 'python.core');

/** Modules that are libraries of their own, and many mappings that do not touch and differ. */
const MANY = `
import ctypes, json, mmap, sqlite3, ssl, threading, time
threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
kept = [mmap.mmap(-1, 4096 * (1 + n % 7), prot=1 + 2 * (n % 2)) for n in range(400)]
print('ready', flush=True)
time.sleep(100)
`;

beforeAll(async () => {
  const python = spawn('/usr/bin/python3', ['-c', MANY], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    await once(python.stdout, 'data');
    // Descriptors that whoever runs the tests has left open are no concern of these.
    await writeCheckpoint(python.pid ?? 0, core, { skip: new Set(['pipes', 'sockets']) });
  } finally {
    python.kill('SIGKILL');
  }
});

async function drawn(args: readonly string[]): Promise<{ svg: string; words: string[] }> {
  const { status, stdout, stderr } = await runForeign(args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const lint = await run('/usr/bin/xmllint', ['--noout', '--nonet', '-'], { input: stdout });
  expect(lint).toEqual({ status: 0, stdout: '', stderr: '' });
  const svg = Buffer.from(stdout, 'latin1').toString();
  const texts = elementsIn(readXml(svg)).filter(({ name }) => name === 'text');
  return { svg, words: texts.map(({ text }) => text) };
}

describe.each(['/bin/ls', '/bin/busybox', '/usr/bin/python3'])('%s', (program) => {
  test('inspect', async () => {
    const { words } = await drawn(['inspect', '--svg', program]);
    const json = JSON.parse((await runForeign(['inspect', '--json', program])).stdout);
    for (const { address, name } of [...json.segments, ...(json.interpreter?.segments ?? [])])
      for (const word of [address, name]) expect(words).toContain(word);
  });

  test('plan', async () => {
    const { words } = await drawn(['plan', '--svg', program, '--help']);
    const json = JSON.parse((await runForeign(['plan', '--json', program, '--help'])).stdout);
    const last = String(json.steps.length);
    expect(words).toContain(last);
    for (const { op, at, what } of json.steps)
      if (op === 'mmap') expect([what, at.base, words.includes(what)]).toEqual([what, at.base, true]);
  });
});

describe('a checkpoint with hundreds of mappings', () => {
  test('inspect', async () => {
    const { svg, words } = await drawn(['inspect', '--svg', core]);
    const { mappings, threads } = JSON.parse((await runForeign(['inspect', '--json', core])).stdout).process;
    expect(mappings.length).toBeGreaterThan(200);
    expect(svg.length).toBeLessThan(200_000);
    for (const word of [mappings[0].start, mappings.at(-1).end, '[heap]', '[stack]', '[vdso]'])
      expect(words).toContain(word);
    for (const { tid, rsp } of threads) {
      expect(words).toContain(`rsp of thread ${tid}`);
      expect(words).toContain(rsp);
    }
  });

  test('plan, with the numbers of its steps', async () => {
    const { words } = await drawn(['plan', '--svg', core]);
    const { steps, threads } = JSON.parse((await runForeign(['plan', '--json', core])).stdout);
    expect(words).toContain('memory is mapped and filled');
    expect(words.some((word) => word.endsWith(`-${steps.length}`) || word === String(steps.length))).toBe(
      true,
    );
    for (const { tid } of threads) expect(words.join('\n')).toContain(`frame of thread ${tid}`);
  });
});

test('a terminal of 60 columns has lines of at most 60', async () => {
  const { status, written } = await onTerminal(`stty cols 60; ${COMMAND} inspect aout/tally-qmagic`, {
    env: { LANG: 'C.UTF-8', PATH: NODE_PATH },
  });
  expect(status).toBe(0);
  const ESC = String.fromCharCode(27);
  expect(written).toContain(`${ESC}[31m rwx! data`);
  const lines = written.slice(written.lastIndexOf('rwx bss')).split(/\r?\n/);
  const plain = lines.slice(1).map((line) =>
    line
      .split(ESC)
      .map((part, index) => (index === 0 ? part : part.replace(/^\[\d+m/, '')))
      .join(''),
  );
  expect(plain.length).toBeGreaterThan(8);
  expect(Math.max(...plain.map((line) => line.length))).toBeLessThanOrEqual(60);
});

test.each([{ NO_COLOR: '1' }, { TERM: 'dumb' }])('a terminal with %o gets no colours', async (env) => {
  const { written } = await onTerminal(`${COMMAND} inspect aout/tally-qmagic`, {
    env: { PATH: NODE_PATH, ...env },
  });
  expect(written).toContain('rwx! data');
  expect(written).not.toContain(String.fromCharCode(27));
});
