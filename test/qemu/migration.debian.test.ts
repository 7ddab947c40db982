/** Processes that go on under another kernel and with another processor than those they began with. */

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileRestored, Subject, scratchDirectory } from '../support/restored.ts';
import { COMMAND, NODE_PATH } from '../support/run.ts';
import { kernels } from './boot.ts';
import { buildMovingGuest, MOVED, runMovingGuest } from './moves.ts';

const LIMIT = 200_000;
const scratch = scratchDirectory();
const [oldest = '', newest = oldest] = kernels();
let programs: string[] = [];
const moved = new Map<string, Uint8Array>();

/** Starts each, and sends a checkpoint of it as text. */
const CHECKPOINT = ['clocks', 'clocks-static']
  .map(
    (name) => `ELSEWHERE=1 ${MOVED}/${name} > /tmp/output &
pid=$!
until grep -q ready /tmp/output; do sleep 0.1; done
run-foreign checkpoint $pid -o /tmp/${name} --complete --kill || echo "checkpoint: $?"
echo "begin ${name}"; gzip -c /tmp/${name} | base64; echo "end ${name}"`,
  )
  .join('\n');

/** Goes on with each, and tells it to find out. */
const restore = (names: readonly string[], options: string) =>
  names
    .map(
      (name) => `run-foreign ${options} --stdio inherit ${MOVED}/${name} > /tmp/out 2> /tmp/err &
pid=$!
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 1; kill -USR1 $pid 2>/dev/null || break; done
wait $pid; echo "${name}: $? $(cat /tmp/out) $(cat /tmp/err)"`,
    )
    .join('\n');
const END = '\necho the end';

beforeAll(async () => {
  mkdirSync(join(scratch.path, 'bin'));
  const dynamic = compileRestored('clocks', join(scratch.path, 'bin'));
  const fixed = `${dynamic}-static`;
  compileRestored('clocks', join(scratch.path, 'bin'), ['-static', '-o', fixed]);
  programs = [compileRestored('clocks', join(scratch.path, 'bin')), fixed];
  const initrd = join(scratch.path, 'first');
  buildMovingGuest(initrd, CHECKPOINT + END, programs);
  const text = await runMovingGuest(oldest, initrd, 'max');
  for (const name of ['clocks', 'clocks-static']) {
    const found = new RegExp(`begin ${name}\\s([^]*?)end ${name}\\s`).exec(text)?.[1];
    if (found === undefined) throw new Error(`no checkpoint of ${name}: ${text.slice(0, 2000)}`);
    moved.set(name, gunzipSync(Buffer.from(found, 'base64')));
  }
}, LIMIT);
afterAll(() => scratch.remove());

describe(`a process of Linux ${oldest}`, () => {
  it.each(['clocks', 'clocks-static'])('goes on under this kernel: %s', async (name) => {
    const path = join(scratch.path, `${name}.checkpoint`);
    writeFileSync(path, moved.get(name) ?? '', { mode: 0o755 });
    const child = spawn(COMMAND, ['--stdio', 'inherit', '--skip', 'cpu', path], {
      env: { PATH: NODE_PATH },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
    const timer = setInterval(() => child.kill('SIGUSR1'), 300);
    const status = await new Promise((resolve) =>
      child.on('close', (code, signal) => resolve(code ?? signal)),
    );
    clearInterval(timer);
    expect({ status, output }).toEqual({ status: 0, output: 'done\n' });
  });

  it(
    `goes on under Linux ${newest}`,
    async () => {
      const initrd = join(scratch.path, 'second');
      buildMovingGuest(
        initrd,
        restore(
          [...moved.keys()].map((name) => `${name}.checkpoint`),
          '',
        ) + END,
        [],
        Object.fromEntries([...moved].map(([name, bytes]) => [`${name}.checkpoint`, bytes])),
      );
      const text = await runMovingGuest(newest, initrd, 'max');
      expect(text).toContain('clocks.checkpoint: 0 done');
      expect(text).toContain('clocks-static.checkpoint: 0 done');
    },
    LIMIT,
  );
});

describe('a process of this machine', () => {
  it(
    'is refused clearly where the processor lacks something',
    async () => {
      const directory = join(scratch.path, 'here');
      mkdirSync(directory);
      const subject = await Subject.start(programs[1] ?? '', directory);
      const path = await subject.checkpoint(['--complete']);
      const initrd = join(scratch.path, 'third');
      buildMovingGuest(initrd, restore(['here.checkpoint'], '') + END, [], {
        'here.checkpoint': readFileSync(path),
      });
      const text = await runMovingGuest(newest, initrd, 'qemu64');
      expect(text).toMatch(
        /here\.checkpoint: 126 +run-foreign: .*cannot go on with this processor: it lacks .*, which the process may be using/,
      );
    },
    LIMIT,
  );
});
