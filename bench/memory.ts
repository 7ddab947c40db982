/**
 * How much memory a command takes at its worst: the anonymous memory of its processes and the files in memory that
 * appear while it runs, looked at all the time. Files in memory are counted whole, whoever has mapped them, because
 * the vault is mapped by nobody while it is filled. Pages of files on disk are left out: the kernel can drop them.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { NODE_PATH } from '../test/support/run.ts';
import type { Contender } from './row.ts';

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

/** kB, of a process and those that it has started. proc_pid_status(5), proc_pid_task(5) */
function anonymous(pid: number): number {
  const own = kilobytes(read(`/proc/${pid}/status`), 'RssAnon');
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean);
  return children.reduce((sum, child) => sum + anonymous(Number(child)), own);
}

/** kB, of the whole machine. proc_meminfo(5) */
function filesInMemory(): number {
  return kilobytes(read('/proc/meminfo'), 'Shmem');
}

function kilobytes(text: string, field: string): number {
  return (Number(new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) * 1024) / 1000;
}

/** Nothing, where the process is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
