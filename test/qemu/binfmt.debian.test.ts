/**
 * A machine that starts with systemd: what `run-foreign binfmt register` writes is registered before the first service is
 * started, and a unit names a program in a foreign format as if Linux ran it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installedPaths } from '../support/installation.ts';
import { ROOT, runForeign, SAMPLES, temporary } from '../support/run.ts';
import { BUSYBOX, KERNELS, kernels, runGuest } from './boot.ts';
import { Initramfs } from './initramfs.ts';
import { GUEST_ROOT, RESULTS } from './scenarios.ts';

const LIMIT = 200_000;
const directory = temporary();
afterAll(directory.remove);
const SYSTEMD = '/lib/systemd/systemd';
const BINFMT = '/lib/systemd/systemd-binfmt';
/** Debian's own, as they are. */
const UNITS = ['systemd-binfmt.service', 'proc-sys-fs-binfmt_misc.mount', 'local-fs.target'];
const PROGRAMS = ['aout/hello-qmagic', 'aout/tally-qmagic', 'inputs/words.txt'];

/** The module, and what unprivileged a.out programs need; systemd mounts binfmt_misc. */
const INIT = `#!${BUSYBOX} sh
${BUSYBOX} mount -t proc proc /proc
${BUSYBOX} insmod /binfmt_misc.ko
echo 4096 > /proc/sys/vm/mmap_min_addr
exec ${SYSTEMD}
`;

const output = `StandardOutput=append:${RESULTS}\nStandardError=append:${RESULTS}`;
const OWN_UNITS = {
  'default.target': `[Unit]
Wants=foreign.service last.service proc-sys-fs-binfmt_misc.mount systemd-binfmt.service`,
  'foreign.service': `[Unit]
DefaultDependencies=no
After=systemd-binfmt.service
[Service]
Type=oneshot
User=nobody
${output}
ExecStart=/opt/hello-qmagic
ExecStart=/opt/tally-qmagic /opt/words.txt
ExecStart=-@/opt/tally-qmagic a-name /none
ExecStart=${BUSYBOX} sh -c 'env -i /opt/hello-qmagic; exec -a other /opt/tally-qmagic /none'`,
  'last.service': `[Unit]
DefaultDependencies=no
After=foreign.service
[Service]
Type=oneshot
${output}
ExecStart=${BUSYBOX} sh -c 'export PATH=/usr/bin:/bin; ${GUEST_ROOT}/dist/run-foreign binfmt status aout; \\
${GUEST_ROOT}/dist/run-foreign binfmt unregister; ${BUSYBOX} ls -1 /proc/sys/fs/binfmt_misc /etc/binfmt.d; echo the end'
ExecStart=${BUSYBOX} poweroff -f`,
};

async function buildGuest(release: string): Promise<string> {
  const root = new Initramfs();
  root.add('/init', INIT, 0o755);
  for (const each of ['proc', 'dev', 'tmp', 'sys', 'run']) root.add(`/${each}/.empty`, '');
  root.copy(BUSYBOX);
  // A shell's own name is a link to it.
  root.copy(BUSYBOX, '/bin/sh');
  root.copyProgram(process.execPath, '/usr/bin/node');
  // systemd mounts with its help.
  for (const program of [SYSTEMD, BINFMT, '/bin/mount']) root.copyProgram(program);
  for (const unit of UNITS) root.copy(`/lib/systemd/system/${unit}`);
  for (const [name, text] of Object.entries(OWN_UNITS)) root.add(`/etc/systemd/system/${name}`, `${text}\n`);
  root.copy(join(KERNELS, `binfmt_misc-${release}.ko`), '/binfmt_misc.ko');
  for (const path of installedPaths()) root.copy(join(ROOT, path), join(GUEST_ROOT, path));
  for (const sample of PROGRAMS) root.copy(join(SAMPLES, sample), join('/opt', sample.replace(/.*\//, '')));
  const files = join(directory.path, 'files');
  const interpreter = join(GUEST_ROOT, 'dist/run-foreign-binfmt');
  const { stderr } = await runForeign([
    'binfmt',
    'register',
    'aout',
    '--root',
    files,
    '--interpreter',
    interpreter,
  ]);
  expect(stderr).toBe('');
  root.copy(join(files, 'etc/binfmt.d'), '/etc/binfmt.d');
  const initrd = join(directory.path, `initrd-${release}`);
  root.write(initrd);
  return initrd;
}

let initrds: Readonly<Record<string, string>> = {};
beforeAll(async () => {
  if (!existsSync(BINFMT)) throw new Error('the package systemd is missing, see .ci/run');
  const built = [];
  for (const release of kernels()) built.push([release, await buildGuest(release)] as const);
  initrds = Object.fromEntries(built);
}, LIMIT);

test.each(kernels())(
  'Linux %s with systemd runs a unit in a foreign format',
  { timeout: LIMIT },
  async (release) => {
    const results = join(directory.path, `results-${release}`);
    const append = ' systemd.log_target=console systemd.show_status=0';
    const console = await runGuest(release, { initrd: initrds[release] ?? '', results, cpu: 'max', append });
    const said = readFileSync(results, 'latin1').replaceAll('\r\n', '\n');
    expect(said, console.slice(-3000)).toContain('the end');
    const [units = '', status = ''] = said.split(/(?=^binfmt_misc )/m);
    expect(units).toBe(
      'hello from a.out QMAGIC\n3 6 30 /opt/words.txt\na-name: /none: cannot open (errno 2)\n' +
        'hello from a.out QMAGIC\nother: /none: cannot open (errno 2)\n',
    );
    expect(status).toMatch(
      /aout +registered, 8 of 8 magics\n +flags P\n +next boot: \/etc\/binfmt\.d\/run-foreign-aout\.conf\n/,
    );
    expect(status).toMatch(
      /8 entries taken from the kernel\nremoved .*\n\/etc\/binfmt\.d:\n\n.*:\nregister\nstatus\nthe end\n$/,
    );
  },
);
