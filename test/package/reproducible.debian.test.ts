/** Whoever builds the same sources, somewhere else, gets the same package: file by file, to the byte. */
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkout, npmEnvironment, pack, unpack } from '../support/package.ts';
import { run, temporary } from '../support/run.ts';

const directory = temporary();
afterAll(directory.remove);

test('two builds are the same', { timeout: 300_000 }, async () => {
  const copy = checkout(join(directory.path, 'a longer path, with spaces'));
  const env = { ...npmEnvironment(), TZ: 'Pacific/Auckland', LANG: 'C', HOME: directory.path };
  const built = await run('npm', ['run', '--silent', 'build'], { cwd: copy, env, timeout: 200_000 });
  expect(built).toEqual({ status: 0, stdout: '', stderr: '' });
  const [here, there] = [
    await pack(join(directory.path, 'here')),
    await pack(join(directory.path, 'there'), copy),
  ];
  const [ours, theirs] = [unpack(here.tarball), unpack(there.tarball)];
  expect([...theirs.keys()].sort()).toEqual([...ours.keys()].sort());
  const differing = [...ours].filter(([name, content]) => !theirs.get(name)?.equals(content));
  expect(differing.map(([name]) => name)).toEqual([]);
  expect(there.size).toBe(here.size);
});
