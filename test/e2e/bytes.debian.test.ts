/** Environments that only a program of one's own can make: see test/programs/odd-environment.c. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { COMMAND, run, temporary } from '../support/run.ts';
import { compile } from './compile.ts';

const directory = temporary();
const odd = join(directory.path, 'odd-environment');
beforeAll(() => compile('odd-environment.c', [], odd));
afterAll(() => directory.remove());

test('an environment that is no clean list of assignments arrives as it is', async () => {
  const show = ['/bin/cat', '/proc/self/environ'];
  const foreign = await run(odd, [COMMAND, ...show]);
  expect(foreign).toEqual(await run(odd, show));
  expect(foreign.stdout.split('\0')).toEqual([
    'TWICE=first',
    'TWICE=second',
    'no assignment',
    '=nameless',
    '',
    'LAST=',
    '',
  ]);
});
