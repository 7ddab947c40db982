/** Processes that cannot be checkpointed, or are in a state of their own, and outputs that fail: the process is as before. */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { statusField } from '../../src/native/proc.ts';
import { ALONE, compileRestored, Subject, scratchDirectory } from '../support/restored.ts';
import { COMMAND, ROOT, run } from '../support/run.ts';
import { keyPair } from '../support/sealed.ts';

const scratch = scratchDirectory();
const output = join(scratch.path, 'a.core');
let computing: string;
let subject: Subject | undefined;

beforeAll(() => {
  computing = compileRestored('computing', scratch.path);
});
afterAll(scratch.remove);
afterEach(() => {
  if (subject !== undefined) process.kill(subject.pid, 'SIGKILL');
  subject = undefined;
});

const start = async (): Promise<Subject> => {
  subject = await Subject.start(computing, scratch.path);
  return subject;
};

const checkpoint = (pid: number, ...options: string[]) =>
  run(COMMAND, ['checkpoint', String(pid), '-o', output, '--force', ...options]);

const status = (name: string, { pid }: Subject) => statusField(name, `/proc/${pid}/status`);

/** It ends as it would have ended. */
async function isUnharmed(target: Subject): Promise<void> {
  expect(status('TracerPid', target)).toBe('0');
  subject = undefined;
  expect(await target.finish()).toBe(0);
}

test('a process that is stopped stays stopped', async () => {
  const target = await start();
  target.signal('SIGSTOP');
  await expect.poll(() => status('State', target)).toMatch(/^T/);
  expect((await checkpoint(target.pid)).status).toBe(0);
  expect(status('State', target)).toMatch(/^T/);
  target.signal('SIGCONT');
  await isUnharmed(target);
});

test('--stop leaves it stopped', async () => {
  const target = await start();
  expect((await checkpoint(target.pid, '--stop')).status).toBe(0);
  expect(status('State', target)).toMatch(/^T/);
  target.signal('SIGCONT');
  await isUnharmed(target);
});

test('who is traced already is refused, with the tracer', async () => {
  const target = await start();
  const strace = spawn('strace', ['-p', String(target.pid), '-o', '/dev/null'], { stdio: 'ignore' });
  try {
    await expect.poll(() => status('TracerPid', target)).toBe(String(strace.pid));
    const { status: code, stderr } = await checkpoint(target.pid);
    expect(stderr).toContain(`is already traced by strace (PID ${strace.pid})`);
    expect(code).toBe(126);
  } finally {
    strace.kill('SIGINT');
  }
  await expect.poll(() => status('TracerPid', target)).toBe('0');
  await isUnharmed(target);
});

test('a 32-bit process is refused', async () => {
  const file = join(scratch.path, 'wait32');
  execFileSync('gcc', ['-m32', '-o', file, join(ROOT, 'test/programs/wait.c')]);
  const child = spawn(file, { stdio: ['pipe', 'ignore', 'ignore'] });
  try {
    await expect.poll(() => statusField('Name', `/proc/${child.pid}/status`)).toBe('wait32');
    const { status: code, stderr } = await checkpoint(child.pid ?? 0);
    expect(stderr).toContain('is a 32-bit process');
    expect(code).toBe(126);
  } finally {
    child.kill('SIGKILL');
  }
});

test('processes that are not there, or are none', async () => {
  const gone = await checkpoint(2 ** 22 - 1);
  expect(gone.stderr).toContain('is not there, or has ended');
  expect(gone.status).toBe(127);
  const kernels = await checkpoint(2);
  if (statusField('Name', '/proc/2/status') === 'kthreadd') {
    expect(kernels.stderr).toContain('is a thread of the kernel');
    expect(kernels.status).toBe(126);
  }
});

test('processes that end, or execute another program, while they are looked at', {
  timeout: 120_000,
}, async () => {
  const script = join(scratch.path, 'again.sh');
  execFileSync('sh', ['-c', `printf '#!/bin/sh\\nexec "$0"\\n' > ${script}; chmod +x ${script}`]);
  const again = spawn(script, { stdio: 'ignore' });
  try {
    for (let round = 0; round < 10; round++) {
      const { status: code, stderr } = await checkpoint(again.pid ?? 0);
      expect([0, 126, 127], stderr).toContain(code);
      expect(stderr).not.toContain('internal error');
      expect(statusField('TracerPid', `/proc/${again.pid}/status`)).toBe('0');
    }
  } finally {
    again.kill('SIGKILL');
  }
  for (let round = 0; round < 10; round++) {
    const child = spawn('sleep', [String(0.02 + round * 0.006)], { stdio: 'ignore' });
    const { status: code, stderr } = await checkpoint(child.pid ?? 0);
    expect([0, 126, 127], stderr).toContain(code);
    expect(stderr).not.toContain('internal error');
  }
});

test('a seccomp filter is refused, or left out', async () => {
  const file = join(scratch.path, 'filtered');
  const lines = [
    'import ctypes, signal, sys, time',
    'libc = ctypes.CDLL(None)',
    'class Prog(ctypes.Structure): _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]',
    // Allow everything: BPF_RET | BPF_K, SECCOMP_RET_ALLOW.
    'code = ctypes.create_string_buffer(bytes([6, 0, 0, 0, 0, 0, 255, 127]))',
    'assert libc.prctl(38, 1, 0, 0, 0) == 0',
    'assert libc.prctl(22, 2, ctypes.byref(Prog(1, ctypes.addressof(code))), 0, 0) == 0',
    'signal.signal(signal.SIGUSR1, lambda *_: sys.exit(0))',
    'print("ready", flush=True)',
    'while True: time.sleep(1)',
  ];
  execFileSync('sh', [
    '-c',
    `printf '%s\\n' '#!/usr/bin/python3' "$@" > ${file}; chmod +x ${file}`,
    'sh',
    ...lines,
  ]);
  subject = await Subject.start(file, scratch.path);
  const refused = await checkpoint(subject.pid);
  expect(refused.stderr).toContain('the seccomp filter');
  expect(refused.status).toBe(126);
  expect((await checkpoint(subject.pid, '--skip', 'seccomp')).status).toBe(0);
  await isUnharmed(subject);
});

test('what a checkpoint cannot hold is named, and can be left out', async () => {
  const program = 'import socket, time; s = socket.socketpair(); print("ready", flush=True); time.sleep(100)';
  subject = await Subject.start('/usr/bin/python3', scratch.path, ['-c', program]);
  const refused = await checkpoint(subject.pid);
  expect(refused.stderr).toMatch(/descriptor 3 \(socket:\[\d+\]\) is a socket/);
  expect(refused.status).toBe(126);
  const check = await run(COMMAND, ['checkpoint', '--check', '--json', String(subject.pid)]);
  expect(check.status).toBe(1);
  const found = JSON.parse(check.stdout) as { ok: boolean; refused: { object: string; skip: string }[] };
  expect(found.ok).toBe(false);
  expect(found.refused.map(({ object, skip }) => `${object} ${skip}`)).toEqual([
    'descriptor 3 sockets',
    'descriptor 4 sockets',
  ]);
  expect((await checkpoint(subject.pid, '--skip', 'sockets')).status).toBe(0);
});

test('a disk that is full leaves no file, and the process as it was', async () => {
  const small = join(scratch.path, 'small');
  mkdirSync(small);
  // Both in one mount namespace.
  const script = [
    'mount -t tmpfs -o size=40k none "$1" || exit 77',
    'cd "$1"; bash --norc -c "$4" bash "$2" >/dev/null </dev/null & pid=$!; sleep 0.3',
    '"$3" checkpoint $pid -o x; echo status $?; ls -A "$1"; grep TracerPid /proc/$pid/status',
    'kill -USR1 $pid; wait $pid; echo ended $?',
  ].join('\n');
  const { stdout, stderr } = await run('unshare', [
    '-rm',
    'bash',
    '--norc',
    '-c',
    script,
    'bash',
    small,
    computing,
    COMMAND,
    ALONE,
  ]);
  expect(stderr).toContain('cannot be written: ENOSPC');
  expect(stdout).toBe('status 125\nTracerPid:\t0\nended 0\n');
  expect(readdirSync(small)).toEqual([]);
});

test('an output that fails half way', async () => {
  const target = await start();
  const script = 'exec "$1" checkpoint "$2" -o - > /dev/full';
  const { status: code, stderr } = await run('sh', ['-c', script, 'sh', COMMAND, String(target.pid)]);
  expect(stderr).toContain('standard output: cannot be written: ENOSPC');
  expect(code).toBe(125);
  await isUnharmed(target);
});

test('what is there is not replaced unless told so', async () => {
  const target = await start();
  expect((await checkpoint(target.pid)).status).toBe(0);
  expect(existsSync(output)).toBe(true);
  const again = await run(COMMAND, ['checkpoint', String(target.pid), '-o', output]);
  expect(again.stderr).toContain('is there already');
  expect(again.status).toBe(2);
  await isUnharmed(target);
});

test('a confidential process is only written encrypted', async () => {
  const key = await keyPair();
  const keys = join(scratch.path, 'keys');
  writeFileSync(keys, `${key.secret}\n`);
  const sealedFile = join(scratch.path, 'sealed');
  const sealing = await run(COMMAND, ['seal', computing, '-r', key.recipient, '-o', sealedFile, '--force']);
  expect(sealing.stderr).toBe('');
  chmodSync(sealedFile, 0o755);
  subject = await Subject.start(COMMAND, scratch.path, ['-i', keys, sealedFile]);
  rmSync(output, { force: true });
  const refused = await run(COMMAND, ['checkpoint', String(subject.pid), '-o', output]);
  expect(refused.stderr).toContain('is confidential');
  expect(refused.status).toBe(126);
  expect(existsSync(output)).toBe(false);
  expect((await checkpoint(subject.pid, '--seal', key.recipient)).status).toBe(0);
  expect(readFileSync(output).subarray(0, 22).toString()).toBe('age-encryption.org/v1\n');
  await isUnharmed(subject);
});

test.runIf(process.getuid?.() === 0)('a process that has changed its user goes on as that user', async () => {
  const lines = [
    'import os, signal, sys',
    'os.setgroups([7]); os.setresgid(1001, 1002, 1003); os.setresuid(1001, 1001, 1003)',
    'def end(*_): print(os.getresuid(), os.getresgid(), os.getgroups(), flush=True); sys.exit(0)',
    'signal.signal(signal.SIGUSR1, end)',
    'print("ready", flush=True)',
    'while True: signal.pause()',
  ];
  subject = await Subject.start('/usr/bin/python3', scratch.path, ['-c', lines.join('\n')]);
  const path = await subject.checkpoint();
  await subject.restore(path);
  expect(await subject.finish()).toBe(0);
  expect(subject.text()).toContain('(1001, 1001, 1003) (1001, 1002, 1003) [7]');
  subject = undefined;
});
