/** Where a sealed program can be kept confidential it runs, and where it cannot it does not. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Confinement, confined, USER_NAMESPACE } from '../../support/confine.ts';
import { type Outcome, run } from '../../support/run.ts';
import { compile } from '../compile.ts';
import { NOBODY, OPEN, type Sealed, sealedPrograms } from './sealed.ts';

let sealed: Sealed;
let confine: string;
beforeAll(async () => {
  sealed = await sealedPrograms();
  confine = await compile('confine.c', [], sealed.at('confine'));
});
afterAll(() => sealed.remove());

function start(prefix: readonly string[], options: readonly string[] = []): Promise<Outcome> {
  const { command, environment } = sealed.installation;
  const words = [...prefix, command, ...options, '-i', sealed.at('key'), sealed.at('sealed')];
  const [file = '', ...args] = words;
  return run(file, args, { env: environment, cwd: sealed.directory });
}

const RUNS = { status: 0, stdout: 'ready\n', stderr: '' };

test.each<[string, () => readonly string[]]>([
  ['as root or whoever one is', () => []],
  ['as nobody', () => NOBODY],
  ['in a user namespace', () => USER_NAMESPACE],
  ['without PR_SET_MM_MAP', () => [...NOBODY, ...confined(confine, { filter: 'no-mm-map' })]],
  ['under the smallest limit on locked memory', () => [...NOBODY, 'prlimit', '--memlock=0']],
  ['without randomness', () => [...NOBODY, 'setarch', '-R']],
])('it runs %s', async (_, prefix) => {
  expect(await start(prefix())).toEqual(RUNS);
});

test('it runs where nothing may be executed from a memfd', async () => {
  const script = 'echo 2 > /proc/sys/vm/memfd_noexec || exit 99; exec "$@"';
  const namespace = ['unshare', '--pid', '--fork', '--mount-proc', '--mount', '/bin/sh', '-c', script, 'sh'];
  expect(await start([...namespace, ...NOBODY])).toEqual(RUNS);
});

test('it runs without the launcher', async () => {
  const { command, environment } = sealed.installation;
  const words = [...NOBODY, sealed.at('node'), `${command}.cjs`, '-i', sealed.at('key'), sealed.at('sealed')];
  const [file = '', ...args] = words;
  expect(await run(file, args, { env: environment })).toEqual(RUNS);
});

describe('is not started, with one line,', () => {
  test.each<[string, Confinement, RegExp]>([
    [
      'where prctl is denied',
      { filter: 'deny-prctl' },
      /cannot be kept confidential: PR_SET_DUMPABLE gives EPERM/,
    ],
    ['under PR_SET_MDWE', { mdwe: true }, /memory that was written may not be executed here \(PR_SET_MDWE\)/],
  ])('%s', async (_, confinement, line) => {
    for (const user of [[], NOBODY]) {
      const { status, stdout, stderr } = await start([...user, ...confined(confine, confinement)]);
      expect(stderr).toMatch(/^run-foreign: [^\n]+\n$/);
      expect(stderr).toMatch(line);
      expect({ status, stdout }).toEqual({ status: 126, stdout: '' });
    }
  });

  test('but under PR_SET_MDWE it is with --not-confidential', async () => {
    expect(await start(confined(confine, { mdwe: true }), [OPEN])).toEqual(RUNS);
  });
});
