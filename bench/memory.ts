/**
 * How much memory a command takes at its worst: the anonymous memory of its processes and the files in memory that
 * appear while it runs, looked at all the time. Files in memory are counted whole, whoever has mapped them, because
 * the vault is mapped by nobody while it is filled. Pages of files on disk are left out: the kernel can drop them.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { NODE_PATH } from '../test/support/run.ts';
import type { Contender } from './row.ts';

/** Milliseconds that a program takes from its first word to where it stays. */
const QUIET = 5;

/** MB. */
export function memoryOf(name: string, [file = '', ...args]: readonly string[]): Contender {
  return {
    name,
    async measure() {
      const before = filesInMemory();
      const child = spawn(file, args, { stdio: 'ignore', env: { PATH: NODE_PATH } });
      const ended = new Promise<number | null>((resolve, reject) => {
        child.on('error', reject);
        child.on('exit', resolve);
      });
      let running = true;
      void ended.finally(() => {
        running = false;
      });
      let peak = 0;
      while (running) {
        peak = Math.max(peak, anonymous(child.pid ?? 0) + filesInMemory() - before);
        await turn();
      }
      if ((await ended) !== 0) throw new Error(`${name} failed`);
      return peak / 1000;
    },
  };
}

/**
 * MB that a command's processes have resident at the most (VmHWM), files' pages too, until the command has become
 * something else or has ended: of Node and the launcher, where Node is the launcher's child.
 */
export function residentPeak(name: string, [file = '', ...args]: readonly string[]): Contender {
  return {
    name,
    async measure() {
      const child = spawn(file, args, { stdio: 'ignore', env: { PATH: NODE_PATH } });
      const ended = once(child, 'exit');
      let peak = 0;
      while (child.exitCode === null && child.signalCode === null) {
        peak = Math.max(peak, resident(child.pid ?? 0));
        await turn();
      }
      await ended;
      if (child.exitCode !== 0) throw new Error(`${name} failed`);
      return peak / 1000;
    },
  };
}

/** kB, of a process and those that it has started. proc_pid_status(5) */
function resident(pid: number): number {
  return [pid, ...childrenOf(pid)].reduce(
    (sum, each) => sum + kilobytes(read(`/proc/${each}/status`), 'VmHWM'),
    0,
  );
}

/** KiB in a field of smaps_rollup of a program that says something and then stays, when it has become quiet. */
export function memoryInPlace(
  name: string,
  [file = '', ...args]: readonly string[],
  field: string,
): Contender {
  return {
    name,
    async measure() {
      const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'], env: { PATH: NODE_PATH } });
      const ended = once(child, 'exit');
      try {
        await Promise.race([
          once(child.stdout, 'data'),
          ended.then(() => Promise.reject(new Error(`${name} has ended`))),
        ]);
        await pause(QUIET);
        return kibibytes(readFileSync(`/proc/${child.pid}/smaps_rollup`, 'latin1'), field);
      } finally {
        child.kill('SIGKILL');
        await ended;
      }
    },
  };
}

/** kB, of a process and those that it has started. proc_pid_status(5), proc_pid_task(5) */
function anonymous(pid: number): number {
  const own = kilobytes(read(`/proc/${pid}/status`), 'RssAnon');
  return childrenOf(pid).reduce((sum, child) => sum + anonymous(child), own);
}

function childrenOf(pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
}

/** kB, of the whole machine. proc_meminfo(5) */
function filesInMemory(): number {
  return kilobytes(read('/proc/meminfo'), 'Shmem');
}

function kilobytes(text: string, field: string): number {
  return (kibibytes(text, field) * 1024) / 1000;
}

/** What the kernel calls kB. */
function kibibytes(text: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0);
}

/** Nothing, where the process is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
