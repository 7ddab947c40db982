/**
 * A machine with Node and nothing else: a root directory with its program, the libraries that needs, npm, and a shell. No compiler,
 * no Python, no git, no /etc, of /dev what every container has. There npm installs run-foreign, and that runs programs.
 */
import { copyFileSync, cpSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openShop, type Shop } from '../support/installed.ts';
import { NODE_PATH, type Outcome, run, sh } from '../support/run.ts';

let shop: Shop;
let root = '';
beforeAll(async () => {
  shop = await openShop();
  root = join(shop.path, 'root');
  for (const name of ['bin', 'usr/bin', 'usr/lib', 'proc', 'tmp', 'dev', 'home'])
    mkdirSync(join(root, name), { recursive: true });
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  symlinkSync('busybox', join(root, 'bin/sh'));
  copyFileSync(process.execPath, join(root, 'usr/bin/node'));
  for (const library of await librariesOf(process.execPath)) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
  // Where npm is: beside Node, as its archives and packages have it.
  const npm = (await sh('realpath "$(command -v npm)"')).stdout.trim();
  cpSync(dirname(dirname(realpathSync(npm))), join(root, 'usr/lib/npm'), { recursive: true });
  writeFileSync(join(root, 'usr/bin/npm'), '#!/bin/sh\nexec node /usr/lib/npm/bin/npm-cli.js "$@"\n', {
    mode: 0o755,
  });
});
afterAll(() => shop.close());

/** What the dynamic linker says that it takes, and the linker itself. */
async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await run('ldd', [program]);
  return [...stdout.matchAll(/(?:^|\s)(\/\S+) \(0x/g)].map(([, path = '']) => path);
}

/** A script in a shell there, with /proc and the network that has the registry. */
function inside(script: string): Promise<Outcome> {
  const mount = `mount -t proc proc "$1/proc" && for name in null urandom; do
    : > "$1/dev/$name" && mount --bind "/dev/$name" "$1/dev/$name" || exit; done
    exec chroot "$1" /bin/sh -c "$2"`;
  const { npm_config_registry = '' } = shop.registry.environment('/home');
  return run('unshare', ['--mount', '--pid', '--fork', '/bin/sh', '-c', mount, 'sh', root, script], {
    cwd: '/',
    timeout: 120_000,
    env: {
      PATH: NODE_PATH,
      HOME: '/home',
      npm_config_registry,
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_update_notifier: 'false',
    },
  });
}

test('there is nothing to compile with', async () => {
  const script =
    'for name in cc gcc g++ make cmake python3 git; do command -v $name && echo found; done; node --version';
  expect(await inside(script)).toEqual({ status: 0, stdout: `${process.version}\n`, stderr: '' });
});

test('npm installs it, with the scripts of other packages, and programs run', {
  timeout: 200_000,
}, async () => {
  const installed = await inside('npm install -g --prefix /usr run-foreign');
  expect(installed.status, installed.stdout + installed.stderr).toBe(0);
  const samples = '/usr/lib/node_modules/run-foreign/samples';
  const script = `cd ${samples} && run-foreign aout/hello-qmagic && run-foreign xz/tally-dynamic-pie.xz inputs/words.txt
    run-foreign aout/tally-qmagic inputs/words.txt && run-foreign wasm/hello && run-foreign check --json > /tmp/check && echo checked`;
  const outcome = await inside(script);
  expect(outcome.stderr).toBe('');
  expect(outcome.stdout.split('\n')).toEqual([
    'hello from a.out QMAGIC',
    '3 6 30 inputs/words.txt',
    '3 6 30 inputs/words.txt',
    'hello from WebAssembly',
    'checked',
    '',
  ]);
});

test('and it works where all is mounted so that nobody can write', async () => {
  const global = shop.path;
  await shop.npm('.', 'install', '-g', '--prefix', join(global, 'global'), '--ignore-scripts', 'run-foreign');
  const script = `mount --bind -o ro "$1" "$1" && ! touch "$1/file" 2> /dev/null && cd "$1/lib/node_modules/run-foreign/samples" &&
    "$1/bin/run-foreign" aout/hello-qmagic && "$1/bin/run-foreign" gzip/tally-static.gz inputs/words.txt`;
  const outcome = await run('unshare', ['--mount', '/bin/sh', '-c', script, 'sh', join(global, 'global')], {
    env: { PATH: NODE_PATH, HOME: '/no/such/home' },
  });
  expect(outcome).toEqual({
    status: 0,
    stdout: 'hello from a.out QMAGIC\n3 6 30 inputs/words.txt\n',
    stderr: '',
  });
});
