/** The configuration of a user who is somebody else in a user namespace of theirs (needs root, setpriv and unshare). */
import { chmodSync, chownSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type Installation, installAt } from '../support/installation.ts';
import { type Outcome, run, temporary } from '../support/run.ts';

const [USER, OTHER] = [1234, 1235];
const directory = temporary();
afterAll(directory.remove);
const place = join(directory.path, 'installation');
mkdirSync(place);
const { command, environment }: Installation = installAt(place, []);
chmodSync(directory.path, 0o755);

/** A home whose directories above belong to `above`, with a configuration. */
function homeBelow(name: string, above: number): string {
  const outer = join(directory.path, name);
  const home = join(outer, 'home');
  directory.file(
    `${name}/home/.config/run-foreign/run-foreign.config.json`,
    '{ "env": { "A": "read" } }',
    0o644,
  );
  const own = (path: string) => {
    chownSync(path, USER, USER);
    for (const each of readdirSync(path, { withFileTypes: true }))
      if (each.isDirectory()) own(join(path, each.name));
      else chownSync(join(path, each.name), USER, USER);
  };
  own(home);
  chownSync(outer, above, above);
  return home;
}

/** As the user, who is the superuser of a namespace that knows nobody else where that is asked for. */
function runAs(home: string, unshared: boolean, env: Record<string, string> = {}): Promise<Outcome> {
  const user = [`--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'];
  const inside = unshared ? ['unshare', '-Ur'] : [];
  const show = [command, 'printenv', 'A'];
  return run('setpriv', [...user, ...inside, ...show], {
    env: { ...environment, HOME: home, ...env },
    cwd: '/',
  });
}

const READ = { status: 0, stdout: 'read\n', stderr: '' };

test.each([false, true])('it is read, in a user namespace as well (%s)', async (unshared) => {
  expect(await runAs(homeBelow(`root-${unshared}`, 0), unshared)).toEqual(READ);
});

test('outside, a directory above that is another user’s is in the way', async () => {
  const { status, stderr } = await runAs(homeBelow('other', OTHER), false);
  expect([status, stderr]).toEqual([1, expect.stringContaining(`belongs to the user ${OTHER}`)]);
});

test('inside, what others may write to still is', async () => {
  const home = homeBelow('open', 0);
  chmodSync(join(home, '..'), 0o777);
  expect((await runAs(home, true)).stderr).toContain('may be written by others');
});

test('inside, in the home and where there is no home, nobody unknown is trusted', async () => {
  const home = homeBelow('inner', 0);
  chownSync(join(home, '.config'), OTHER, OTHER);
  expect((await runAs(home, true)).stderr).toContain('.config belongs to the user');
  const config = join(homeBelow('elsewhere', 0), '.config');
  const { stderr } = await runAs(homeBelow('empty', 0), true, { XDG_CONFIG_HOME: config });
  expect(stderr).toContain('elsewhere belongs to the user');
});
