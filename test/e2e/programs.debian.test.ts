/**
 * Real programs do under run-foreign what they do when execve starts them: the same output, errors and
 * status. gdb finds the program's own symbols, node starts threads and children, bash forks.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startAndSettle } from '../support/proc.ts';
import { COMMAND, NODE_PATH, type RunOptions, run, runForeign, SAMPLES, temporary } from '../support/run.ts';
import { compile } from './compile.ts';

const directory = temporary();
afterAll(() => directory.remove());

const at = (name: string) => join(directory.path, name);
const fixture = at('wait');

function write(name: string, text: string): string {
  writeFileSync(at(name), text);
  return at(name);
}

async function expectTheSame(file: string, args: readonly string[], options: RunOptions = {}) {
  const env = { PATH: NODE_PATH, HOME: directory.path, LC_ALL: 'C.UTF-8', ...options.env };
  const [native, foreign] = await Promise.all([
    run(file, args, { ...options, env, argv0: file }),
    runForeign([file, ...args], { ...options, env }),
  ]);
  expect(foreign).toEqual(native);
  return foreign;
}

const PYTHON = `
import ctypes, os, subprocess, sys, threading
print(sys.argv, sorted(os.environ), flush=True)
print(subprocess.run(['/bin/sh', '-c', 'echo child; exit 5'], capture_output=True))
total = []
threads = [threading.Thread(target=lambda n=n: total.append(n * n)) for n in range(20)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sorted(total))
print(os.path.realpath('/proc/self/exe'), open('/proc/self/comm').read())
pid = os.fork()
if pid == 0: os._exit(9)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print(len(bytearray(50_000_000)))
print(sys.stdin.read(), file=sys.stderr)
sys.exit(3)
`;

const BASH = `
shopt -s lastpipe
trap 'echo bye' EXIT
(echo in a subshell; exit 4); echo "status $?"
printf '%s\\n' one two three | while read -r word; do echo "[$word]"; last=$word; done
echo "$last"; [ "$$" = "$BASHPID" ] && (echo $(($$ == BASHPID)))
cat <(echo process substitution) <<< here
coproc CAT { cat; }; echo through >&\${CAT[1]}; read -r answer <&\${CAT[0]}; echo "$answer"
sleep 0.01 & wait $!; echo "\${PIPESTATUS[@]} $# $0"
kill -TERM $$
`;

describe('programs of Debian', () => {
  test('ls lists, and complains, as ever', async () => {
    const { stdout } = await expectTheSame('/bin/ls', ['-l', '--color=always', 'inputs']);
    expect(stdout).toContain('words.txt');
    await expectTheSame('/bin/ls', ['no-such-file', 'inputs']);
  });

  test('python3 runs children, threads and forks', async () => {
    const script = write('script.py', PYTHON);
    const outcome = await expectTheSame('/usr/bin/python3', [script, 'argument'], { input: 'a line' });
    expect(outcome.stderr).toBe('a line\n');
    expect(outcome.status).toBe(3);
  });

  test('bash has its subshells, pipes, coprocesses and traps', async () => {
    const script = write('script.bash', BASH);
    const { status, stdout } = await expectTheSame('/bin/bash', [script, 'a', 'b']);
    expect(stdout).toContain('process substitution');
    expect(status).toBe('SIGTERM');
  });

  test('node runs scripts, workers and children', async () => {
    const script = write(
      'script.mjs',
      `import { Worker } from 'node:worker_threads';
       import { execFileSync } from 'node:child_process';
       console.log(process.argv.slice(2), process.title, process.execPath, process.execArgv);
       console.log(String(execFileSync('/bin/echo', ['child'])));
       new Worker('require("worker_threads").parentPort.postMessage(6 * 7)', { eval: true })
         .on('message', (answer) => { console.log(answer); process.exitCode = 6; });`,
    );
    const { stdout, status } = await expectTheSame(process.execPath, ['--no-warnings', script, 'a', '-b']);
    expect(stdout).toContain('42');
    expect(status).toBe(6);
  });

  test('static busybox finds its applets', async () => {
    await expectTheSame('/bin/busybox', ['sh', '-c', 'echo a b | busybox wc -w; exit 2']);
    await expectTheSame('/bin/busybox', ['sha256sum', 'inputs/words.txt', 'none']);
  });

  test('run-foreign runs run-foreign', async () => {
    const { stdout } = await expectTheSame(COMMAND, ['/bin/echo', 'twice']);
    expect(stdout).toBe('twice\n');
  });

  test('a core limit, a working directory and a umask are handed on', async () => {
    const script = 'ulimit -c; ulimit -s; umask; pwd; ulimit -u';
    await expectTheSame('/bin/sh', ['-c', script], { cwd: join(SAMPLES, 'inputs') });
  });
});

describe('gdb', () => {
  beforeAll(() => compile('wait.c', ['-g', '-O0'], fixture));

  const script = ['-ex', 'break main', '-ex', 'run', '-ex', 'print data[2]', '-ex', 'backtrace'];
  const rest = ['-ex', 'info proc exe', '-ex', 'continue'];

  /** What gdb says, without process numbers and addresses. */
  const cleaned = (text: string) =>
    text
      .replace(/process \d+/g, 'process N')
      .replace(/0x[0-9a-f]+/g, '0xN')
      .replace(/argv=\S+/g, '');

  test('started by run-foreign debugs a program as ever', async () => {
    const args = ['-nx', '-batch', ...script, ...rest, fixture];
    const env = { PATH: NODE_PATH, HOME: directory.path, LC_ALL: 'C' };
    const [native, foreign] = await Promise.all([
      run('/usr/bin/gdb', args, { env, timeout: 60_000 }),
      runForeign(['/usr/bin/gdb', ...args], { env, timeout: 60_000 }),
    ]);
    expect(cleaned(foreign.stdout)).toBe(cleaned(native.stdout));
    expect(cleaned(foreign.stdout)).toContain('$1 = 3');
    expect(foreign.status).toBe(native.status);
  });

  test('attaches to a program that run-foreign started and finds its symbols', async () => {
    const living = await startAndSettle(COMMAND, [fixture]);
    try {
      const args = ['-nx', '-batch', '-p', String(living.pid), '-ex', 'frame function main'];
      const { stdout } = await run('/usr/bin/gdb', [...args, '-ex', 'print data[2]', '-ex', 'detach'], {
        timeout: 60_000,
      });
      expect(stdout).toContain('$1 = 3');
      expect(stdout).toMatch(/main \(argc=1, argv=0x[0-9a-f]+\)/);
    } finally {
      await living.stop();
    }
  });
});
