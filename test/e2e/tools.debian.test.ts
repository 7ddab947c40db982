/**
 * Tools that look at a process from outside: what they say of a program that run-foreign has started is what they say of
 * the same program started by execve, but for numbers that differ from one process to the next.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { GDB_ENV, gdb } from '../support/gdb.ts';
import { COMMAND, quote, run, sh, temporary } from '../support/run.ts';
import { compile } from './compile.ts';

const directory = temporary();
afterAll(directory.remove);
const at = (name: string) => join(directory.path, name);

beforeAll(async () => {
  await compile('debugged.c', ['-g'], at('debugged'));
  directory.file('packed', gzipSync(readFileSync(at('debugged'))));
});

const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

type Start = 'execve' | 'run-foreign';

/** Starts the program, and returns its process number when it is where it says `word`. */
async function started(how: Start, mode: 'waits' | 'busy', program = at('debugged')): Promise<number> {
  const [file = '', ...args] = how === 'execve' ? [program, mode] : [COMMAND, program, mode];
  const child = spawn(file, args, {
    env: GDB_ENV,
    cwd: directory.path,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.push(child);
  await new Promise((resolve, reject) => {
    child.stdout?.once('data', resolve);
    child.on('error', reject);
  });
  // Who is busy must not have to wait for a reader.
  child.stdout?.resume();
  return child.pid ?? 0;
}

/** What a tool says of the one and of the other, without addresses, process numbers and what it measures. */
async function expectSame(
  mode: 'waits' | 'busy',
  look: (pid: number) => Promise<string>,
  comparable: (text: string) => unknown,
): Promise<string> {
  const [native, foreign] = [await started('execve', mode), await started('run-foreign', mode)];
  const [theirs, ours] = [await look(native), await look(foreign)];
  const numberless = (text: string, pid: number) =>
    text.replaceAll(String(pid), 'PID').replace(/\b(?:0x)?[0-9a-f]{8,16}\b/g, 'ADDRESS');
  expect(comparable(numberless(ours, foreign))).toEqual(comparable(numberless(theirs, native)));
  return ours;
}

const tool = async (file: string, args: readonly string[]): Promise<string> => {
  const { stdout, stderr } = await run(file, args, { env: GDB_ENV, cwd: directory.path });
  return stdout + stderr;
};

/** A tool that would go on for ever. */
const for1Second = (file: string, args: readonly string[]) =>
  tool('timeout', ['-s', 'INT', '1', file, ...args]);

const commands = (...list: string[]) => list.flatMap((each) => ['-ex', each]);

describe('gdb -p', () => {
  test('file, symbols, libraries, backtrace, a breakpoint by name', async () => {
    const looks = commands('info proc', 'backtrace', 'info sharedlibrary', 'break outer', 'info auxv');
    const said = await expectSame(
      'waits',
      async (pid) => (await gdb(['-p', String(pid), ...looks])).stdout,
      (text) => text.replace(/^Breakpoint.*PID.*$/gm, ''),
    );
    expect(said).toContain(`exe = '${at('debugged')}'`);
    expect(said).toMatch(/#\d+ .* innermost .*\n#\d+ .* outer .*\n#\d+ .* main \(argc=2/);
    expect(said).toMatch(/Breakpoint 1 at 0x\w+: file .*debugged\.c/);
    expect(said).toMatch(/Yes .*libc\.so\.6\n/);
  });

  test('a packed program has its symbols from the file that is named', async () => {
    const pid = await started('run-foreign', 'waits', at('packed'));
    const bare = await gdb(['-p', String(pid), ...commands('backtrace')]);
    expect(bare.stdout).not.toContain('innermost');
    const named = await gdb([at('debugged'), '-p', String(pid), ...commands('backtrace')]);
    expect(named.stdout).toMatch(/#\d+ .* innermost /);
  });
});

test('gcore: gdb reads the core file with the program beside it', async () => {
  const said = await expectSame(
    'waits',
    async (pid) => {
      await tool('gcore', ['-o', at('core'), String(pid)]);
      const looks = commands('backtrace', 'info auxv');
      return (await gdb([at('debugged'), at(`core.${pid}`), ...looks])).stdout;
    },
    (text) => text,
  );
  expect(said).toMatch(/#\d+ .* innermost /);
});

test('a core file of the kernel: the program, its files, its auxv', async () => {
  const said = await expectSame(
    'waits',
    async (pid) => {
      await tool('prlimit', ['--core=unlimited', '-p', String(pid)]);
      process.kill(pid, 'SIGABRT');
      const name = () => readdirSync(directory.path).find((each) => /^core(\.\d+)?$/.test(each));
      for (let waits = 0; name() === undefined && waits < 100; waits++)
        await new Promise((resolve) => setTimeout(resolve, 50));
      await new Promise((resolve) => setTimeout(resolve, 300));
      const core = name();
      if (core === undefined) throw new Error('the kernel has written no core file: see kernel.core_pattern');
      renameSync(at(core), at(`kernel-${pid}`));
      const looks = commands('backtrace', 'info auxv', 'info proc mappings');
      return (await gdb([at('debugged'), at(`kernel-${pid}`), ...looks])).stdout;
    },
    (text) => text.replace(/\[New LWP .*\n/, ''),
  );
  expect(said).toContain(`Core was generated by \`${at('debugged')} waits'`);
  expect(said).toMatch(new RegExp(`0x0 ${at('debugged')}$`, 'm'));
  expect(said).toMatch(/#\d+ .* innermost /);
});

describe('strace', () => {
  test('-p', async () => {
    const said = await expectSame('busy', (pid) => for1Second('strace', ['-p', String(pid)]), calls);
    expect(said).toContain('write(1, "busy\\n", 5)');
  });

  test('-k: stacks with names', async () => {
    const look = (pid: number) => for1Second('strace', ['-k', '-e', 'trace=write', '-p', String(pid)]);
    const said = await expectSame('busy', look, (text) => [...new Set(text.match(/^ > .*$/gm))].sort());
    expect(said).toMatch(new RegExp(`^ > ${at('debugged')}\\(main\\+0x`, 'm'));
  });

  test('of the start: what the program does is in it, from its first call to its last', async () => {
    const trace = async (start: readonly string[]) => {
      await tool('strace', ['-o', at('trace'), ...start, at('debugged')]);
      const text = readFileSync(at('trace'), 'utf8')
        .replace(/0x[0-9a-f]+/g, 'ADDRESS')
        .replace(/(?<=set_tid_address.*= )\d+/, 'PID');
      // The dynamic linker's first; only it and malloc make it.
      return text
        .slice(text.indexOf('\nbrk(NULL)'))
        .replace(/getrandom\(".*?"/, 'getrandom(')
        .split('\n');
    };
    const native = await trace([]);
    expect(native.length).toBeGreaterThan(5);
    expect(await trace([COMMAND])).toEqual(native);
  });
});

/** The kinds of lines that there are, however many of each. */
const calls = (text: string) => [...new Set(text.match(/^\w+\(.*?\)/gm))].sort();

test('ltrace -p: calls of libraries', async () => {
  const said = await expectSame('busy', (pid) => for1Second('ltrace', ['-p', String(pid)]), calls);
  expect(said).toContain('puts("busy")');
});

describe('perf', () => {
  /** The functions that cost more than a tenth, and the file that they are in. */
  const costly = async (file: string) => {
    const { stdout } = await run('perf', ['report', '-i', file, '--stdio', '--percent-limit', '10'], {
      env: GDB_ENV,
      cwd: directory.path,
    });
    return stdout.match(/^ +[\d.]+% .*$/gm)?.map((line) => line.trim().split(/\s+/).slice(1).join(' '));
  };

  test.each([
    ['execve', ''],
    ['run-foreign', quote(COMMAND)],
  ])('record PROGRAM, started by %s', async (_, before) => {
    const script = `perf record -q -e cpu-clock -o perf.data timeout 1 ${before} ./debugged busy`;
    await sh(script, [], { env: GDB_ENV, cwd: directory.path });
    expect(await costly('perf.data')).toEqual(['debugged debugged [.] busiest']);
  });

  test('record -p', async () => {
    const said = await expectSame(
      'busy',
      async (pid) => {
        await tool('perf', [
          'record',
          '-q',
          '-e',
          'cpu-clock',
          '-o',
          'perf.p',
          '-p',
          String(pid),
          'sleep',
          '0.5',
        ]);
        return JSON.stringify(await costly('perf.p'));
      },
      (text) => text,
    );
    expect(JSON.parse(said)).toEqual(['debugged debugged [.] busiest']);
  });
});

describe('lists of processes and of what they have', () => {
  test.each<[string, (pid: number) => Promise<string>, string]>([
    ['ps', (pid) => tool('ps', ['-o', 'comm=,args=,stat=', '-p', String(pid)]), 'debugged        '],
    ['pmap', (pid) => tool('pmap', ['-p', String(pid)]), 'debugged\n'],
  ])('%s', async (_, look, word) => {
    expect(await expectSame('waits', look, (text) => text)).toContain(word);
  });

  test('lsof', async () => {
    const names = (text: string) => text.match(/^[fn].*$/gm)?.filter((line) => !line.includes('pipe'));
    const said = await expectSame('waits', (pid) => tool('lsof', ['-F', 'fn', '-p', String(pid)]), names);
    expect(said).toContain(`ftxt\nn${at('debugged')}\n`);
  });

  test('top', async () => {
    const columns = (text: string) => text.trim().split('\n').at(-1)?.trim().split(/\s+/).at(-1);
    const look = (pid: number) => tool('top', ['-b', '-n', '1', '-w', '200', '-p', String(pid)]);
    expect(columns(await expectSame('waits', look, columns))).toBe('debugged');
  });
});

describe('valgrind', () => {
  const heap = /total heap usage: \d+ allocs, \d+ frees, [\d,]+ bytes/;

  test('run-foreign valgrind PROGRAM is valgrind PROGRAM', async () => {
    const valgrind = '/usr/bin/valgrind';
    const theirs = await tool(valgrind, [at('debugged')]);
    const ours = await tool(COMMAND, [valgrind, at('debugged')]);
    expect(ours).toContain('0 arguments, 45');
    expect(heap.exec(ours)?.[0]).toBeDefined();
    expect(heap.exec(ours)?.[0]).toBe(heap.exec(theirs)?.[0]);
  });

  test('of another format: compiled, it is looked at like the program itself', async () => {
    await tool(COMMAND, ['compile', at('packed'), '-o', at('compiled')]);
    expect(existsSync(at('compiled'))).toBe(true);
    const said = await tool('valgrind', [at('compiled')]);
    expect(said).toContain('0 arguments, 45');
    expect(heap.exec(said)?.[0]).toBe(heap.exec(await tool('valgrind', [at('debugged')]))?.[0]);
  });
});
