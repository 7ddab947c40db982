/**
 * Under no_new_privs, under PR_SET_MDWE, and under a seccomp filter that denies prctl, as root and as nobody: a program runs, is what
 * the kernel lets us make it, and `--verbose` names the rest. test/qemu compares more kinds of machine.
 */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { confined, NO_NEW_PRIVS, NOBODY } from '../support/confine.ts';
import { type Installation, installAt } from '../support/installation.ts';
import { maySetExe } from '../support/machine.ts';
import { type Identity, identityOf } from '../support/proc.ts';
import { run, temporary } from '../support/run.ts';
import { compile } from './compile.ts';
import { view } from './identity-view.ts';

const directory = temporary();
afterAll(() => directory.remove());
const at = (name: string) => join(directory.path, name);

let installation: Installation;
beforeAll(async () => {
  installation = installAt(directory.path, ['elf/x86_64/tally-dynamic-pie', 'elf/i386/tally-static']);
  await compile('confine.c', ['-static'], at('confine'));
});

const IS_ROOT = process.getuid?.() === 0;
/** Who runs the tests, and nobody, if it takes something to become that. */
const USERS: [who: string, prefix: readonly string[], setsExe: boolean][] = [
  ['as I am', [], maySetExe()],
  ...(IS_ROOT ? [['as nobody', NOBODY, false] satisfies [string, readonly string[], boolean]] : []),
];
const PROGRAMS = [
  ['tally-dynamic-pie', 64],
  ['tally-static', 32],
] as const;
const PRCTL_DENIED = confined(at('confine'), { filter: 'deny-prctl' });

function start(prefix: readonly string[], words: readonly string[]) {
  const [file = '', ...args] = [...prefix, installation.command, ...words];
  return run(file, args, { env: installation.environment, cwd: directory.path, input: 'a b\nc\n' });
}

async function identities(prefix: readonly string[], name: string, bits: 32 | 64) {
  const look = (words: readonly string[]): Promise<Identity> => {
    const [command = '', ...args] = [...prefix, ...words, realpathSync(at(name)), '-'];
    return identityOf(command, args, { env: installation.environment, cwd: directory.path, bits });
  };
  const [native, foreign] = await Promise.all([look([]), look([installation.command])]);
  return { native, foreign };
}

describe.each(USERS)('%s', (_, user, setsExe) => {
  describe.each(PROGRAMS)('%s, %i bits', (name, bits) => {
    test('under no_new_privs runs and is what it is without', async () => {
      const prefix = [...user, ...NO_NEW_PRIVS];
      const { native, foreign } = await identities(prefix, name, bits);
      if (!setsExe) expect(foreign.exe).toMatch(/^\/memfd:.* \(deleted\)$/);
      expect(view(setsExe ? foreign : { ...foreign, exe: native.exe })).toEqual(view(native));
      const { status, stdout, stderr } = await start(prefix, ['--verbose', at(name), '-']);
      expect({ status, stdout }).toEqual({ status: 0, stdout: '2 3 6 -\n' });
      expect(stderr.includes('/proc/PID/exe stays the memfd')).toBe(!setsExe);
      expect(stderr).not.toContain('refused');
    });

    test('where written memory may not become executable runs and is what it is without', async () => {
      const prefix = [...user, ...confined(at('confine'), { mdwe: true })];
      const { native, foreign } = await identities(prefix, name, bits);
      expect(view(setsExe ? foreign : { ...foreign, exe: native.exe })).toEqual(view(native));
      expect(await start(prefix, [at(name), '-'])).toEqual({ status: 0, stdout: '2 3 6 -\n', stderr: '' });
    });

    test('where prctl is denied runs under its own name, with everything else the stub’s', async () => {
      const { native, foreign } = await identities([...user, ...PRCTL_DENIED], name, bits);
      const layout = ({ maps }: Identity) =>
        maps.map(({ permissions, offset, name: file }) => [permissions, offset, file]);
      expect(foreign.comm).toBe(native.comm);
      expect(foreign.exe).toMatch(/^\/memfd:.* \(deleted\)$/);
      expect(foreign.cmdline).not.toEqual(native.cmdline);
      // No [heap] or [stack] without the fields that say which they are.
      const own = (identity: Identity) => layout(identity).filter(([, , file]) => file === native.exe);
      expect(own(foreign)).toEqual(own(native));
    });

    test('where prctl is denied --verbose names all that is not set, and nothing else is said', async () => {
      const prefix = [...user, ...PRCTL_DENIED];
      const quiet = await start(prefix, [at(name), '-']);
      expect(quiet).toEqual({ status: 0, stdout: '2 3 6 -\n', stderr: '' });
      const { status, stdout, stderr } = await start(prefix, ['--verbose', at(name), '-']);
      expect({ status, stdout }).toEqual({ status: 0, stdout: '2 3 6 -\n' });
      expect(stderr).toMatch(
        /refused PR_SET_MM_MAP and did not set start_code end_code start_data end_data start_stack start_brk brk arg_start arg_end env_start env_end auxv exe_file: /,
      );
    });
  });
});
