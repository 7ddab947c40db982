/** `--gdb=PORT`: gdbserver has the program before its first instruction, and gdb finds both. */
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { debugServer, freePort, GDB_ENV, gdb } from '../support/gdb.ts';
import { COMMAND, run, runForeign, SAMPLES, sh, temporary } from '../support/run.ts';
import { compile } from './compile.ts';

const directory = temporary();
afterAll(directory.remove);
const at = (name: string) => join(directory.path, name);

beforeAll(async () => {
  await compile('debugged.c', ['-g'], at('pie'));
  await compile('debugged.c', ['-g', '-m32', '-static'], at('static32'));
});

const commands = (...list: string[]) => list.flatMap((each) => ['-ex', each]);
const LOOKS = commands('info registers', 'print $sp', 'break innermost', 'continue', 'backtrace', 'continue');

/** Starts it, connects by the file that it names, and returns what gdb has said. */
async function debugRemotely(args: readonly string[], looks: readonly string[], cwd?: string) {
  const server = await debugServer(await freePort(), args, cwd);
  const { stdout } = await gdb(['-x', server.script, ...looks]);
  return { stdout, said: server.said, ...(await server.ended) };
}

test('gdb connects with what is printed, and stands before the first instruction', async () => {
  const { stdout, said, output } = await debugRemotely([at('pie'), 'one', 'two'], LOOKS);
  expect(said).toContain(`run-foreign: ${at('pie')} waits for gdb, before its first instruction\n`);
  expect(said).toMatch(/^run-foreign: connect with {2}gdb -x \/proc\/\d+\/fd\/\d+$/m);
  expect(said).toMatch(/^run-foreign: or say in gdb {2}target remote 127\.0\.0\.1:\d+$/m);
  expect(stdout).toMatch(/^0x\w+ in _start \(\) from .*ld-linux/m);
  expect(stdout).toMatch(/^rax +0x0 /m);
  expect(stdout).toMatch(/Breakpoint 1, innermost \(value=4\)/);
  expect(stdout).toMatch(/#2 .* in main \(argc=3/);
  expect(output).toContain('2 arguments, 47\n');
});

test('`target remote` and nothing else will do: everything is found through the process', async () => {
  const port = await freePort();
  const server = await debugServer(port, [at('pie')]);
  const looks = commands(`target remote 127.0.0.1:${port}`, 'break innermost', 'continue', 'kill');
  const { stdout } = await gdb(looks);
  await server.ended;
  expect(stdout).toMatch(/Breakpoint 1, innermost \(value=2\)/);
});

test.each([
  ['32 bits', () => at('static32')],
  ['packed', () => directory.file('packed.gz', gzipSync(readFileSync(at('pie'))))],
])('%s', async (_, program) => {
  const { stdout, output } = await debugRemotely([program()], LOOKS);
  expect(stdout).toMatch(/Breakpoint 1, innermost \(value=2\)/);
  expect(output).toContain('0 arguments, 45\n');
});

test('a.out, with its symbols', async () => {
  const { stdout, output } = await debugRemotely(
    [join(SAMPLES, 'aout/hello-omagic')],
    commands('info symbol $pc', 'print $eflags', 'continue'),
  );
  expect(stdout).toContain('_start in section .text');
  expect(stdout).toContain('[ IF ]');
  expect(output).toContain('hello from a.out OMAGIC\n');
});

test('an APE, whose file is no ELF file', async () => {
  const { stdout, output } = await debugRemotely(
    [join(SAMPLES, 'ape/tally'), join(SAMPLES, 'inputs/words.txt')],
    commands('print $rip', 'continue'),
  );
  expect(stdout).toContain('$1 = (void (*)()) 0x401247');
  expect(output).toContain('3 6 30 ');
});

test.each([['a \'b" \\$(touch X)#;|&~*?<> é'], ['line\nshell touch INJECTED\n']])(
  'a name like %j is a name',
  async (name) => {
    copyFileSync(at('pie'), at(name));
    const { stdout } = await debugRemotely([`./${name}`], LOOKS, directory.path);
    expect(stdout).toMatch(/Breakpoint 1, innermost \(value=2\)/);
    expect([existsSync(at('INJECTED')), existsSync(at('X'))]).toEqual([false, false]);
  },
);

test('it listens on this machine only', async () => {
  const port = await freePort();
  const server = await debugServer(port, [at('pie')]);
  const listening = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', , state]) => state === '0A' && local.endsWith(port.toString(16).toUpperCase()));
  server.kill();
  await server.ended;
  expect(listening.map(([, local]) => local?.split(':')[0])).toEqual(['0100007F']);
});

test('the program has the standard streams that it was started with', async () => {
  const port = await freePort();
  const script = `echo from stdin | "$1" --gdb=${port} /bin/cat 2> "$2" | tr a-z A-Z`;
  const running = sh(script, [COMMAND, at('errors')], { env: GDB_ENV, timeout: 40_000 });
  while (!existsSync(at('errors')) || !readFileSync(at('errors'), 'utf8').includes('target remote'))
    await new Promise((resolve) => setTimeout(resolve, 50));
  await gdb(commands(`target remote 127.0.0.1:${port}`, 'continue'));
  expect((await running).stdout).toBe('FROM STDIN\n');
});

test('ended while it waits, it is gone, and so is its Node', async () => {
  const port = await freePort();
  const server = await debugServer(port, [at('pie')]);
  server.kill();
  await server.ended;
  const next = await debugServer(port, [at('pie')]);
  next.kill();
  await next.ended;
});

test('a socket for IPv6 comes in, too', async () => {
  const port = await freePort();
  const server = await debugServer(port, [at('pie')]);
  const client = `import socket; s = socket.socket(socket.AF_INET6); s.connect(("::ffff:127.0.0.1", ${port})); s.send(b"+$?#3f"); print(s.makefile("rb").read(3))`;
  const { stdout } = await run('python3', ['-c', client]);
  await server.ended;
  expect(stdout).toMatch(/^b'\+\$[TS]'$/m);
});

test("another user's connection is closed, and the user's own is waited for", async () => {
  const port = await freePort();
  const server = await debugServer(port, [at('pie')]);
  const stranger = `import socket, os; os.setuid(65534); s = socket.create_connection(("127.0.0.1", ${port})); print(s.recv(9))`;
  const { stdout } = await run('python3', ['-c', stranger]);
  const own = await gdb(commands(`target remote 127.0.0.1:${port}`, 'break innermost', 'continue', 'kill'));
  const { output } = await server.ended;
  expect(stdout).toBe("b''\n");
  expect(output).toContain('run-foreign: the user 65534 was not let in\n');
  expect(own.stdout).toMatch(/Breakpoint 1, innermost/);
});

test('a port that is taken is an error before anything starts', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const { status, stderr } = await runForeign(['--gdb', String(port), at('pie')], { env: GDB_ENV });
  taken.close();
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: `run-foreign: --gdb: the port ${port} cannot be had: EADDRINUSE; take another\n`,
  });
});
