/**
 * A sealed program while it starts and runs, and others who want to know what it is: processes of the same user with every
 * way Linux has, debuggers, core files, and whoever could read what was written meanwhile. Each attack succeeds against
 * --not-confidential, so that it is known to be one.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NOBODY as SETPRIV_NOBODY } from '../support/confine.ts';
import { type Installation, installAt } from '../support/installation.ts';
import { type Living, startAndSettle } from '../support/proc.ts';
import { run, temporary } from '../support/run.ts';
import { compile } from './compile.ts';

/** What secret.c has in its code, its constants and its data. */
const SECRET = Buffer.from('d71e9a43f06b8825bc09e15d72c63f94', 'hex');
const IS_ROOT = process.getuid?.() === 0;
const NOBODY = IS_ROOT ? SETPRIV_NOBODY : [];
const OPEN = '--not-confidential';

const directory = temporary();
const at = (name: string) => join(directory.path, name);
afterAll(() => directory.remove());

let installation: Installation;
let spy: string;

beforeAll(async () => {
  installation = installAt(directory.path, []);
  const program = await compile('secret.c', ['-static'], at('plain'));
  spy = await compile('spy.c', [], at('spy'));
  const key = execFileSync('age-keygen', { stdio: ['ignore', 'pipe', 'ignore'] });
  writeFileSync(at('key'), key);
  const recipient = /age1\w+/.exec(key.toString())?.[0] ?? '';
  const bytes = readFileSync(program);
  const packed = {
    sealed: bytes,
    'sealed-gzip': gzipSync(bytes),
    'sealed-xz': execFileSync('xz', ['-c', program]),
    'sealed-zstd': execFileSync('zstd', ['-qc', program]),
  };
  for (const [name, input] of Object.entries(packed)) {
    execFileSync('age', ['-r', recipient, '-o', at(name)], { input });
    chmodSync(at(name), 0o755);
  }
});

const SEALED = ['sealed', 'sealed-gzip', 'sealed-xz', 'sealed-zstd'] as const;

/** The words that run a sealed program as nobody. */
const words = (name: string, options: readonly string[] = []) => [
  ...NOBODY,
  installation.command,
  ...options,
  '-i',
  at('key'),
  at(name),
];

async function living(name: string, options: readonly string[] = []): Promise<Living> {
  const [file = '', ...args] = words(name, options);
  return startAndSettle(file, args, { env: installation.environment, cwd: directory.path });
}

async function spyOn(pid: number, seconds: readonly string[] = []): Promise<string[]> {
  const [file = '', ...args] = [...NOBODY, spy, String(pid), SECRET.toString('hex'), ...seconds];
  return (await run(file, args)).stdout.split('\n').filter((line) => line !== '');
}

describe('a process of the same user', () => {
  test.each(SEALED)('finds nothing in %s while it runs, by any way', async (name) => {
    const program = await living(name);
    try {
      expect(await spyOn(program.pid)).toEqual([
        'maps: EACCES',
        'mem: EACCES',
        'process_vm_readv: EPERM',
        'environ: EACCES',
        'auxv: EACCES',
        'pagemap: EACCES',
        'smaps: EACCES',
        'syscall: EACCES',
        'stack: EACCES',
        'cmdline: open',
        'exe: EACCES',
        'fd: EACCES',
        'map_files: EACCES',
        'cwd: EACCES',
        'pidfd_getfd: EPERM',
        'ptrace: EPERM',
      ]);
    } finally {
      await program.stop();
    }
  });

  test('finds it where it may', async () => {
    const program = await living('sealed', [OPEN]);
    try {
      expect(await spyOn(program.pid)).toEqual(
        expect.arrayContaining(['mem: SECRET', 'process_vm_readv: SECRET', 'ptrace: open']),
      );
    } finally {
      await program.stop();
    }
  });

  /** What is found by somebody who looks without a pause from before the first moment on. */
  async function foundInStarts(options: readonly string[]): Promise<string[]> {
    const found: string[] = [];
    for (let starts = 0; starts < 8; starts++) {
      const [file = '', ...args] = words('sealed', options);
      const child = spawn(file, args, { env: installation.environment, stdio: ['pipe', 'pipe', 'inherit'] });
      const looking = spyOn(child.pid ?? 0, ['5']);
      await once(child.stdout, 'data');
      await pause(30);
      child.stdin.end();
      found.push(...(await looking));
    }
    return found;
  }

  test('finds nothing at any moment of the start', async () => {
    expect(await foundInStarts([])).toEqual([]);
  });

  test('finds the vault, too, where it may', async () => {
    const found = await foundInStarts([OPEN]);
    expect(found).toEqual(expect.arrayContaining(['fd: SECRET', 'mem: SECRET']));
  });
});

describe('debuggers', () => {
  const asNobody = (line: string) => run('/bin/sh', ['-c', line], { cwd: directory.path });
  const shell = NOBODY.join(' ');

  test.each([
    ['gdb', (pid: number) => `${shell} gdb -p ${pid} -batch -ex 'x/4xb 0x400000' -ex bt 2>&1`],
    ['gcore', (pid: number) => `cd /tmp && ${shell} gcore -o ${at('taken')} ${pid} 2>&1; true`],
    ['strace', (pid: number) => `${shell} timeout 1 strace -p ${pid} 2>&1; true`],
  ])('%s of the same user is refused', async (_, line) => {
    const program = await living('sealed');
    try {
      const { stdout } = await asNobody(line(program.pid));
      expect(stdout).toMatch(/Operation not permitted|ptrace/);
      expect(stdout).not.toMatch(/0x7f.*0x45|<main|read\(0/);
      expect(readdirSync(directory.path).filter((name) => name.startsWith('taken'))).toEqual([]);
    } finally {
      await program.stop();
    }
  });

  test.runIf(IS_ROOT)('a core that the superuser takes has none of its segments', async () => {
    for (const [options, has] of [
      [[], false],
      [[OPEN], true],
    ] as const) {
      const program = await living('sealed', options);
      try {
        await run('gcore', ['-o', at('root'), String(program.pid)], { cwd: directory.path });
        expect(readFileSync(`${at('root')}.${program.pid}`).includes(SECRET)).toBe(has);
      } finally {
        await program.stop();
      }
    }
  });
});

describe('a crash', () => {
  const crash = async (prefix: readonly string[], options: readonly string[]) => {
    const [file = '', ...args] = [...prefix, installation.command, ...options, '-i', at('key'), at('sealed')];
    const cores = at('cores');
    execFileSync('rm', ['-rf', cores]);
    execFileSync('mkdir', ['-m', '777', cores]);
    const line = 'ulimit -c unlimited; exec "$@"';
    const { status } = await run('/bin/sh', ['-c', line, 'sh', file, ...args, 'crash'], {
      env: installation.environment,
      cwd: cores,
    });
    expect(status).toBe('SIGABRT');
    return readdirSync(cores).map((name) => readFileSync(join(cores, name)));
  };
  /** Where cores go to a program, no file shows them. */
  const toFiles = !readFileSync('/proc/sys/kernel/core_pattern', 'utf8').startsWith('|');

  test.each([
    ['nobody’s', () => NOBODY],
    ['one’s own', () => []],
  ])('of %s program leaves no core', async (_, prefix) => {
    expect(await crash(prefix(), [])).toEqual([]);
  });

  test.runIf(toFiles)('leaves one with everything in it where it may', async () => {
    const [core] = await crash(NOBODY, [OPEN]);
    expect(core?.includes(SECRET)).toBe(true);
  });
});

describe('what is written', () => {
  /** Descriptors and what was written to them, `fd</path>`, of all processes; the bytes as \xhh. */
  async function written(name: string, options: readonly string[] = []): Promise<string[]> {
    const log = at('strace.log');
    const calls =
      'trace=write,pwrite64,writev,pwritev,sendto,sendmsg,sendfile,splice,copy_file_range,open,openat,creat';
    await run(
      'strace',
      ['-f', '-y', '-xx', '-s', '10000000', '-o', log, '-e', calls, installation.command].concat([
        ...options,
        '-i',
        at('key'),
        at(name),
      ]),
      { env: installation.environment, cwd: directory.path, timeout: 60_000 },
    );
    // strace -y -xx writes paths so, too.
    return readFileSync(log, 'latin1')
      .split('\n')
      .map((line) => line.replace(/<((?:\\x..)+)>/g, (_, path: string) => `<${unescaped(path)}>`));
  }
  const unescaped = (text: string) =>
    text.replace(/\\x(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

  const ESCAPED = [...SECRET].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');

  test.each(SEALED)('of %s goes to the vault and nowhere else', async (name) => {
    const lines = await written(name);
    const secret = lines.filter((line) => line.includes(ESCAPED));
    expect(secret.length).toBeGreaterThan(0);
    for (const line of secret)
      expect(line.slice(0, 80)).toMatch(/^\d+ +p?write(64)?\(\d+<\/memfd:[^>]*:image/);
  });

  test('creates no file at all', async () => {
    const opened = (await written('sealed')).filter((line) => / (open|openat|creat)\(/.test(line));
    const forWriting = opened.filter((line) => /O_WRONLY|O_RDWR|O_CREAT|O_TMPFILE|creat\(/.test(line));
    const names = forWriting.map((line) => unescaped(/"((?:\\x..)*)"/.exec(line)?.[1] ?? ''));
    expect(opened.length).toBeGreaterThan(10);
    expect(
      [...new Set(names)].filter((name) => !/^\/proc\/self\/(mem|comm)$|^\/dev\/null$/.test(name)),
    ).toEqual([]);
  });
});

describe.runIf(IS_ROOT)('Node', () => {
  /** Node's memory in the moment in which the launcher ends it, which strace delays. */
  async function memoryAtTheEnd(name: string, options: readonly string[] = []): Promise<Buffer[]> {
    const delayed = ['-f', '-o', '/dev/null', '-e', 'trace=kill', '-e', 'inject=kill:delay_enter=20000000'];
    const child = spawn('strace', [...delayed, installation.command, ...options, '-i', at('key'), at(name)], {
      env: installation.environment,
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    try {
      const node = await waitingNode(child.pid ?? 0);
      return readMemory(node);
    } finally {
      process.kill(-(child.pid ?? 0), 'SIGKILL');
    }
  }

  /** The Node process below strace, when the launcher is about to kill it. */
  async function waitingNode(strace: number): Promise<number> {
    for (let polls = 0; polls < 400; polls++) {
      await pause(25);
      const launcher = childrenOf(strace).at(0);
      const node = launcher === undefined ? undefined : childrenOf(launcher).at(0);
      const call = launcher === undefined ? '' : readText(`/proc/${launcher}/syscall`);
      // 62 is kill.
      if (node !== undefined && call.startsWith('62 ')) return node;
    }
    throw new Error('the launcher does not come to its end');
  }

  const readText = (path: string) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return '';
    }
  };
  const childrenOf = (pid: number) =>
    readText(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);

  const holds = (memory: readonly Buffer[], bytes: Buffer) => memory.some((part) => part.includes(bytes));

  test.each(SEALED)('has nothing of %s nor of the key in its memory when it is ended', async (name) => {
    const memory = await memoryAtTheEnd(name);
    expect(memory.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(20 * 2 ** 20);
    const key = /AGE-SECRET-KEY-\w+/.exec(readFileSync(at('key'), 'latin1'))?.[0] ?? '';
    expect(holds(memory, SECRET), 'the program').toBe(false);
    expect(holds(memory, Buffer.from(key)), 'the key as text').toBe(false);
    expect(holds(memory, keyBytes(key)), 'the key').toBe(false);
  });

  test('would have it where it may', async () => {
    expect(holds(await memoryAtTheEnd('sealed-gzip', [OPEN]), SECRET)).toBe(true);
  });
});

/** The 32 bytes of a key in Bech32 (BIP 173). */
function keyBytes(text: string): Buffer {
  const digits = text.slice(text.lastIndexOf('1') + 1, -6).toLowerCase();
  const bits = [...digits].map((digit) =>
    'qpzry9x8gf2tvdw0s3jn54khce6mua7l'.indexOf(digit).toString(2).padStart(5, '0'),
  );
  const all = bits.join('');
  return Buffer.from(
    Array.from({ length: 32 }, (_, index) => Number.parseInt(all.slice(index * 8, index * 8 + 8), 2)),
  );
}

/** All memory of a process that can be read and is not a file's. */
function readMemory(pid: number): Buffer[] {
  const ranges = [...readFileSync(`/proc/${pid}/maps`, 'latin1').matchAll(/^(\w+)-(\w+) rw.*$/gm)];
  const parts: Buffer[] = [];
  for (const [, start = '', end = ''] of ranges) {
    const [from, to] = [Number.parseInt(start, 16), Number.parseInt(end, 16)];
    parts.push(
      execFileSync(
        'dd',
        [
          `if=/proc/${pid}/mem`,
          'bs=4096',
          `skip=${from / 4096}`,
          `count=${(to - from) / 4096}`,
          'status=none',
        ],
        { maxBuffer: 2 ** 31 },
      ),
    );
  }
  return parts;
}

describe('the program itself', () => {
  test('is in anonymous memory that no core has', async () => {
    const program = await living('sealed');
    try {
      const smaps = execFileSync('cat', [`/proc/${program.pid}/smaps`]).toString();
      const segments = smaps
        .split(/\n(?=\w+-\w+ )/)
        .filter((text) => /^[0-9a-f]{8}-/.test(text) && !text.includes('[heap]'));
      expect(segments.length).toBeGreaterThan(3);
      for (const text of segments) {
        expect(text.split('\n')[0]).toMatch(/ 00:00 0 *$/);
        expect(text).toMatch(/^VmFlags:.* dd/m);
      }
      const files = readdirSync(`/proc/${program.pid}/fd`).map((fd) =>
        readlinkSync(`/proc/${program.pid}/fd/${fd}`),
      );
      expect(files.filter((path) => /memfd|sealed|key/.test(path))).toEqual([]);
      // Its files in /proc are the superuser's.
      expect(statSync(`/proc/${program.pid}/environ`).uid).toBe(0);
    } finally {
      await program.stop();
    }
  });

  test('is locked in memory where there is no limit', async () => {
    const [file = '', ...args] = [
      'sh',
      '-c',
      'ulimit -l unlimited; exec "$@"',
      'sh',
      installation.command,
      '-i',
      at('key'),
      at('sealed'),
    ];
    const program = await startAndSettle(file, args, { env: installation.environment });
    try {
      const locked = Number(
        /^VmLck:\s+(\d+) kB/m.exec(readFileSync(`/proc/${program.pid}/status`, 'utf8'))?.[1],
      );
      const size = Number(
        /^VmExe:\s+(\d+) kB/m.exec(readFileSync(`/proc/${program.pid}/status`, 'utf8'))?.[1],
      );
      expect(locked).toBeGreaterThan(size);
    } finally {
      await program.stop();
    }
  });
});
