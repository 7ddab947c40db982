/** What `--gdb` refuses, each with one line that says what to do. */
import { spawn } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { debugForeign, GDB_ENV } from '../support/gdb.ts';
import { newKey } from '../support/keys.ts';
import { runForeign, SHELL_COMMAND, sh, temporary } from '../support/run.ts';
import { compile } from './compile.ts';

const directory = temporary();
afterAll(directory.remove);
const at = (name: string) => join(directory.path, name);

beforeAll(async () => {
  await compile('debugged.c', ['-g'], at('pie'));
  mkdirSync(at('node-only'));
  symlinkSync(process.execPath, at('node-only/node'));
});

async function refusal(args: readonly string[], env: Record<string, string> = GDB_ENV) {
  const { status, stdout, stderr } = await runForeign(args, { env });
  return { status, text: stdout + stderr };
}

test.each(['x', '0', '65536', '99999', '-1', '1.5', '0x50'])('--gdb=%s is no port', async (port) => {
  expect(await refusal([`--gdb=${port}`, at('pie')])).toEqual({
    status: 2,
    text: `run-foreign: --gdb takes a port, from 1 to 65535, or nothing, not '${port}'; see run-foreign --help\n`,
  });
});

test('no program, and one that is not there', async () => {
  expect((await refusal(['--gdb'])).status).toBe(2);
  const text = 'run-foreign: ./nothing: no such file\n';
  expect(await refusal(['--gdb', './nothing'])).toEqual({ status: 127, text });
});

test.each([
  ['gdb', '--gdb'],
  ['gdbserver', '--gdb=4711'],
])('without %s', async (tool, option) => {
  const text = `run-foreign: --gdb needs ${tool}, which is not in PATH; as root, on Debian: apt-get install ${tool}\n`;
  expect(await refusal([option, at('pie')], { PATH: at('node-only') })).toEqual({ status: 126, text });
});

test('a confidential program, unless it is to be none', async () => {
  const { file, recipient } = await newKey(directory.path);
  await runForeign(['seal', at('pie'), '-r', recipient, '-o', at('sealed'), '--executable'], {
    env: GDB_ENV,
  });
  const args = ['-i', file, at('sealed')];
  expect(await refusal(['--gdb', ...args])).toEqual({
    status: 126,
    text: `run-foreign: ${at('sealed')}: is confidential, and a debugger shows all that there is; --not-confidential lets it\n`,
  });
  expect((await refusal(['--gdb=4711', ...args])).text).toContain('is confidential');
  const { stdout } = await debugForeign(['--not-confidential', ...args], ['break innermost', 'continue']);
  expect(stdout).toMatch(/Breakpoint 1, innermost \(value=2\)/);
});

test('a process that goes on', async () => {
  const child = spawn(at('pie'), ['waits'], { stdio: 'ignore' });
  try {
    await runForeign(['checkpoint', String(child.pid), '--skip', 'pipes', '-o', at('process.core')], {
      env: GDB_ENV,
    });
  } finally {
    child.kill('SIGKILL');
  }
  const { status, text } = await refusal(['--gdb', at('process.core')]);
  expect(status).toBe(126);
  expect(text).toMatch(/is a process that goes on, which cannot be debugged from its start; .*gdb -p PID\n$/);
});

test('a program through standard input, where there is no terminal for gdb to read from', async () => {
  const { status, stderr } = await sh(`cat "$1" | setsid -w ${SHELL_COMMAND} --gdb -`, [at('pie')], {
    env: GDB_ENV,
  });
  expect(status).toBe(126);
  expect(stderr).toBe(
    'run-foreign: -: comes through standard input, and there is no terminal for gdb; save it as a file, or take --gdb=PORT\n',
  );
});

test('plan shows the stop, and only where it was asked for', async () => {
  const plan = async (...options: string[]) =>
    (await runForeign(['plan', ...options, at('pie')], { env: GDB_ENV })).stdout.split('\n');
  const stops = /^ *\d+ {2}stop /;
  expect((await plan()).filter((line) => stops.test(line))).toEqual([]);
  const lines = await plan('--gdb');
  expect(lines.findIndex((line) => stops.test(line))).toBe(lines.length - 3);
  expect(lines.at(-2)).toMatch(/^ *\d+ {2}jump /);
});
