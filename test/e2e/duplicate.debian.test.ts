/** Copies of running processes: each goes on where the original is, and so does the original. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileRestored, Subject, scratchDirectory, until } from '../support/restored.ts';
import { runForeign } from '../support/run.ts';

const scratch = scratchDirectory();
const bin = join(scratch.path, 'bin');
const subjects: Subject[] = [];
const copies: number[] = [];

beforeAll(() => mkdirSync(bin));
afterAll(() => {
  for (const subject of subjects) subject.kill();
  for (const pid of copies) if (isThere(pid)) process.kill(pid, 'SIGKILL');
  scratch.remove();
});

function isThere(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}

/** The output of the original, and of its copies, which goes where the command's does. */
async function duplicated(name: string, count: number, flags: readonly string[] = []): Promise<string[]> {
  const directory = join(scratch.path, name + flags.join(''));
  mkdirSync(directory);
  const subject = await Subject.start(compileRestored(name, bin, flags), directory, ['any']);
  subjects.push(subject);
  const before = readFileSync(`/proc/${subject.pid}/maps`, 'latin1');
  const args = ['duplicate', String(subject.pid), '-n', String(count), '--stdio', 'recorded'];
  const { stdout, stderr, status } = await runForeign(args);
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  const pids = stdout.trim().split('\n').map(Number);
  copies.push(...pids);
  expect(new Set([...pids, subject.pid]).size).toBe(count + 1);
  expect(pids.map(isThere)).toEqual(pids.map(() => true));
  const maps = (pid: number) =>
    readFileSync(`/proc/${pid}/maps`, 'latin1').replace(/\d+( +\/(dev\/zero|memfd:\w+) \(deleted\))/g, '$1');
  const expected = before.replace(/\d+( +\/(dev\/zero|memfd:\w+) \(deleted\))/g, '$1');
  for (const pid of pids) expect(maps(pid)).toBe(expected);
  // All write to the same place in the same file: one after the other, each is heard.
  const heard: string[] = [];
  for (const pid of pids) {
    process.kill(pid, 'SIGUSR1');
    await until(
      () => !isThere(pid),
      () => `copy ${pid} does not end: ${subject.text()}`,
    );
    heard.push(subject.text());
  }
  expect(isThere(subject.pid)).toBe(true);
  expect(await subject.finish()).toBe(0);
  return [...heard, subject.text()];
}

describe.each([
  { kind: 'dynamic', flags: [] },
  { kind: 'static', flags: ['-static'] },
])('copies ($kind)', ({ flags }) => {
  it.each(['computing', 'clocks', 'signals'])('find what the original finds: %s', async (name) => {
    const said = await duplicated(name, 2, flags);
    for (const text of said) expect(text).toMatch(/^ready\n[\s\S]*done\n$/);
  });

  it('have threads', async () => {
    const said = await duplicated('busy-threads', 3, flags);
    for (const text of said) expect(text).toBe('ready\ndone\n');
  });
});
