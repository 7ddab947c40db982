/**
 * Without privileges a program still runs, and is what it should be in everything but /proc/PID/exe, which
 * Linux lets only CAP_SYS_ADMIN and CAP_CHECKPOINT_RESTORE set. In a user namespace nothing is missing.
 */
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  cpSync,
  existsSync,
  readFileSync,
  realpathSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Identity, identityOf } from '../support/proc.ts';
import { NODE_PATH, ROOT, run, SAMPLES, temporary } from '../support/run.ts';
import { view } from './identity-view.ts';

const directory = temporary();
const at = (name: string) => join(directory.path, name);
afterAll(() => directory.remove());

const IS_ROOT = process.getuid?.() === 0;
/** A command that runs another as nobody; whoever is not root is nobody enough. */
const NOBODY = IS_ROOT
  ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all']
  : [];
const NAMESPACE = ['unshare', '--user', '--map-root-user'];
const ENVIRONMENT = { PATH: `${directory.path}:${NODE_PATH}` };

const command = at('dist/run-foreign');

/** What nobody can reach: the command, the packages it needs at run time, samples, and Node itself. */
beforeAll(() => {
  chmodSync(directory.path, 0o755);
  cpSync(join(ROOT, 'dist'), at('dist'), { recursive: true });
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>;
  };
  for (const [path, { dev }] of Object.entries(lock.packages)) {
    // Of an optional package for another machine there is nothing to copy.
    if (path === '' || dev === true || !existsSync(join(ROOT, path))) continue;
    cpSync(join(ROOT, path), at(path), {
      recursive: true,
      dereference: true,
      force: true,
      errorOnExist: false,
    });
  }
  for (const name of ['tally-static', 'tally-dynamic-pie']) {
    copyFileSync(join(SAMPLES, 'elf/x86_64', name), at(name));
    chmodSync(at(name), 0o755);
  }
  copyFileSync(join(SAMPLES, 'aout/hello-omagic'), at('hello-omagic'));
  chmodSync(at('hello-omagic'), 0o755);
  copyFileSync(process.execPath, at('node'));
});

const start = (prefix: readonly string[], words: readonly string[], input = '') => {
  const [file = '', ...args] = [...prefix, command, ...words];
  return run(file, args, { env: ENVIRONMENT, cwd: directory.path, input });
};

async function identities(
  prefix: readonly string[],
  file: string,
): Promise<{ native: Identity; foreign: Identity }> {
  const look = (words: readonly string[]) => {
    const [command = '', ...args] = [...prefix, ...words, file, '-'];
    return identityOf(command, args, { env: ENVIRONMENT, cwd: directory.path });
  };
  const [native, foreign] = await Promise.all([look([]), look([command])]);
  return { native, foreign };
}

describe.each(['tally-static', 'tally-dynamic-pie'])('nobody’s %s', (name) => {
  test('runs', async () => {
    const outcome = await start(NOBODY, [at(name), '-'], 'a b\nc\n');
    expect(outcome).toEqual({ status: 0, stdout: '2 3 6 -\n', stderr: '' });
  });

  test('has the identity that execve gives it, but for the file', async () => {
    const { native, foreign } = await identities(NOBODY, realpathSync(at(name)));
    expect(foreign.exe).toMatch(/^\/memfd:.* \(deleted\)$/);
    expect(view({ ...foreign, exe: native.exe })).toEqual(view(native));
  });

  test('says with --verbose that the file could not be set', async () => {
    const { status, stdout, stderr } = await start(NOBODY, ['--verbose', at(name), '-'], 'x');
    expect({ status, stdout }).toEqual({ status: 0, stdout: '0 1 1 -\n' });
    expect(stderr).toMatch(/\/proc\/PID\/exe stays the memfd.*CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE/);
  });

  test('is exactly what execve makes of it in a user namespace', async () => {
    const { native, foreign } = await identities([...NOBODY, ...NAMESPACE], realpathSync(at(name)));
    expect(foreign.exe).toBe(realpathSync(at(name)));
    expect(view(foreign)).toEqual(view(native));
  });

  test('has nothing to complain of in a user namespace', async () => {
    const { stderr } = await start([...NOBODY, ...NAMESPACE], ['--verbose', at(name), '-']);
    expect(stderr).not.toContain('stays the memfd');
    expect(stderr).not.toContain('refused');
  });
});

describe('what nobody may not do', () => {
  test('a file that may be executed and not read is refused', async () => {
    copyFileSync(join(SAMPLES, 'elf/x86_64/tally-static'), at('unreadable'));
    chmodSync(at('unreadable'), 0o711);
    if (!IS_ROOT) chmodSync(at('unreadable'), 0o111);
    const { status, stderr } = await start(NOBODY, [at('unreadable')]);
    expect(stderr).toMatch(/^run-foreign: [^\n]*unreadable: permission denied; [^\n]*read[^\n]*\n$/);
    expect(status).toBe(126);
  });

  test('a file in a directory that may not be searched is refused', async () => {
    const { status, stderr } = await start(NOBODY, ['/proc/1/cwd/bin/true']);
    expect(stderr).toMatch(/^run-foreign: [^\n]*permission denied[^\n]*\n$/);
    expect(status).toBe(126);
  });

  // The capabilities of a user namespace do not count for mapping low pages (cap_mmap_addr).
  test.each([
    ['as nobody', NOBODY],
    ['in a user namespace', [...NOBODY, ...NAMESPACE]],
  ])('a program at address 0 is refused before its start %s', async (_, prefix) => {
    const lowest = Number(readFileSync('/proc/sys/vm/mmap_min_addr', 'utf8'));
    const { status, stdout, stderr } = await start(prefix, [at('hello-omagic')]);
    if (lowest === 0) {
      expect({ status, stdout }).toEqual({ status: 0, stdout: 'hello from a.out OMAGIC\n' });
      return;
    }
    expect(stderr).toMatch(/^run-foreign: [^\n]*must be loaded at address 0x0[^\n]*\n$/);
    expect({ status, stdout }).toEqual({ status: 126, stdout: '' });
  });

  test('set-uid bits are not honoured', async () => {
    copyFileSync('/usr/bin/id', at('id'));
    chmodSync(at('id'), 0o4755);
    const { status, stdout } = await start(NOBODY, [at('id'), '-u']);
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${IS_ROOT ? 65534 : process.getuid?.()}\n` });
    expect(() => accessSync(at('id'), constants.X_OK)).not.toThrow();
  });
});
