/** Checkpoints on machines that are not as they were: files, kernel, processor, users, standard streams. */
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileRestored, finishRestored, Subject, scratchDirectory } from '../support/restored.ts';
import { runForeign } from '../support/run.ts';

const scratch = scratchDirectory();
const subjects: Subject[] = [];
let clocks = '';

beforeAll(() => {
  mkdirSync(join(scratch.path, 'bin'));
  clocks = compileRestored('clocks', join(scratch.path, 'bin'));
});
afterAll(() => {
  for (const subject of subjects) subject.kill();
  scratch.remove();
});

let number = 0;

/** A process that ends well once it has been told to; its program is a file of its own. */
async function process(): Promise<{ subject: Subject; file: string }> {
  const directory = join(scratch.path, `case-${++number}`);
  mkdirSync(directory);
  const file = join(directory, 'program');
  copyFileSync(clocks, file);
  const subject = await Subject.start(file, directory);
  subjects.push(subject);
  return { subject, file };
}

/** Other text of the same length in a checkpoint. */
function change(path: string, from: RegExp, to: (found: string) => string): void {
  const text = readFileSync(path, 'latin1');
  const found = from.exec(text)?.[0];
  if (found === undefined) throw new Error(`no ${from} in the checkpoint`);
  const other = to(found);
  expect(other.length).toBe(found.length);
  writeFileSync(
    path,
    text.replace(found, () => other),
    'latin1',
  );
}

describe('a file that is not what it was', () => {
  it('is named when it is gone, or another', async () => {
    const { subject, file } = await process();
    const path = await subject.checkpoint();
    renameSync(file, `${file}.away`);
    const gone = await runForeign([path]);
    expect(gone.status).toBe(126);
    expect(gone.stderr).toContain(`cannot go on: ${file} is not there any more; bring the file back`);
    const { atime, mtime, size } = statSync(`${file}.away`);
    copyFileSync(`${file}.away`, file);
    utimesSync(file, atime, new Date(mtime.getTime() + 5000));
    expect((await runForeign([path])).stderr).toMatch(
      new RegExp(`${file} was last written at 20.*, and now at 20`),
    );
    writeFileSync(file, 'x', { flag: 'a' });
    const longer = await runForeign([path]);
    expect(longer.stderr).toContain(`${file} had ${size} bytes and has ${size + 1} now`);
    rmSync(file);
    renameSync(`${file}.away`, file);
    await subject.restore(path);
    expect(await subject.finish()).toBe(0);
  });

  it('does not matter when the checkpoint is complete', async () => {
    const { subject, file } = await process();
    const path = await subject.checkpoint(['--complete']);
    rmSync(file);
    await subject.restore(path, ['--verbose']);
    expect(await subject.finish()).toBe(0);
    expect(subject.errors()).toContain(`${file} is not there any more: its memory is the checkpoint's`);
  });

  it('is named when the process has it open', async () => {
    const { subject } = await process();
    const path = await subject.checkpoint();
    rmSync(subject.output);
    const { status, stderr } = await runForeign([path]);
    expect({ status, stderr }).toEqual({
      status: 126,
      stderr: `run-foreign: ${path}: cannot go on: ${subject.output} is not there any more; bring the file back: the process has it open\n`,
    });
  });
});

describe('another kernel', () => {
  it('answers for the vDSO that the process knew', async () => {
    const { subject } = await process();
    const path = await subject.checkpoint();
    change(path, /"vdso":\{"address":"0x[0-9a-f]+","buildId":\{"hex":"[0-9a-f]+"/, (found) =>
      found.replace(/[0-9a-f]+"$/, (id) => `${id.slice(0, -1).replace(/./g, '0')}"`),
    );
    await subject.restore(path);
    const maps = readFileSync(`/proc/${subject.pid}/maps`, 'latin1');
    expect(await subject.finish()).toBe(0);
    // In the range that nothing else is in.
    expect(maps).toMatch(/^[0-9a-f]{11}-[0-9a-f]{11} r-xp .*\[vdso\]$/m);
  });
});

describe('another processor', () => {
  it('is refused when it lacks something, or on the user’s own responsibility', async () => {
    const { subject } = await process();
    const path = await subject.checkpoint();
    change(path, /"ssse3"/, () => '"avx_9"');
    const { status, stderr } = await runForeign([path]);
    expect({ status, stderr }).toEqual({
      status: 126,
      stderr: `run-foreign: ${path}: cannot go on with this processor: it lacks avx_9, which the process may be using; restore it on a machine that has them, or with --skip cpu if the program does not use them\n`,
    });
    await subject.restore(path, ['--skip', 'cpu']);
    expect(await subject.finish()).toBe(0);
  });
});

describe('standard streams', () => {
  it('are the files they were, or the caller’s', async () => {
    const { subject } = await process();
    const path = await subject.checkpoint();
    const ended = await finishRestored('program', ['--stdio', 'inherit', path]);
    expect(ended).toEqual({ output: 'done\n', status: 0 });
  });
});
