/**
 * Programs that start others and rely on what execve hands on: signals they ignore, descriptors they pass,
 * limits, sessions, terminals. Each is run with the program itself and with run-foreign before it.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMAND, NODE_PATH, type Outcome, quote, run, temporary } from '../support/run.ts';
import { compile } from './compile.ts';

const directory = temporary();
afterAll(() => directory.remove());
const at = (name: string) => join(directory.path, name);
const ENV = { PATH: NODE_PATH, HOME: directory.path, LC_ALL: 'C.UTF-8', TERM: 'dumb' };

beforeAll(() => compile('probe', [], at('probe')));

/** Runs a bash script in which `$RUN` stands before a program: with nothing in it, and with us. */
async function both(script: string): Promise<{ native: Outcome; foreign: Outcome }> {
  const start = (before: string) =>
    run('/bin/bash', ['-c', script], { env: { ...ENV, RUN: before }, cwd: directory.path });
  return { native: await start(''), foreign: await start(quote(COMMAND).replaceAll("'", '')) };
}

async function expectSame(script: string): Promise<Outcome> {
  const { native, foreign } = await both(script);
  expect(foreign).toEqual(native);
  return foreign;
}

describe('signals', () => {
  test('nohup: a hangup is ignored', async () => {
    const script = "nohup $RUN /bin/sh -c 'kill -HUP $$; echo survived; grep SigIgn /proc/self/status' | cat";
    expect((await expectSame(script)).stdout).toMatch(/^survived\nSigIgn:\s*0{15}1\n$/);
  });

  test('an ignored hangup is harmless while the program is being started, too', async () => {
    const script = `trap '' HUP; ${COMMAND} /bin/echo there & pid=$!
      while kill -HUP $pid 2>/dev/null; do :; done; wait $pid; echo "status $?"`;
    const { stdout } = await run('/bin/bash', ['-c', script], { env: ENV });
    expect(stdout).toBe('there\nstatus 0\n');
  });

  test('a signal that is not ignored ends the start as it would end the program, and nothing is left', async () => {
    const script = `${COMMAND} /bin/sleep 30 & pid=$!; sleep 0.02; kill -TERM $pid; wait $pid; echo "status $?"
      while pgrep -g 0 node > /dev/null; do sleep 0.02; done; echo 'no Node'`;
    const { stdout } = await run('setsid', ['-w', '/bin/bash', '-c', script], { env: ENV });
    expect(stdout).toBe('status 143\nno Node\n');
  });

  test('stopped and continued in the middle of its start the program starts all the same', async () => {
    const script = `${COMMAND} /bin/echo there & pid=$!; sleep 0.02; kill -STOP $pid; sleep 0.2
      kill -CONT $pid; wait $pid; echo "status $?"`;
    const { stdout } = await run('/bin/bash', ['-c', script], { env: ENV });
    expect(stdout).toBe('there\nstatus 0\n');
  });

  test('timeout ends the program', async () => {
    await expectSame('timeout 0.5 $RUN /bin/sleep 30; echo $?');
    // Bash reports the killing with a process number.
    await expectSame('exec 2>/dev/null; timeout -s KILL 0.5 $RUN /bin/sleep 30; echo $?');
    const script = `timeout -s USR1 1 $RUN /bin/bash -c 'trap "echo caught; exit 3" USR1; sleep 30 & wait'; echo $?`;
    expect((await expectSame(script)).stdout).toBe('caught\n124\n');
  });
});

describe('descriptors', () => {
  test('bash: process substitution and here documents', async () => {
    await expectSame('$RUN /bin/cat <(echo one) <(echo two) - <<< three');
    await expectSame('$RUN /usr/bin/tee >(cat >&2; echo end >&2) <<< text; sleep 0.2');
    await expectSame("exec 9> >(cat); $RUN /bin/sh -c 'echo nine >&9'; exec 9>&-; sleep 0.2");
    await expectSame(
      `coproc cat; $RUN /bin/echo through >&\${COPROC[1]}; read -r line <&\${COPROC[0]}; echo $line`,
    );
  });

  test('flock: a lock on a descriptor is held by the program', async () => {
    const script = `exec 8> lock; flock 8; $RUN /bin/sh -c 'flock -n lock true; echo $?; sleep 0' 8>&8; exec 8>&-
      flock -n lock true; echo $?`;
    expect((await expectSame(script)).stdout).toBe('1\n0\n');
  });

  test('make -j: both ends of the jobserver reach a make that we start', async () => {
    mkdirSync(at('make'));
    // Each job waits for the other: without a token of the jobserver the second would never start.
    writeFileSync(
      at('make/inner.mk'),
      `all: a b
a b:
\t@echo "$@ here" > $@.pipe & cat $(if $(filter a,$@),b,a).pipe; wait
`,
    );
    writeFileSync(
      at('make/Makefile'),
      `all:
\t+@$(RUN) /usr/bin/make --no-print-directory -f inner.mk
`,
    );
    const script = 'cd make; rm -f *.pipe; mkfifo a.pipe b.pipe; make -s -j2 RUN="$RUN" 2>&1 | sort';
    expect((await expectSame(script)).stdout).toBe('a here\nb here\n');
  });

  test('sockets are passed as systemd passes them', async () => {
    writeFileSync(
      at('activate.py'),
      `import os, socket, sys
path = sys.argv[1]
sockets = []
for index in range(2):
    s = socket.socket(socket.AF_UNIX); s.bind(path + str(index)); s.listen(); sockets.append(s)
os.dup2(sockets[0].fileno(), 30); os.dup2(sockets[1].fileno(), 31)
os.dup2(30, 3); os.dup2(31, 4); os.closerange(5, 100)
os.environ.update(LISTEN_FDS='2', LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES='a:b')
os.execvp(sys.argv[2], sys.argv[2:])
`,
    );
    writeFileSync(
      at('server.py'),
      `import os, socket
assert int(os.environ['LISTEN_PID']) == os.getpid()
print(os.environ['LISTEN_FDS'], sorted(map(int, os.listdir('/proc/self/fd'))))
for fd in (3, 4):
    s = socket.socket(fileno=fd)
    c = socket.socket(socket.AF_UNIX); c.connect(s.getsockname())
    s.accept()[0].send(b'hello'); print(os.path.basename(s.getsockname())[0], c.recv(9), os.get_inheritable(fd))
`,
    );
    const script = 'rm -f s0 s1; python3 activate.py s $RUN /usr/bin/python3 server.py';
    expect((await expectSame(script)).stdout).toContain("b'hello' True");
  });

  test('find -exec, xargs and env', async () => {
    await expectSame(
      'mkdir -p tree/{a,b}; find tree -type d -exec $RUN /bin/echo {} + | tr " " "\\n" | sort',
    );
    await expectSame("printf '%s\\n' one 'two three' | xargs -d '\\n' -n1 $RUN /bin/echo");
    await expectSame('env -i A=1 $RUN /usr/bin/env');
    await expectSame('(exec -a other $RUN /bin/sh -c true; echo $?)');
  });

  test('closed standard streams stay closed', async () => {
    expect((await expectSame('$RUN /bin/ls /proc/self/fd <&- 2>&-')).stdout).toMatch(/^0\n1\n(?!2\n)/);
    await expectSame('$RUN /bin/echo lost >&-; echo $?');
  });
});

describe('limits and sessions', () => {
  test('ulimit -n 64, and other limits', async () => {
    const script = 'ulimit -n 64; ulimit -c 0; ulimit -f 1000; $RUN /bin/sh -c "ulimit -a"';
    expect((await expectSame(script)).stdout).toMatch(/files\D*64\n/);
    await expectSame('ulimit -S -n 99; $RUN /bin/cat /proc/self/limits');
    await expectSame('ulimit -S -n 4; $RUN /bin/cat /proc/self/limits');
    await expectSame("ulimit -S -n 3; $RUN /bin/busybox sh -c 'ulimit -n'");
  });

  test('variables of the dynamic linker and of Node are for the program', async () => {
    const { stdout } = await expectSame('LD_TRACE_LOADED_OBJECTS=1 $RUN /bin/true | sed "s/0x.*//"');
    expect(stdout).toContain('libc.so.6');
    await expectSame('LD_PRELOAD=/no/such/library $RUN /bin/echo once');
    await expectSame('NODE_OPTIONS=--no-such-option OPENSSL_CONF=/ $RUN /usr/bin/env | grep -vE "^(RUN|_)="');
    await expectSame("NODE_OPTIONS=--title=mine $RUN $(command -v node) -p 'process.title'");
  });

  test('a limit on the size of files that is too small for the stub is named', async () => {
    const script = `ulimit -f 4; ${COMMAND} /bin/true 2>&1 | cat; echo "\${PIPESTATUS[0]}"`;
    const { stdout } = await run('/bin/bash', ['-c', script], { env: { ...ENV, RUN_FOREIGN_NO_CACHE: '1' } });
    expect(stdout).toMatch(
      /^run-foreign: \/bin\/true: [^\n]*limit on the size of files[^\n]*ulimit -f\n126\n$/,
    );
  });

  test('a working directory that is gone is no hindrance', async () => {
    await expectSame('mkdir -p gone; cd gone; rmdir ../gone; $RUN /bin/echo still here; $RUN /bin/pwd');
  });

  test('setsid starts a session', async () => {
    const script = `setsid -w $RUN /bin/sh -c 'read -r _ _ _ _ group session tty _ < /proc/$$/stat
      echo $((group == $$)) $((session == $$)) $tty'`;
    expect((await expectSame(script)).stdout).toBe('1 1 0\n');
  });

  test('nice, ionice, taskset, chrt and prlimit', async () => {
    await expectSame('nice -n 7 $RUN /usr/bin/nice; ionice -c 3 $RUN /usr/bin/ionice');
    await expectSame("taskset 1 $RUN /usr/bin/taskset -p $BASHPID | sed 's/pid [0-9]*//'");
    await expectSame('prlimit --core=7 --stack=1000000:2000000 $RUN /bin/cat /proc/self/limits');
  });

  test('strace sees one process become the program', async () => {
    const script = `strace -o trace -e trace=execve,execveat $RUN /bin/echo hello; tail -n 1 trace
      grep -c '^exec.* = 0$' trace; grep '^exec' trace | grep -v ' = 0$' | sed 's/.* = //'`;
    const { native, foreign } = await both(script);
    expect(native.stdout).toBe('hello\n+++ exited with 0 +++\n1\n');
    // The kernel has been asked about the program and its interpreter.
    const asked = '-1 EFAULT (Bad address)\n'.repeat(2);
    expect(foreign.stdout).toBe(`hello\n+++ exited with 0 +++\n2\n${asked}`);
  });
});

describe('a terminal', () => {
  /** The probe's facts on a pseudo terminal of script(1). */
  const facts = async (before: string) => {
    const words = ['-qec', `${before} ${at('probe')} 2>&1`, '/dev/null'];
    const { stdout } = await run('script', words, { env: { ...ENV, PARENT: '0' } });
    const lines = stdout.split(/\r?\n/);
    return lines.filter((line) => /^(terminal|descriptors|signals|process)\t/.test(line));
  };

  test('is the controlling one, in the foreground and in its modes', async () => {
    const native = await facts('');
    expect(await facts(COMMAND)).toEqual(native);
    expect(native).toContain('terminal\tin the foreground\t1');
  });

  test('keeps modes that were set before, and gets back what a program sets', async () => {
    const script = `stty -echo -icanon min 0 time 5 intr ^X; $RUN /bin/stty -a; $RUN /bin/stty sane; stty -a`;
    const onTerminal = async (before: string) =>
      run('script', ['-qec', script, '/dev/null'], { env: { ...ENV, RUN: before } });
    const native = await onTerminal('');
    expect(native.stdout).toContain('intr = ^X');
    expect(await onTerminal(COMMAND)).toEqual(native);
  });

  test('sends its interrupt to the program', async () => {
    const interrupted = (before: string) =>
      new Promise<string>((resolve) => {
        const inner = `${before} /bin/bash -c 'trap "echo interrupted; exit 5" INT; echo ready; sleep 30 & wait'; echo "status $?"`;
        const child = spawn('script', ['-qec', inner, '/dev/null'], { env: ENV });
        let output = '';
        child.stdout.on('data', (bytes: Buffer) => {
          if (!output.includes('ready') && bytes.includes('ready')) child.stdin.write('\x03');
          output += bytes.toString();
        });
        child.on('close', () => resolve(output));
      });
    const native = await interrupted('');
    expect(native).toContain('interrupted');
    expect(await interrupted(COMMAND)).toBe(native);
  });
});
