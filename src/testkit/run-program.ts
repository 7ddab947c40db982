/**
 * Runs a program as a process of its own, from a loader that is an object in this one: the plan is made here, and a child
 * executes the stub. The child is started by Node as any other, so it inherits no more than what is given to it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { emitStub } from '../emit/stub.ts';
import { prepareProgram } from '../launch/prepare.ts';
import { createStubFile } from '../launch/stub-file.ts';
import { createVault } from '../launch/vault.ts';
import { closeDescriptor } from '../native/libc.ts';
import { type Plan, vaultOf } from '../plan/plan.ts';
import type { ProgramCase, Sample } from './cases.ts';
import { sampleBytes } from './samples.ts';
import type { Subject } from './subject.ts';

/** Longer than any test program needs: then it hangs. */
const MOST_MILLISECONDS = 60_000;
const MOST_OUTPUT = 16 * 2 ** 20;

export interface Ended {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Throws what planning does, and Error where the program does not end or cannot be run here. */
export async function runProgram(subject: Subject, program: ProgramCase): Promise<Ended> {
  const placed = await place(program.file);
  try {
    const { loader, loaders, given, guests, secrets } = subject;
    const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', ...program.env };
    const { plan } = await prepareProgram({
      name: Buffer.from(placed.path),
      args: (program.args ?? []).map((arg) => Buffer.from(arg)),
      envp: Object.entries(env).map(([name, value]) => Buffer.from(`${name}=${value}`)),
      // What nothing in a file tells is only taken when it is asked for.
      format: subject.isLast ? loader.name : undefined,
      loaders,
      loaderOptions: given,
      guests,
      secrets,
    });
    return await ended(await startChild(plan), program.stdin);
  } finally {
    placed.remove();
  }
}

/** As a file that can be executed: where it lies, or in a directory of its own until `remove`. */
async function place(sample: Sample): Promise<{ path: string; remove: () => void }> {
  if (sample instanceof URL) return { path: fileURLToPath(sample), remove: () => {} };
  if (typeof sample === 'string')
    return { path: sample.includes('/') ? sample : `./${sample}`, remove: () => {} };
  const directory = mkdtempSync(join(tmpdir(), 'run-foreign-testkit-'));
  const path = join(directory, 'program');
  writeFileSync(path, await sampleBytes(sample), { mode: 0o755 });
  return { path, remove: () => rmSync(directory, { recursive: true }) };
}

async function startChild(plan: Plan): Promise<ChildProcess> {
  const vault = vaultOf(plan);
  if (vault?.confidential === true) {
    const what = 'the program is confidential, and is not run by the testkit';
    throw new Error(`${what}: only the run-foreign command can keep it so, run that in a test of your own`);
  }
  const name = Buffer.from(plan.comm).toString();
  const files = new Set(plan.files.flatMap((file) => ('fd' in file ? [file.fd] : [])));
  const own = [...files].map((fd) => () => closeSync(fd));
  try {
    const vaultFd = vault === undefined ? -1 : await createVault(vault, name, () => {});
    if (vault !== undefined) own.push(() => closeDescriptor(vaultFd));
    const stub = createStubFile(name);
    own.push(() => stub.close());
    const fds = plan.files.map((file) => ('fd' in file ? file.fd : vaultFd));
    const numbers = fds.map((_, index) => STDIO.length + index);
    stub.finish(emitStub(plan, numbers));
    // Not /proc/self: Node puts other files over numbers that are low enough.
    return spawn(`/proc/${process.pid}/fd/${stub.fd}`, {
      argv0: 'run-foreign',
      env: {},
      stdio: [...STDIO, ...fds],
    });
  } finally {
    for (const close of own) close();
  }
}

const STDIO = ['pipe', 'pipe', 'pipe'] as const;

async function ended(child: ChildProcess, stdin: string | Uint8Array = ''): Promise<Ended> {
  let stopped: string | undefined;
  const stop = (why: string) => {
    stopped ??= why;
    child.kill('SIGKILL');
  };
  const timer = setTimeout(
    () => stop(`has not ended after ${MOST_MILLISECONDS / 1000} s`),
    MOST_MILLISECONDS,
  );
  const collected = [child.stdout, child.stderr].map((stream) => {
    const pieces: Buffer[] = [];
    let size = 0;
    stream?.on('data', (piece: Buffer) => {
      size += piece.length;
      if (size > MOST_OUTPUT) stop(`writes more than ${MOST_OUTPUT} bytes`);
      else pieces.push(piece);
    });
    return pieces;
  });
  // A program need not read what it is given.
  child.stdin?.on('error', () => {});
  child.stdin?.end(stdin);
  try {
    const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (...how) => resolve(how));
    });
    if (stopped !== undefined) throw new Error(`the program ${stopped}`);
    const [stdout = Buffer.alloc(0), stderr = Buffer.alloc(0)] = collected.map((each) => Buffer.concat(each));
    return { stdout, stderr, status, signal };
  } finally {
    clearTimeout(timer);
  }
}
