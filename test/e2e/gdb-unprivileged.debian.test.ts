/**
 * Where the kernel does not let the process say what it is. Without /proc/PID/exe `gdb -p` must be told the file, and
 * `--gdb` need not; without auxv, too, `--gdb` tells gdb where the program lies.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { confined } from '../support/confine.ts';
import { debugServer, freePort, GDB_ENV, gdb } from '../support/gdb.ts';
import { COMMAND, run, sh, temporary } from '../support/run.ts';
import { compile } from './compile.ts';

const directory = temporary();
afterAll(directory.remove);
const at = (name: string) => join(directory.path, name);
const WITHOUT = ['--bounding-set=-all', '--inh-caps=-all'];

beforeAll(async () => {
  await compile('debugged.c', ['-g'], at('pie'));
  await compile('debugged.c', ['-g', '-static-pie'], at('static-pie'));
  await compile('debugged.c', ['-g', '-no-pie'], at('fixed'));
  await compile('confine.c', [], at('confine'));
});

test('gdb FILE -p PID has what gdb -p PID alone cannot find', async () => {
  const script = `"$1" "$2" waits > said & until grep -q waiting said; do sleep 0.05; done; readlink /proc/$!/exe
    echo alone; gdb -nx -batch -p $! -ex backtrace; echo named; gdb -nx -batch "$2" -p $! -ex backtrace; kill $!`;
  const shell = ['/bin/sh', '-c', script, 'sh', COMMAND, at('pie')];
  const { stdout } = await run('setpriv', [...WITHOUT, ...shell], { env: GDB_ENV, cwd: directory.path });
  const [exe, alone, named] = stdout.split(/^(?:alone|named)\n/m);
  expect(exe).toBe('/memfd:pie (deleted)\n');
  expect(alone).not.toContain('innermost');
  expect(named).toMatch(/#\d+ .* innermost .*\n#\d+ .* outer .*\n#\d+ .* main \(argc=2/);
});

test('--gdb', async () => {
  const { stdout } = await run('setpriv', [...WITHOUT, COMMAND, '--gdb', at('pie')], {
    env: GDB_ENV,
    input: 'break innermost\ncontinue\nbacktrace\n',
  });
  expect(stdout).toMatch(/Program stopped\.\n0x\w+ in _start \(\) from /);
  expect(stdout).toMatch(/#0 +innermost [^#]*#1 .* in outer [^#]*#2 .* in main \(argc=1/);
});

test('perf finds symbols all the same', async () => {
  const record = `perf record -q -e cpu-clock -o perf.data timeout 1 setpriv ${WITHOUT.join(' ')} "$1" ./pie busy
    perf report -i perf.data --stdio --percent-limit 10`;
  const { stdout } = await sh(record, [COMMAND], { env: GDB_ENV, cwd: directory.path });
  expect(stdout).toMatch(/^ +\d+\.\d+% +pie +pie +\[\.\] busiest/m);
});

describe.each(['deny-prctl', 'no-mm-map'] as const)('%s', (filter) => {
  const [confine = '', ...words] = confined(at('confine'), { filter, drop: ['SYS_RESOURCE'] });

  test.each(['pie', 'static-pie', 'fixed'])('--gdb of a program that is %s', async (build) => {
    const { stdout } = await run(confine, [...words, COMMAND, '--gdb', at(build)], {
      env: GDB_ENV,
      input: 'break innermost\ncontinue\nbacktrace\nrun\n',
    });
    expect(stdout).toMatch(/#0 +innermost [^#]*#1 .* in outer [^#]*#2 .* in main \(argc=1/);
    expect(stdout.match(/Breakpoint 1, innermost \(value=2\)/g)).toHaveLength(2);
  });

  test('--gdb=PORT', async () => {
    const server = await debugServer(await freePort(), [at('pie')], directory.path, [confine, ...words]);
    const looks = ['break innermost', 'continue', 'kill'].flatMap((each) => ['-ex', each]);
    const { stdout } = await gdb(['-x', server.script, ...looks]);
    await server.ended;
    expect(stdout).toMatch(/Breakpoint 1, innermost \(value=2\)/);
  });
});
