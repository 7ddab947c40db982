/**
 * Without privileges a program still runs, and is what it should be in everything but /proc/PID/exe, which
 * Linux lets only CAP_SYS_ADMIN and CAP_CHECKPOINT_RESTORE set. In a user namespace nothing is missing.
 */
import { accessSync, chmodSync, constants, copyFileSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NOBODY as SETPRIV_NOBODY, USER_NAMESPACE } from '../support/confine.ts';
import { type Installation, installAt } from '../support/installation.ts';
import { type Identity, identityOf } from '../support/proc.ts';
import { run, SAMPLES, temporary } from '../support/run.ts';
import { view } from './identity-view.ts';

const directory = temporary();
const at = (name: string) => join(directory.path, name);
afterAll(() => directory.remove());

const IS_ROOT = process.getuid?.() === 0;
/** Whoever is not root is nobody enough. */
const NOBODY = IS_ROOT ? SETPRIV_NOBODY : [];

let installation: Installation;
beforeAll(() => {
  const samples = ['elf/x86_64/tally-static', 'elf/x86_64/tally-dynamic-pie', 'aout/hello-omagic'];
  installation = installAt(directory.path, samples);
});

const start = (prefix: readonly string[], words: readonly string[], input = '') => {
  const [file = '', ...args] = [...prefix, installation.command, ...words];
  return run(file, args, { env: installation.environment, cwd: directory.path, input });
};

async function identities(
  prefix: readonly string[],
  file: string,
): Promise<{ native: Identity; foreign: Identity }> {
  const look = (words: readonly string[]) => {
    const [command = '', ...args] = [...prefix, ...words, file, '-'];
    return identityOf(command, args, { env: installation.environment, cwd: directory.path });
  };
  const [native, foreign] = await Promise.all([look([]), look([installation.command])]);
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
    const { native, foreign } = await identities([...NOBODY, ...USER_NAMESPACE], realpathSync(at(name)));
    expect(foreign.exe).toBe(realpathSync(at(name)));
    expect(view(foreign)).toEqual(view(native));
  });

  test('has nothing to complain of in a user namespace', async () => {
    const { stderr } = await start([...NOBODY, ...USER_NAMESPACE], ['--verbose', at(name), '-']);
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
    ['in a user namespace', [...NOBODY, ...USER_NAMESPACE]],
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
