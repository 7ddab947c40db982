/** One start, end to end: everything else in test/ looks closer. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

test('an ELF program becomes the process', () => {
  const child = spawnSync('dist/run-foreign', ['/bin/echo', 'through', 'run-foreign'], {
    encoding: 'utf8',
  });
  expect(child).toMatchObject({ status: 0, stdout: 'through run-foreign\n', stderr: '' });
});
