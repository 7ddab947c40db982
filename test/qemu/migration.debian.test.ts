/** Processes that go on under another kernel and with another processor than those they began with. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileRestored, finishRestored, Subject, scratchDirectory } from '../support/restored.ts';
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
until pidof ${name.replace('.checkpoint', '')} || ! kill -0 $pid; do sleep 0.2; done > /dev/null 2>&1
kill -USR1 $(pidof ${name.replace('.checkpoint', '')}) 2>/dev/null
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
    const found = new RegExp(`begin ${name}\\s([\\s\\S]*?)end ${name}\\s`).exec(text)?.[1];
    if (found === undefined) throw new Error(`no checkpoint of ${name}: ${text.slice(0, 2000)}`);
    moved.set(name, gunzipSync(Buffer.from(found, 'base64')));
  }
}, LIMIT);
afterAll(() => scratch.remove());

describe(`a process of Linux ${oldest}`, () => {
  it.each(['clocks', 'clocks-static'])('goes on under this kernel: %s', async (name) => {
    const path = join(scratch.path, `${name}.checkpoint`);
    writeFileSync(path, moved.get(name) ?? '', { mode: 0o755 });
    const ended = await finishRestored(name, ['--stdio', 'inherit', '--skip', 'cpu', path]);
    // What this machine does not give its root is told.
    const output = ended.output.replace(/^run-foreign: .* goes on without .*\n/gm, '');
    expect({ ...ended, output }).toEqual({ status: 0, output: 'done\n' });
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
