/** `--trace` of processes that are written down, copied, and go on. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileRestored, Subject, scratchDirectory } from '../support/restored.ts';
import { runForeign } from '../support/run.ts';
import { stepsOf, tracedEvents } from '../support/trace.ts';

const scratch = scratchDirectory();
const core = join(scratch.path, 'computing.core');
const copies: number[] = [];
let subject: Subject;
let pid = '';
beforeAll(async () => {
  const directory = join(scratch.path, 'own');
  mkdirSync(directory);
  subject = await Subject.start(compileRestored('computing', scratch.path, []), directory, ['any']);
  pid = String(subject.pid);
});
afterAll(() => {
  subject.kill();
  for (const copy of copies) {
    try {
      process.kill(copy, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
  scratch.remove();
});

const BEFORE = ['launcher', 'node', 'command'];

test('checkpoint tells of the standstill, and of the file', async () => {
  const { status, stderr } = await runForeign(['checkpoint', pid, '-o', core, '--trace=json']);
  const { events, others } = tracedEvents(stderr);
  expect({ status, others }).toEqual({ status: 0, others: [] });
  expect(stepsOf(events)).toEqual([...BEFORE, 'freeze', 'thaw', 'write', 'end']);
  expect(events.find(({ event }) => event === 'thaw')).toMatchObject({
    pid: Number(pid),
    afterwards: 'run',
    stood_still_ms: expect.any(Number),
  });
  expect(events.find(({ event }) => event === 'write')).toMatchObject({ file: core });
});

test('duplicate tells of each copy', async () => {
  const { stdout, stderr } = await runForeign([
    'duplicate',
    pid,
    '-n',
    '2',
    '--stdio',
    'recorded',
    '--trace=json',
  ]);
  copies.push(...(stdout.match(/\d+/g) ?? []).map(Number));
  const { events } = tracedEvents(stderr);
  expect(stepsOf(events)).toEqual([...BEFORE, 'freeze', 'copy', 'copy', 'thaw', 'end']);
  expect(events.filter(({ event }) => event === 'copy').map((event) => event['pid'])).toEqual(copies);
});

test('a process that goes on is told of as a program is', async () => {
  const { stderr } = await runForeign(['--trace=json', '--new-pid', core], { timeout: 2000 });
  const { events } = tracedEvents(stderr);
  expect(stepsOf(events).slice(4)).toEqual([
    'open program',
    'ask core',
    'load core image',
    'plan',
    'memory-file',
    'stub',
    'exec',
  ]);
  expect(events.find(({ event }) => event === 'load')).toMatchObject({ format: 'core', threads: 1 });
});

test('one that is not there', async () => {
  const { stderr } = await runForeign(['checkpoint', '4194304', '-o', core, '-f', '--trace=json']);
  expect(tracedEvents(stderr).events.slice(-2)).toMatchObject([
    { event: 'freeze', failed: 'PROCESS_NOT_FOUND' },
    { event: 'error', code: 'PROCESS_NOT_FOUND', status: 127 },
  ]);
});

test('under a debugger the last is its exec', async () => {
  const outcome = await runForeign(['--trace=json', '--gdb', 'elf/x86_64/hello-static'], {
    input: 'shell echo $PPID\nkill\nquit\n',
  });
  const { events } = tracedEvents(outcome.stderr);
  expect(stepsOf(events).slice(-2)).toEqual(['plan', 'exec']);
  expect(events.at(-1)).toMatchObject({ by: 'gdb' });
  expect(outcome.stdout).toContain(`\n(gdb) ${events.at(-1)?.['pid']}\n`);
});
