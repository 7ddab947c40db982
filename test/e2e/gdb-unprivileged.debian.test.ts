/** Where /proc/PID/exe cannot be set: `gdb -p` is told the file, and `--gdb` needs no telling. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GDB_ENV } from '../support/gdb.ts';
import { COMMAND, run, sh, temporary } from '../support/run.ts';
import { compile } from './compile.ts';

const directory = temporary();
afterAll(directory.remove);
const at = (name: string) => join(directory.path, name);
const WITHOUT = ['--bounding-set=-all', '--inh-caps=-all'];

beforeAll(async () => {
  await compile('debugged.c', ['-g'], at('pie'));
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
