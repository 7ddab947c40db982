/**
 * A process moves from this machine to a guest with an older kernel and a processor without XSAVE, and one comes from there. What it was
 * computing it computes to the end, and asks the vDSO for the time.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installedPaths } from '../support/installation.ts';
import { ALONE } from '../support/restored.ts';
import { COMMAND, NODE_PATH, ROOT, run, temporary } from '../support/run.ts';
import { BUSYBOX, kernels, runGuest } from './boot.ts';
import { Initramfs } from './initramfs.ts';
import { GUEST_ROOT, RESULTS } from './scenarios.ts';

const directory = temporary();
afterAll(() => directory.remove());
const initrd = join(directory.path, 'initrd');
const moving = join(directory.path, 'moving');
const core = join(directory.path, 'moved.core');
/** What tells the process to end, here and there. */
const END = join(directory.path, 'end');
const BOOT_LIMIT = 200_000;
const GUEST_COMMAND = join(GUEST_ROOT, 'dist/run-foreign');

/** A process that has begun here, as a file; the guests do not have its program. */
async function moveAway(): Promise<void> {
  execFileSync('musl-gcc', ['-static', '-O1', '-o', moving, join(ROOT, 'test/programs/moving.c')]);
  const child = spawn('bash', ['-c', ALONE, 'bash', moving, END], {
    cwd: '/',
    env: { PATH: NODE_PATH },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  const args = ['checkpoint', String(child.pid), '-o', core, '--complete', '--kill'];
  const { status, stderr } = await run(COMMAND, args);
  expect(stderr).toBe('');
  expect(status).toBe(0);
}

/** In the guest: it comes from here and goes on, and another begins there, whose checkpoint is sent here. */
const INIT = `#!${BUSYBOX} sh
${BUSYBOX} mount -t proc proc /proc
${BUSYBOX} mount -t devtmpfs dev /dev
${BUSYBOX} mount -t tmpfs tmp /tmp
export PATH=/usr/bin:/bin RUN_FOREIGN_NO_CACHE=1
${BUSYBOX} stty -F ${RESULTS} raw
exec >${RESULTS} 2>&1 </dev/null
${BUSYBOX} ln -s ${process.execPath} /usr/bin/node 2>/dev/null
${GUEST_COMMAND} /moved.core; echo "refused $?"
${BUSYBOX} mkdir -p ${directory.path}; echo >${END}
${GUEST_COMMAND} --skip cpu /moved.core | ${BUSYBOX} cat; echo "moved"
${BUSYBOX} rm ${END}
/moving ${END} | ${BUSYBOX} cat & ${BUSYBOX} sleep 1
${GUEST_COMMAND} checkpoint $(${BUSYBOX} pidof moving) -o /back.core --complete --kill; echo "written $?"
echo "core $(${BUSYBOX} gzip -c /back.core | ${BUSYBOX} base64 -w 0)"
${BUSYBOX} poweroff -f
`;

beforeAll(async () => {
  mkdirSync(directory.path, { recursive: true });
  await moveAway();
  const root = new Initramfs();
  root.add('/init', INIT, 0o755);
  for (const each of ['proc', 'dev', 'tmp']) root.add(`/${each}/.empty`, '');
  root.copy(BUSYBOX);
  root.copyProgram(process.execPath);
  root.copy(moving, '/moving');
  root.copy(core, '/moved.core');
  for (const path of installedPaths()) root.copy(join(ROOT, path), join(GUEST_ROOT, path));
  root.write(initrd);
}, BOOT_LIMIT);

const hasAvx512 = / avx512f /.test(readFileSync('/proc/cpuinfo', 'latin1'));

const [release = ''] = kernels();
/** One that does not even know XSAVE. */
const cpu = 'Nehalem';

test(`to Linux ${release} on ${cpu}, and back`, { timeout: BOOT_LIMIT }, async () => {
  const results = join(directory.path, `results-${release}-${cpu}`);
  const console = await runGuest(release, { initrd, results, cpu });
  const said = readFileSync(results, 'latin1');
  const seen = said.replace(/^core .*$/m, '') + console.slice(-2000);
  // This machine's processor has what qemu's have not.
  if (hasAvx512)
    expect(seen).toMatch(/moved\.core: cannot go on with this processor: it lacks .*refused 126/s);
  expect(seen).toContain('went on: right 2.000000\nmoved');
  expect(seen).toContain('written 0');

  const back = join(directory.path, `back-${release}-${cpu}.core`);
  const [, packed = ''] = /^core (\S+)$/m.exec(said) ?? [];
  writeFileSync(`${back}.gz`, Buffer.from(packed, 'base64'), { mode: 0o755 });
  writeFileSync(END, '');
  const { status, stdout } = await run(COMMAND, ['--skip', 'cpu', `${back}.gz`]);
  expect(stdout).toBe('went on: right 2.000000\n');
  expect(status).toBe(5);
});
