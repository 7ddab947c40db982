/**
 * vm.memfd_noexec=2: nothing may be executed from a memfd. The sysctl belongs to a PID namespace, so each test
 * makes one of its own.
 */
import { describe, expect, test } from 'vitest';
import { COMMAND, quote, ROOT, run, SAMPLES } from '../support/run.ts';

const OWN_NAMESPACE = ['--pid', '--fork', '--mount-proc', '--mount'];

/** Runs a shell script where executing from a memfd is forbidden. */
function forbidden(script: string) {
  const forbid = 'echo 2 > /proc/sys/vm/memfd_noexec || exit 99';
  return run('unshare', [...OWN_NAMESPACE, '/bin/sh', '-c', `${forbid}\n${script}`], { cwd: SAMPLES });
}

describe('where executing from memory is forbidden', () => {
  test('programs start from a nameless file, and are themselves all the same', async () => {
    const outcome = await forbidden(`${COMMAND} /bin/readlink /proc/self/exe
      ${COMMAND} elf/i386/hello-static-pie; ${COMMAND} elf/x86_64/hello-dynamic-pie
      ls /proc/self/fd | wc -l; ${COMMAND} /bin/ls /proc/self/fd | wc -l`);
    const { stdout, status } = outcome;
    expect(stdout).toMatch(
      /^\/usr\/bin\/readlink\nhello from elf i386 [^\n]*\nhello from [^\n]*\ngoodbye\n(\d+)\n\1\n$/,
    );
    expect(status).toBe(0);
  });

  test('--verbose says so', async () => {
    const { stderr } = await forbidden(`${COMMAND} --verbose /bin/true`);
    expect(stderr).toContain(
      'memfd_noexec forbids executing from memory, the stub stands in a nameless file in /dev/shm',
    );
  });

  test('check says so, and that programs can be run', async () => {
    const { stdout, status } = await forbidden(`${COMMAND} check --json`);
    const { ok, checks } = JSON.parse(stdout) as {
      ok: boolean;
      checks: { id: string; ok: boolean; found: string }[];
    };
    const memfd = checks.find(({ id }) => id === 'memfd-exec');
    expect(memfd).toMatchObject({ ok: true, found: expect.stringContaining('vm.memfd_noexec is 2') });
    expect(checks.find(({ id }) => id === 'programs-32')).toMatchObject({ ok: true });
    expect({ ok, status }).toEqual({ ok: true, status: 0 });
  });

  test('and files nowhere either, there is one line with the way out', async () => {
    const hide = ['/dev/shm', '/tmp', '/var/tmp'].map(
      (path) => `mount -t tmpfs -o noexec none ${path} || exit 98`,
    );
    // What is hidden may be the directory that all this lies in.
    const own = `mount --bind ${quote(ROOT)} /mnt || exit 97; cd /`;
    const start = '/mnt/dist/run-foreign /mnt/samples/elf/x86_64/hello-static';
    const { status, stdout, stderr } = await forbidden([own, ...hide, start].join('\n'));
    expect(stderr).toMatch(
      /^run-foreign: [^\n]*hello-static: cannot be started from memory: [^\n]*sysctl vm\.memfd_noexec=1[^\n]*\n$/,
    );
    expect({ status, stdout }).toEqual({ status: 126, stdout: '' });
  });
});
