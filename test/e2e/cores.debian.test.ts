/** Core files that others have written go on, with what they hold. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileSums, SUMS, startSums } from '../support/core-subject.ts';
import { scratchDirectory } from '../support/restored.ts';
import { COMMAND, run } from '../support/run.ts';

const scratch = scratchDirectory();
let program: string;
let maps: string;
const files = { gcore: join(scratch.path, 'gcore'), kernel: join(scratch.path, 'kernel') };

beforeAll(async () => {
  program = compileSums(scratch.path);
  const child = await startSums(program, scratch.path);
  maps = readFileSync(`/proc/${child.pid}/maps`, 'latin1');
  execFileSync('gcore', ['-o', files.gcore, String(child.pid)], { stdio: 'ignore' });
  files.gcore += `.${child.pid}`;
  chmodSync(files.gcore, 0o700);
  child.kill('SIGKILL');
  files.kernel = await kernelCore();
}, 60_000);
afterAll(() => scratch.remove());

/** By a signal, with the kernel's pattern as it is: a file in the working directory (core(5)). */
async function kernelCore(): Promise<string> {
  const child = await startSums(program, scratch.path);
  child.kill('SIGABRT');
  await once(child, 'exit');
  const name = readdirSync(scratch.path).find((each) => each.startsWith('core'));
  if (name === undefined) throw new Error('the kernel has written no core file: see kernel.core_pattern');
  chmodSync(join(scratch.path, name), 0o700);
  return join(scratch.path, name);
}

describe.each(['gcore', 'kernel'] as const)('a core of %s', (kind) => {
  test('goes on with all of its threads, and comes out right', async () => {
    const { stdout, status } = await run(COMMAND, [files[kind]]);
    // What waits in a pipe's buffer of stdio is in its memory, and was written when it ended.
    expect({ stdout, status }).toEqual({ stdout: SUMS, status: 0 });
  });

  test('lists what it lacks before it starts', async () => {
    const { stderr } = await run(COMMAND, ['--verbose', files[kind]]);
    for (const lost of ['descriptors', 'signal handlers', 'timers', 'restartable sequences'])
      expect(stderr).toMatch(new RegExp(`goes on without .*${lost}`));
  });

  test('is told about without being started', async () => {
    const { stdout } = await run(COMMAND, ['inspect', '--json', files[kind]]);
    const found = JSON.parse(stdout);
    expect(found).toMatchObject({ format: 'core', variant: 'core file', refused: null });
    expect(found.process.threads).toHaveLength(4);
    expect(found.process.exe).toBe(program);
    expect(found.process.descriptors).toBeNull();
    expect(found.process.lost.length).toBeGreaterThan(3);
  });

  test('is refused when a library that it needs has been replaced', async () => {
    const bytes = Buffer.from(readFileSync(files[kind]));
    // The build id of the program, in the page of it that the core holds.
    const id = buildId(program);
    for (let at = bytes.indexOf(id); at >= 0; at = bytes.indexOf(id, at + 1))
      bytes[at] = (bytes[at] ?? 0) ^ 1;
    const other = `${files[kind]}.other`;
    writeFileSync(other, bytes, { mode: 0o700 });
    const { status, stderr } = await run(COMMAND, [other]);
    expect(status).toBe(126);
    expect(stderr).toContain(`${program} had the build id`);
  });
});

test('gcore leaves mappings out; they come back with the protections they had', async () => {
  const { stdout } = await run(COMMAND, ['inspect', '--json', files.gcore]);
  const { mappings } = JSON.parse(stdout).process as {
    mappings: { start: string; end: string; protection: string; path: string | null }[];
  };
  for (const line of maps.trim().split('\n')) {
    const [, start, end, protection, path] = /^(\w+)-(\w+) (...). \w+ \S+ \d+ +(\/.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    const found = mappings.find((each) => BigInt(each.start) === BigInt(`0x${start}`));
    expect(found, line).toMatchObject({ protection, end: `0x${end?.replace(/^0+/, '')}` });
  }
});

test('a core without memory says so, and what to do', async () => {
  const child = await startSums(program, scratch.path);
  writeFileSync(`/proc/${child.pid}/coredump_filter`, '0');
  child.kill('SIGABRT');
  await once(child, 'exit');
  const file = join(scratch.path, 'core');
  chmodSync(file, 0o700);
  const { status, stderr } = await run(COMMAND, [file]);
  expect(status).toBe(126);
  expect(stderr).toContain('coredump_filter');
});

function buildId(file: string): Buffer {
  const notes = execFileSync('readelf', ['-nW', file], { encoding: 'latin1' });
  return Buffer.from(/Build ID: (\w+)/.exec(notes)?.[1] ?? '', 'hex');
}
