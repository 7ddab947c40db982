/** What the tests may do here, asked of Linux itself. */
import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporary } from '../../support/run.ts';
import type { FileCase } from './case.ts';
import { program } from './program.ts';

type Need = NonNullable<FileCase['needs']>;

const able: Readonly<Record<Need, boolean>> = {
  root: process.getuid?.() === 0,
  mounts: spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0,
  i386: runs32BitPrograms(),
};

export function isPossible({ needs }: FileCase): boolean {
  return needs === undefined || able[needs];
}

function runs32BitPrograms(): boolean {
  const directory = temporary();
  const file = join(directory.path, 'program');
  writeFileSync(file, program(32));
  chmodSync(file, 0o755);
  const { stdout } = spawnSync(file);
  directory.remove();
  return stdout?.toString() === 'ran\n';
}
