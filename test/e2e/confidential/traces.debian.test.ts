/** What a start leaves behind of a sealed program: in files, and in the memory of the Node that opened it. */
import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../support/run.ts';
import { IS_ROOT, OPEN, SEALED, SECRET, type Sealed, sealedPrograms } from './sealed.ts';

let sealed: Sealed;
beforeAll(async () => {
  sealed = await sealedPrograms();
});
afterAll(() => sealed.remove());

describe('what is written', () => {
  /** Descriptors and what was written to them, `fd</path>`, of all processes; the bytes as \xhh. */
  async function written(name: string, options: readonly string[] = []): Promise<string[]> {
    const log = sealed.at('strace.log');
    const calls =
      'trace=write,pwrite64,writev,pwritev,sendto,sendmsg,sendfile,splice,copy_file_range,open,openat,creat';
    await run(
      'strace',
      ['-f', '-y', '-xx', '-s', '10000000', '-o', log, '-e', calls, sealed.installation.command].concat([
        ...options,
        '-i',
        sealed.at('key'),
        sealed.at(name),
      ]),
      { env: sealed.installation.environment, cwd: sealed.directory, timeout: 60_000 },
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
    // Without -f: strace must not hold Node, too.
    const delayed = ['-o', '/dev/null', '-e', 'trace=kill', '-e', 'inject=kill:delay_enter=20000000'];
    const child = spawn(
      'strace',
      [...delayed, sealed.installation.command, ...options, '-i', sealed.at('key'), sealed.at(name)],
      {
        env: sealed.installation.environment,
        stdio: ['pipe', 'ignore', 'ignore'],
        detached: true,
      },
    );
    try {
      const node = await waitingNode(child.pid ?? 0);
      await stop(node);
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

  /** Threads of V8 may still compile or collect, and give memory back that readMemory is about to read. */
  async function stop(pid: number): Promise<void> {
    process.kill(pid, 'SIGSTOP');
    const isStopped = (task: string) => / T /.test(readText(`/proc/${pid}/task/${task}/stat`));
    for (let polls = 0; polls < 400; polls++) {
      if (readdirSync(`/proc/${pid}/task`).every(isStopped)) return;
      await pause(25);
    }
    throw new Error('Node does not stop');
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
    const key = /AGE-SECRET-KEY-\w+/.exec(readFileSync(sealed.at('key'), 'latin1'))?.[0] ?? '';
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
