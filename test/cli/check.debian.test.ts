/** `run-foreign check` under real restrictions: each no has the right command, and where one can be given here, it makes a yes. */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compile } from '../e2e/compile.ts';
import { type CheckDocument, checkDocument, checkResult } from '../support/checks.ts';
import { type Confinement, confined, NOBODY } from '../support/confine.ts';
import { type Installation, installAt } from '../support/installation.ts';
import { COMMAND, NODE_PATH, quote, ROOT, run, temporary } from '../support/run.ts';

const directory = temporary();
const confine = join(directory.path, 'confine');
let installed: Installation;
afterAll(directory.remove);
beforeAll(async () => {
  await compile('confine.c', [], confine);
  installed = installAt(directory.path, []);
  // Who gives the commands that a user is told to give is root here.
  directory.file('sudo', '#!/bin/sh\nexec "$@"\n');
  chmodSync(directory.path, 0o755);
});

const check = async (under: readonly string[], ...ids: string[]) => {
  const [file = '', ...args] = [...under, COMMAND, 'check', '--json', ...ids];
  return run(file, args);
};
const under = (confinement: Confinement) => confined(confine, confinement);

describe('an ordinary user', () => {
  const asNobody = async (id: string) => {
    const [file = '', ...args] = [...NOBODY, installed.command, 'check', '--json', id];
    return checkResult(await run(file, args, { env: installed.environment, cwd: '/' }));
  };
  /** What `id` is in the shell that `fix` opens, if `by` gives the command. */
  const afterwards = async (fix: string | undefined, id: string, by: readonly string[] = []) => {
    const env = { ...installed.environment, SHELL: '/bin/sh' };
    const [file = '', ...args] = [...by, '/bin/sh', '-c', `PATH=${quote(directory.path)}:$PATH; ${fix}`];
    const input = `exec ${quote(installed.command)} check --json ${id}\n`;
    return checkResult(await run(file, args, { env, cwd: '/', input }));
  };

  test('may not name the file in /proc/PID/exe, but in a namespace that needs no root', async () => {
    const { ok, fix } = await asNobody('exe-fd');
    expect({ ok, fix }).toEqual({ ok: false, fix: 'unshare --user --map-current-user --keep-caps' });
    expect(await afterwards(fix, 'exe-fd', NOBODY)).toMatchObject({ ok: true });
  });

  test('may not choose process IDs, but in a shell that root opens', async () => {
    const { ok, fix, found } = await asNobody('old-pid');
    expect({ ok, found }).toEqual({ ok: false, found: 'choosing a number for a new process gives EPERM' });
    expect(fix).toMatch(/^sudo setpriv --reuid=65534 .*\+checkpoint_restore "\$SHELL"$/);
    expect(await afterwards(fix, 'old-pid')).toMatchObject({ ok: true });
  });

  test('may trace, and may not map address 0', async () => {
    expect(await asNobody('ptrace')).toMatchObject({ ok: true });
    expect(await asNobody('map-zero')).toMatchObject({
      ok: false,
      found: expect.stringMatching(/^mapping it gives EPERM/),
      fix: 'sudo sysctl -w vm.mmap_min_addr=0',
      neededFor: ['aout'],
    });
  });
});

/** arch/x86/entry/syscalls/syscall_64.tbl */
const NR = { ptrace: 101, memfd_create: 319, clone3: 435 } as const;

describe('where a seccomp filter denies it, no command is said to help', () => {
  test('tracing', async () => {
    const result = checkResult(await check(under({ deny: NR.ptrace }), 'ptrace'));
    expect(result).toMatchObject({ ok: false, advice: expect.stringContaining('--cap-add SYS_PTRACE') });
    expect(result.found).toContain('gives EPERM');
    expect(result.fix).toBe(undefined);
  });

  test('files in memory: then no program runs', async () => {
    const { ok, checks } = checkDocument(await check(under({ deny: NR.memfd_create })));
    expect(ok).toBe(false);
    const memfd = checks.find(({ id }) => id === 'memfd-exec');
    expect(memfd).toMatchObject({ ok: false, required: true, advice: expect.stringMatching(/^no command/) });
    expect(memfd?.fix).toBe(undefined);
  });

  test('clone3', async () => {
    const result = checkResult(await check(under({ missing: NR.clone3 }), 'old-pid'));
    expect(result).toMatchObject({ ok: false, found: expect.stringContaining('gives ENOSYS') });
    expect(result.fix).toBe(undefined);
  });

  test('PR_SET_MM_MAP, which is required where nothing replaces it', async () => {
    const { ok, checks } = checkDocument(await check(under({ filter: 'no-mm-map', drop: ['SYS_RESOURCE'] })));
    expect(ok).toBe(false);
    expect(checks.find(({ id }) => id === 'pr-set-mm-map')).toMatchObject({
      ok: false,
      required: true,
      advice: expect.stringMatching(/^no command changes that: a seccomp filter must allow prctl/),
    });
  });
});

test('where memory that was written may not be executed, there is no WebAssembly', async () => {
  expect(checkResult(await check(under({ mdwe: true }), 'wasm'))).toMatchObject({
    ok: false,
    neededFor: ['wasm', 'xz', 'zstd'],
  });
});

test('a capability that root was denied is not to be had by a command', async () => {
  const drop = ['SYS_ADMIN', 'CHECKPOINT_RESTORE', 'SYS_RESOURCE'] as const;
  const result = checkResult(await check(under({ drop }), 'old-pid'));
  expect(result).toMatchObject({
    ok: false,
    advice: expect.stringContaining('--cap-add CHECKPOINT_RESTORE'),
  });
  expect(result.fix).toBe(undefined);
});

/** Two answers: the first, and that of the same shell when it has carried out the fix of the first. */
async function mended(namespaces: readonly string[], spoil: string, id: string) {
  // What is hidden may be the directory that all this lies in.
  const command = `/mnt/dist/run-foreign check --json ${id}`;
  const script = `mount --bind ${quote(ROOT)} /mnt && cd / || exit 97\n${spoil}
    before=$(${command})
    fix=$(echo "$before" | node -p 'JSON.parse(fs.readFileSync(0)).checks[0].fix')
    eval "$fix" > /dev/null || exit 99
    echo "[$before,"; ${command}; status=$?; echo ']'; exit $status`;
  const { status, stdout, stderr } = await run('unshare', [...namespaces, '/bin/sh', '-c', script], {
    env: { PATH: NODE_PATH },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const [before, after] = JSON.parse(stdout) as [CheckDocument, CheckDocument];
  return { before: before.checks[0], after: after.checks[0] };
}

describe('as root, the command makes a yes', () => {
  test('of binfmt_misc, where it is not mounted', async () => {
    const spoil = 'umount /proc/sys/fs/binfmt_misc 2> /dev/null';
    const { before, after } = await mended(['--mount'], spoil, 'binfmt-misc');
    expect(before).toMatchObject({
      ok: false,
      found: 'not mounted',
      fix: 'mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc',
    });
    expect(after).toMatchObject({ ok: true, found: 'mounted at /proc/sys/fs/binfmt_misc, and enabled' });
  });

  test('of executing from memory, where it is forbidden, and from files in memory, too', async () => {
    const hide = ['/dev/shm', '/tmp', '/var/tmp'].map((path) => `mount -t tmpfs -o noexec none ${path}`);
    const spoil = [...hide, 'echo 2 > /proc/sys/vm/memfd_noexec'].join(' && ');
    const namespaces = ['--pid', '--fork', '--mount-proc', '--mount'];
    const { before, after } = await mended(namespaces, `${spoil} || exit 98`, 'memfd-exec');
    expect(before).toMatchObject({ ok: false, required: true, fix: 'sysctl -w vm.memfd_noexec=1' });
    expect(after).toMatchObject({ ok: true, found: 'a program ran from memory; vm.memfd_noexec is 1' });
  });
});

test('in a user namespace it is said that the command is for outside of it', async () => {
  const result = checkResult(await check(['unshare', '--user', '--map-root-user'], 'map-zero'));
  expect(result).toMatchObject({ ok: false, fix: 'sudo sysctl -w vm.mmap_min_addr=0' });
  expect(result.advice).toMatch(/root may map it.*outside of this user namespace$/);
});
