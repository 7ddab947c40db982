/**
 * What the launcher does for Node, and what Node does where the launcher cannot: strace makes its calls fail. Node opens with
 * openat(2) and not open(2), so only the launcher and the stub meet those.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { COMMAND, NODE_PATH, run, temporary } from '../support/run.ts';

const directory = temporary();
afterAll(directory.remove);
const OK = { status: 0, stdout: 'ok\n', stderr: '' };

/** The system calls of a start of `echo ok`. */
async function traced(...injections: string[]): Promise<{ outcome: object; trace: string }> {
  const file = join(directory.path, 'trace');
  const options = ['-f', '-o', file, '-e', 'trace=open,openat,memfd_create,sendmsg,execveat'];
  const inject = injections.flatMap((injection) => ['-e', `inject=${injection}`]);
  const outcome = await run('strace', [...options, ...inject, COMMAND, '/bin/echo', 'ok']);
  return { outcome, trace: readFileSync(file, 'latin1') };
}

test('a plain start needs no koffi and passes no descriptors', async () => {
  const { outcome, trace } = await traced();
  expect(outcome).toEqual(OK);
  expect(trace).toMatch(/ open\("\/proc\/\d+\/fd\/\d+", O_RDONLY\|O_NOCTTY\|O_CLOEXEC\) = \d/);
  expect(trace).toMatch(/ memfd_create\("echo", MFD_CLOEXEC\|/);
  expect(trace).not.toContain('koffi');
  expect(trace).not.toContain('SCM_RIGHTS');
});

test.each([
  ['cannot open what Node has open', 'open:error=EACCES'],
  ['can open one file and no other', 'open:error=ENFILE:when=2+'],
  ['can open the files for the kernel to look at, and not for the stub', 'open:error=ENOENT:when=3'],
  ['cannot open the second file for the stub', 'open:error=ENOENT:when=4'],
  ['may not execute a memfd, as Node may not', 'memfd_create:error=EACCES'],
])('where the launcher %s, Node passes descriptors', async (_, injection) => {
  const { outcome, trace } = await traced(injection);
  expect(outcome).toEqual(OK);
  expect(trace).toContain('(INJECTED)');
  expect(trace).toContain('koffi');
  expect(trace).toContain('SCM_RIGHTS');
});

test('before Linux 6.3 there is no MFD_EXEC, and the launcher asks without it', async () => {
  const { outcome, trace } = await traced('memfd_create:error=EINVAL:when=1');
  expect(outcome).toEqual(OK);
  expect(trace).toMatch(/ memfd_create\("echo", MFD_CLOEXEC\) = \d/);
  expect(trace).not.toContain('koffi');
});

test('Node does not read the caller’s certificates, and the program gets the variable', async () => {
  const [certificates, file] = [join(directory.path, 'certificates'), join(directory.path, 'opened')];
  writeFileSync(certificates, '');
  const env = { PATH: NODE_PATH, NODE_EXTRA_CA_CERTS: certificates };
  const strace = (...command: string[]) =>
    run('strace', ['-f', '-o', file, '-e', 'trace=open,openat', ...command], { env });
  const { stdout } = await strace(COMMAND, '/usr/bin/env');
  expect(stdout).toContain(`NODE_EXTRA_CA_CERTS=${certificates}\n`);
  expect(readFileSync(file, 'latin1')).not.toContain(certificates);
  await strace(process.execPath, '-e', '0');
  expect(readFileSync(file, 'latin1')).toContain(certificates);
});

test('where /proc is of another PID namespace, nobody looks there for the other', async () => {
  const namespaces = ['--pid', '--fork', ...(process.getuid?.() === 0 ? [] : ['-Ur'])];
  expect(await run('unshare', [...namespaces, COMMAND, '/bin/echo', 'ok'])).toEqual(OK);
});

test('what the launcher could open for nothing is not the program’s', async () => {
  const list = async (...start: string[]) => {
    const strace = ['-f', '-o', '/dev/null', '-e', 'inject=open:error=ENOENT:when=4'];
    return run('strace', [...strace, ...start, '/bin/ls', '/proc/self/fd']);
  };
  expect(await list(COMMAND)).toEqual(await list());
});
