/**
 * The launcher by itself: it finds Node and its own other half, hands Node what it was given, ends as Node ends,
 * and says what is wrong when it cannot.
 */
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  COMMAND,
  NODE_HALF,
  NODE_PATH,
  quote,
  type RunOptions,
  run,
  runForeign,
  sh,
  temporary,
} from '../support/run.ts';

const directory = temporary();
afterAll(() => directory.remove());
const at = (name: string) => join(directory.path, name);

/** A launcher whose other half is `script`. */
function launcherFor(name: string, script: string): string {
  mkdirSync(at(name));
  const launcher = join(at(name), 'run-foreign');
  copyFileSync(COMMAND, launcher);
  writeFileSync(`${launcher}.cjs`, script);
  return launcher;
}

describe('Node', () => {
  let launcher = '';
  beforeAll(() => {
    launcher = launcherFor(
      'args',
      `const { readFileSync } = require('node:fs');
       const list = (file) => readFileSync(file, 'latin1').split('\\0').slice(0, -1);
       console.log(JSON.stringify({ cmdline: list('/proc/self/cmdline').slice(1), environ: list('/proc/self/environ') }));`,
    );
  });
  const seen = async (args: readonly string[], options: RunOptions = {}) => {
    const { stdout, stderr } = await run(launcher, args, options);
    expect(stderr).toBe('');
    return JSON.parse(Buffer.from(stdout, 'latin1').toString()) as { cmdline: string[]; environ: string[] };
  };

  test('gets the arguments byte for byte behind the script', async () => {
    const args = ['--flag', '', ' ', 'a=b', '--', '-', '\u00fc'];
    const { cmdline } = await seen(args);
    expect(cmdline).toEqual([`${launcher}.cjs`, ...args.map((arg) => Buffer.from(arg).toString('latin1'))]);
    expect((await seen([])).cmdline).toEqual([`${launcher}.cjs`]);
    const many = Array.from({ length: 5000 }, (_, index) => `argument ${index}`);
    expect((await seen(many)).cmdline.slice(1)).toEqual(many);
  });

  test('gets the environment but for what would steer it, which is only renamed', async () => {
    const env = {
      PATH: NODE_PATH,
      NODE_OPTIONS: '--no-such-option',
      OPENSSL_CONF: '/',
      LD_DEBUG_OUTPUT: '/',
      LD_TRACE_LOADED_OBJECTS: '1',
      LD_LIBRARY_PATH: '/nowhere',
      NODES: '1',
      XNODE_: '2',
    };
    const { environ } = await seen([], { env });
    expect(environ).toEqual([
      `PATH=${NODE_PATH}`,
      '\x01ODE_OPTIONS=--no-such-option',
      '\x01PENSSL_CONF=/',
      '\x01D_DEBUG_OUTPUT=/',
      '\x01D_TRACE_LOADED_OBJECTS=1',
      'LD_LIBRARY_PATH=/nowhere',
      'NODES=1',
      'XNODE_=2',
    ]);
  });

  test('is found through a symbolic link to the launcher', async () => {
    symlinkSync(launcher, at('link'));
    expect((await run(at('link'), ['x'])).stdout).toContain(`${launcher}.cjs`);
  });

  test.each([
    ['late in PATH', `/no/such/directory:relative::/proc/self/fd:${dirname(process.execPath)}`],
    ['behind a directory whose name is too long', `/${'x'.repeat(5000)}:${dirname(process.execPath)}`],
    ['first in PATH', `${dirname(process.execPath)}:/no/such/directory`],
  ])('is found %s', async (_, PATH) => {
    expect((await seen(['x'], { env: { PATH } })).cmdline).toEqual([`${launcher}.cjs`, 'x']);
  });

  test('is not taken from the current directory', async () => {
    mkdirSync(at('cwd'));
    writeFileSync(join(at('cwd'), 'node'), '#!/bin/sh\necho wrong', { mode: 0o755 });
    const { cmdline } = await seen(['x'], { env: { PATH: `:${dirname(process.execPath)}` }, cwd: at('cwd') });
    expect(cmdline).toEqual([`${launcher}.cjs`, 'x']);
  });

  test('has ended when the program runs, and left no child', async () => {
    // The one child is the cat that looks.
    const { stdout } = await runForeign(['/bin/sh', '-c', 'cat /proc/$$/task/$$/children; :']);
    expect(stdout).toMatch(/^\d+ $/);
  });
});

test('arguments that only the launcher can take, and not Node, are refused with one line', async () => {
  // execve takes 128 KiB here, so the shell is the first to refuse.
  const script = `ulimit -S -s 512; size=131000
    while out=$( (exec ${quote(COMMAND)} /bin/true "$(head -c $size /dev/zero | tr '\\0' x)") 2>&1); status=$?
      case $out in sh:*) true ;; *) false ;; esac
    do size=$((size - 8)); done; echo "$status $out"`;
  const { stdout } = await sh(script, [], { env: { PATH: NODE_PATH } });
  expect(stdout).toBe('126 run-foreign: the arguments and the environment are too long: E2BIG\n');
});

describe('the end', () => {
  test.each([0, 1, 77, 125, 255])('is Node’s: status %i', async (status) => {
    const launcher = launcherFor(`status-${status}`, `process.exitCode = ${status};`);
    expect(await run(launcher)).toEqual({ status, stdout: '', stderr: '' });
    // Who ignores SIGCHLD would have no status of its children.
    const outcome = await sh(`trap '' CHLD; exec ${launcher}`);
    expect(outcome).toEqual({ status, stdout: '', stderr: '' });
  });

  test('is 125 with one line when Node is killed', async () => {
    const launcher = launcherFor(
      'killed',
      `process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000);`,
    );
    expect(await run(launcher)).toEqual({
      status: 125,
      stdout: '',
      stderr: 'run-foreign: its Node process was killed\n',
    });
  });

  test('is 125 with one line when the other half is missing', async () => {
    copyFileSync(COMMAND, at('alone'));
    const { status, stderr } = await run(at('alone'), ['/bin/true']);
    expect(stderr).toMatch(/^run-foreign: [^\n]* is not beside it, install the whole package: ENOENT\n$/);
    expect(status).toBe(125);
  });

  test('comes to Node as well when the launcher is killed', async () => {
    const launcher = launcherFor('orphan', `console.log(process.pid); setInterval(() => {}, 1000);`);
    const script = `${launcher} > ${at('pid')} & while ! [ -s ${at('pid')} ]; do sleep 0.02; done; kill -9 $!
      read -r pid < ${at('pid')}; while [ -d /proc/$pid ] && ! grep -q '^State:.Z' /proc/$pid/status; do sleep 0.02; done; echo gone`;
    expect((await sh(script)).stdout).toBe('gone\n');
  });
});

describe('without the launcher', () => {
  const start = (args: readonly string[], options: RunOptions = {}) =>
    run(process.execPath, [NODE_HALF, ...args], options);

  test('Node’s own process becomes the program', async () => {
    const { status, stdout } = await start(['/bin/sh', '-c', 'echo $$ $PPID; cat; exit 7'], { input: 'in' });
    expect(stdout).toMatch(new RegExp(`^\\d+ ${process.pid}\\nin$`));
    expect(status).toBe(7);
  });

  test('it hands on the environment as it is, and standard streams that are closed', async () => {
    const env = { PATH: NODE_PATH, '\x01ODE_X': '1' };
    expect((await start(['/usr/bin/env'], { env })).stdout).toContain('\x01ODE_X=1\n');
    const script = `${process.execPath} ${NODE_HALF} /bin/sh -c 'echo out'`;
    expect((await sh(`${script} 2>&1`)).stdout).toBe('out\n');
  });
});
