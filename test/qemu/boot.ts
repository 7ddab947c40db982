/**
 * Boots Debian's kernels in qemu without hardware help, with a root file system that holds the real command and
 * Node, and gives back what test/qemu/guest.ts sent. .ci/run and test/qemu/fetch-kernels provide what it needs.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize } from 'node:v8';
import { inflateSync } from 'node:zlib';
import { build } from 'esbuild';
import { compile } from '../e2e/compile.ts';
import { installedPaths } from '../support/installation.ts';
import { ROOT, SAMPLES } from '../support/run.ts';
import { Initramfs } from './initramfs.ts';
import {
  type Checked,
  CONFINE,
  GUEST_ROOT,
  type Message,
  type Observation,
  ONLY_ESSENTIAL,
  PROGRAMS,
  RESULTS,
} from './scenarios.ts';

export const KERNELS = join(ROOT, '.cache/kernels');
export const BUSYBOX = '/bin/busybox';
const TOOLS = ['strace', 'setpriv', 'unshare'].map((name) => `/usr/bin/${name}`);
const GUEST_SCRIPT = join(GUEST_ROOT, 'test/qemu/guest.mjs');
/** The console's last lines tell why a guest came to nothing. */
const CONSOLE_TAIL = 3000;
const TIME_LIMIT = 190_000;

/** The kernels that are there, by release, the oldest first. */
export function kernels(): string[] {
  const names = existsSync(KERNELS) ? readdirSync(KERNELS).filter((name) => name.startsWith('vmlinuz-')) : [];
  if (names.length === 0) throw new Error('no kernels in .cache/kernels: run test/qemu/fetch-kernels');
  const releases = names.map((name) => name.slice('vmlinuz-'.length));
  return releases.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

const INIT = `#!${BUSYBOX} sh
${BUSYBOX} mount -t proc proc /proc
${BUSYBOX} mount -t devtmpfs dev /dev
${BUSYBOX} mount -t tmpfs tmp /tmp
export PATH=/usr/bin:/bin
${BUSYBOX} stty -F ${RESULTS} raw
${process.execPath} ${GUEST_SCRIPT}
${BUSYBOX} poweroff -f
`;

/** Writes the guest's root file system to `output`; `scratch` is a directory for what is made on the way. */
export async function buildGuest(output: string, scratch: string): Promise<void> {
  const root = new Initramfs();
  root.add('/init', INIT, 0o755);
  for (const directory of ['proc', 'dev', 'tmp']) root.add(`/${directory}/.empty`, '');
  root.copy(BUSYBOX);
  root.copyProgram(process.execPath);
  for (const tool of TOOLS) root.copyProgram(tool);
  root.copy(await compile('confine.c', ['-static'], join(scratch, 'confine')), CONFINE);
  for (const path of installedPaths()) root.copy(join(ROOT, path), join(GUEST_ROOT, path));
  for (const { sample } of Object.values(PROGRAMS)) {
    const file = join(SAMPLES, sample);
    const guest = join(GUEST_ROOT, 'samples', sample);
    if (sample.includes('dynamic')) root.copyProgram(file, guest);
    else root.copy(file, guest);
  }
  root.add(GUEST_SCRIPT, await bundle());
  root.write(output);
}

async function bundle(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, 'test/qemu/guest.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  });
  return outputFiles[0]?.contents ?? new Uint8Array();
}

export interface BootOptions {
  readonly initrd: string;
  /** A directory for what the guest writes. */
  readonly scratch: string;
  readonly onlyEssential: boolean;
}

export interface Boot {
  readonly release: string;
  readonly observations: readonly Observation[];
  readonly checked: readonly Checked[];
}

/** How a guest is made. */
export interface Guest {
  readonly initrd: string;
  /** What is written to its second serial port, RESULTS. */
  readonly results: string;
  /** qemu's name of a processor. */
  readonly cpu: string;
  /** For the kernel's command line. */
  readonly append?: string;
}

/** Runs a guest until it has switched off; returns what its console has shown. */
export async function runGuest(
  release: string,
  { initrd, results, cpu, append = '' }: Guest,
): Promise<string> {
  const child = spawn(
    'qemu-system-x86_64',
    [
      // Two processors in turn: where both run at once, qemu before 8.1 (its commit deba78709a) now and then executes code that
      // the kernel has changed since, and the kernel dies of an int3 that is long gone.
      ...['-accel', 'tcg,thread=single', '-cpu', cpu, '-m', '1500', '-smp', '2'],
      ...['-nodefaults', '-no-reboot', '-display', 'none'],
      ...['-serial', 'stdio', '-serial', `file:${results}`],
      ...['-kernel', join(KERNELS, `vmlinuz-${release}`), '-initrd', initrd],
      '-append',
      // What the kernel does not know it puts into the environment of init.
      `console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable${append}`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], timeout: TIME_LIMIT, killSignal: 'SIGKILL' },
  );
  let console = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes: Buffer) => {
      console += bytes.toString('latin1');
    });
  }
  await once(child, 'close');
  return console;
}

/** Boots the kernel `release` with the root file system `initrd` and waits until the guest has switched off. */
export async function boot(release: string, { initrd, scratch, onlyEssential }: BootOptions): Promise<Boot> {
  const results = join(scratch, `results-${release}`);
  const append = onlyEssential ? ` ${ONLY_ESSENTIAL}=1` : '';
  const console = await runGuest(release, { initrd, results, cpu: 'max', append });
  const messages = readFileSync(results, 'latin1')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => deserialize(inflateSync(Buffer.from(line, 'base64'))) as Message);
  const end = messages.find((message) => 'done' in message);
  const failures = messages.flatMap((message) => ('failure' in message ? [message.failure] : []));
  if (end === undefined || failures.length > 0) {
    const last = console.slice(-CONSOLE_TAIL);
    throw new Error(`the guest ${release} did not finish: ${failures.join('\n')}\n${last}`);
  }
  const observations = messages.flatMap((message) => ('observation' in message ? [message.observation] : []));
  const checked = messages.flatMap((message) => ('checked' in message ? [message.checked] : []));
  return { release: end.release, observations, checked };
}
