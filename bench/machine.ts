/** What the figures were measured on. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  /** GiB. */
  readonly memory: number;
  readonly kernel: string;
  readonly system: string;
  readonly node: string;
  /** How many processes wanted to run in the last minute: what is measured shares the cores with them. */
  readonly load: number;
}

export function machine(): Machine {
  const system = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memory: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    system: system ?? 'unknown',
    node: process.version,
    load: loadavg()[0] ?? 0,
  };
}
