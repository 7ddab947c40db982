/** The tool dies while it makes a checkpoint, at every request it makes of the process: the process is none the wiser. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { statusField } from '../../src/native/proc.ts';
import { compileRestored, Subject, scratchDirectory } from '../support/restored.ts';
import { COMMAND, run } from '../support/run.ts';

const scratch = scratchDirectory();
let computing: string;

beforeAll(() => {
  computing = compileRestored('computing', scratch.path);
});
afterAll(scratch.remove);

/** SIGKILL when the tool makes this system call for the nth time; how it ended. */
async function killedAt(subject: Subject, call: string, nth: number): Promise<boolean> {
  const output = join(scratch.path, 'killed.core');
  rmSync(output, { force: true });
  const inject = [
    '-qq',
    '-f',
    '-o',
    '/dev/null',
    '-e',
    `trace=${call}`,
    '-e',
    `inject=${call}:signal=KILL:when=${nth}`,
  ];
  const args = [...inject, COMMAND, 'checkpoint', String(subject.pid), '-o', output];
  const { status } = await run('strace', args);
  expect(existsSync(output)).toBe(status === 0);
  return status !== 0;
}

const state = (subject: Subject) => statusField('State', `/proc/${subject.pid}/status`);
const tracer = (subject: Subject) => statusField('TracerPid', `/proc/${subject.pid}/status`);

test.each(['ptrace', 'process_vm_readv'])('killed at every %s', { timeout: 240_000 }, async (call) => {
  const subject = await Subject.start(computing, scratch.path);
  let deaths = 0;
  for (let nth = 1; await killedAt(subject, call, nth); nth += 1 + Math.floor(nth / 12)) {
    deaths++;
    expect(tracer(subject)).toBe('0');
    expect(state(subject)).toMatch(/^[RS]/);
  }
  expect(deaths).toBeGreaterThan(5);
  expect(await subject.finish()).toBe(0);
});
