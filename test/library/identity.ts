/**
 * Programs as they are when they have started, whoever started them: by a Node of their own, so that addresses need not be
 * random, and to the byte as far as their first stack goes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { AT } from '../../src/process/auxv.ts';
import { type Identity, readIdentity } from '../support/proc.ts';
import { COMMAND, NODE_PATH, ROOT } from '../support/run.ts';

/** By child_process, by the library, or by the command, which plans each start. */
export type Starter = 'native' | 'foreign' | 'command';

export interface Job {
  readonly file: string;
  readonly args: readonly string[];
  readonly argv0?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly bits?: 32 | 64;
  /** The caller's descriptors; three pipes unless given. */
  readonly stdio?: number;
}

export interface Started extends Identity {
  /** From argc to the end of the stack, without the bytes that are random. */
  readonly stack: Buffer;
  /** Numbers of its descriptors. */
  readonly descriptors: number;
}

const SCRIPT = `
  const { spawn } = require('node:child_process');
  const { spawnForeign } = require(${JSON.stringify(`${ROOT}/dist/index.cjs`)});
  const { by, times, file, args, argv0, env, cwd, stdio = 3 } = JSON.parse(require('node:fs').readFileSync(0));
  const streams = Array.from({ length: stdio }, (_, fd) => fd === 0 || fd === 4 ? 'pipe' : fd === 2 ? 'inherit' : 'ignore');
  const options = { ...(argv0 !== undefined && { argv0 }), env, cwd, stdio: streams };
  (async () => {
    const pids = [];
    for (let time = 0; time < times; time++) {
      const child = by === 'foreign' ? await spawnForeign(file, args, options)
        : by === 'native' ? spawn(file, args, options)
        : spawn(${JSON.stringify(COMMAND)}, [file, ...args], options);
      child.once('exit', (...how) => { console.error('ended', ...how); process.exit(1); });
      pids.push(child.pid);
    }
    console.log(pids.join(' '));
    setInterval(() => {}, 1000);
  })();
`;

/** The same program, started `times` times by one process, which `prefix` starts. */
export async function startedBy(
  by: Starter,
  job: Job,
  { prefix = [], times = 1 }: { readonly prefix?: readonly string[]; readonly times?: number } = {},
): Promise<Started[]> {
  const [command = '', ...words] = [...prefix, process.execPath, '-e', SCRIPT];
  const node = spawn(command, words, { env: { PATH: NODE_PATH }, stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(node, 'close');
  let [out, complaint] = ['', ''];
  node.stdout.on('data', (bytes) => {
    out += bytes;
  });
  node.stderr.on('data', (bytes) => {
    complaint += bytes;
  });
  node.stdin.end(JSON.stringify({ ...job, by, times }));
  let pids: number[] = [];
  try {
    await until(
      () => {
        if (out.endsWith('\n')) pids = out.trim().split(' ').map(Number);
        return pids.length > 0 && pids.every(isWaiting);
      },
      () => node.exitCode !== null,
      () => complaint,
    );
    return pids.map((pid) => lookAt(pid, job));
  } finally {
    for (const pid of pids) kill(pid);
    node.kill('SIGKILL');
    await ended;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended, which is told already.
  }
}

async function until(done: () => boolean, failed: () => boolean, why: () => string): Promise<void> {
  for (const limit = Date.now() + 20_000; !done(); await wait(10))
    if (failed() || Date.now() > limit) throw new Error(`the program did not come to rest: ${why()}`);
}

/** read(2) of descriptor 0, as programs of 64 and of 32 bits call it; a stub never does. */
function isWaiting(pid: number): boolean {
  try {
    return /^(0|3) 0x0 /.test(readFileSync(`/proc/${pid}/syscall`, 'latin1'));
  } catch {
    return false;
  }
}

function lookAt(pid: number, { bits = 64 }: Job): Started {
  const identity = readIdentity(pid, bits);
  const { start_stack: from } = identity.stat;
  const end = identity.maps.find(({ name }) => name === '[stack]')?.end ?? 0n;
  const stack = Buffer.alloc(Number(end - from));
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  readSync(memory, stack, 0, stack.length, from);
  closeSync(memory);
  const random = identity.auxv.find(([type]) => type === AT.RANDOM)?.[1] ?? from;
  stack.fill(0, Number(random - from), Number(random - from) + 16);
  const descriptors = Number(/^FDSize:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
  return { ...identity, stack, descriptors };
}
