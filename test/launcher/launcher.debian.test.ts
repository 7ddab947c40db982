/** A machine without Node, made by hiding it in a mount namespace. */
import { readlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { COMMAND, quote, run } from '../support/run.ts';

test('a machine without Node is told what is missing', async () => {
  const places = ['/usr/local/bin/node', '/usr/bin/node', '/bin/node', readlinkSync('/proc/self/exe')];
  const hide = places.map((path) => `[ ! -e ${path} ] || mount --bind /dev/null ${path}`).join('\n');
  const script = `${hide}\nPATH=/nowhere exec ${quote(COMMAND)} /bin/true`;
  const outcome = await run('unshare', [
    '--mount',
    ...(process.getuid?.() === 0 ? [] : ['-Ur']),
    'sh',
    '-c',
    script,
  ]);
  expect(outcome).toEqual({
    status: 125,
    stdout: '',
    stderr: 'run-foreign: needs Node.js 20.19 or newer, and there is no node in PATH: ENOENT\n',
  });
});
