/** Guests that only run a shell script: processes are checkpointed in one and restored in another. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installedPaths } from '../support/installation.ts';
import { ROOT } from '../support/run.ts';
import { BUSYBOX, runGuest } from './boot.ts';
import { Initramfs } from './initramfs.ts';

const CONSOLE_TAIL = 2000;
/** Where guests have programs and checkpoints. */
export const MOVED = '/moved';

/** A root file system with the command, Node and these programs; `checkpoints` are files by name. */
export function buildMovingGuest(
  output: string,
  script: string,
  programs: readonly string[],
  checkpoints: Readonly<Record<string, Uint8Array>> = {},
): void {
  const root = new Initramfs();
  for (const directory of ['proc', 'dev', 'tmp']) root.add(`/${directory}/.empty`, '');
  root.copy(BUSYBOX);
  root.copyProgram(process.execPath);
  for (const path of installedPaths()) root.copy(join(ROOT, path), join('/opt', path));
  for (const program of programs) {
    const guest = join(MOVED, program.slice(program.lastIndexOf('/') + 1));
    if (program.endsWith('-static')) root.copy(program, guest);
    else root.copyProgram(program, guest);
  }
  for (const [name, bytes] of Object.entries(checkpoints)) root.add(join(MOVED, name), bytes, 0o755);
  root.add(
    '/init',
    `#!${BUSYBOX} sh
${BUSYBOX} mount -t proc proc /proc
${BUSYBOX} mount -t devtmpfs dev /dev
${BUSYBOX} mount -t tmpfs tmp /tmp
${BUSYBOX} --install -s /bin
export PATH=${process.execPath.slice(0, process.execPath.lastIndexOf('/'))}:/opt/dist:/usr/bin:/bin
stty -F /dev/ttyS1 raw
cd /tmp
{
${script}
} > /dev/ttyS1 2>&1 < /dev/null
poweroff -f
`,
    0o755,
  );
  root.write(output);
}

/** What its script has written. */
export async function runMovingGuest(kernel: string, initrd: string, cpu: string): Promise<string> {
  const results = `${initrd}.results`;
  const console = await runGuest(kernel, { initrd, results, cpu });
  const text = readFileSync(results, 'latin1');
  if (!text.includes('the end'))
    throw new Error(`the guest did not finish: ${text.slice(-CONSOLE_TAIL)} ${console.slice(-CONSOLE_TAIL)}`);
  return text;
}
