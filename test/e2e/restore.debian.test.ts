/** Programs that look after themselves: they are checkpointed and restored, and find everything as it was. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileRestored, Subject, scratchDirectory } from '../support/restored.ts';

const scratch = scratchDirectory();
let subject: Subject | undefined;

beforeAll(() => mkdirSync(join(scratch.path, 'bin')));
afterAll(() => {
  subject?.kill();
  scratch.remove();
});

/** The program's output, and what it is when nothing happens to it. */
async function restored(
  name: string,
  {
    flags = [],
    checkpoint = [],
    restore = [],
  }: Partial<Record<'flags' | 'checkpoint' | 'restore', string[]>> = {},
): Promise<{ lines: string[]; undisturbed: string[] }> {
  const file = compileRestored(name, join(scratch.path, 'bin'), flags);
  const directory = join(scratch.path, name);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  subject = await Subject.start(file, directory);
  expect(await subject.finish()).toBe(0);
  const undisturbed = subject.text().split('\n');
  subject = await Subject.start(file, directory);
  const path = await subject.checkpoint(checkpoint);
  await subject.restore(path, restore);
  const status = await subject.finish();
  const lines = subject.text().split('\n');
  expect({ status, errors: subject.errors(), last: lines.at(-2) }).toEqual({
    status: 0,
    errors: '',
    last: 'done',
  });
  return { lines, undisturbed };
}

describe.each([
  { kind: 'dynamic', flags: [] },
  { kind: 'static', flags: ['-static'] },
])('a program goes on ($kind)', ({ flags }) => {
  it('with its memory', async () => {
    await restored('memory', { flags });
  });

  it('with its descriptors', async () => {
    await restored('descriptors', { flags });
  });

  it('with its signals and timers', async () => {
    const { lines, undisturbed } = await restored('signals', { flags });
    expect(lines).toEqual(undisturbed);
    expect(lines.filter((line) => line.startsWith('signal 3'))).toHaveLength(4);
  });

  it('with its threads', async () => {
    await restored('threads', { flags });
  });

  it('in the middle of a computation', async () => {
    const { lines, undisturbed } = await restored('computing', { flags });
    expect(lines).toEqual(undisturbed);
    expect(lines[1]).toBe('1111222233334444 5555666677778888 9999aaaabbbbcccc ddddeeeeffff0000 1');
  });

  it('as who it was', async () => {
    const { lines } = await restored('identity', { flags });
    const middle = lines.indexOf('ready');
    expect(lines.slice(middle + 1, -2)).toEqual(lines.slice(0, middle));
  });
});
