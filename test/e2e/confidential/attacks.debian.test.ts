/**
 * Others who want to know what a sealed program is while it starts and runs: processes of the same user with every way Linux
 * has, debuggers, core files. Each attack succeeds against --not-confidential, so that it is known to be one.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startAndSettle } from '../../support/proc.ts';
import { run } from '../../support/run.ts';
import { compile } from '../compile.ts';
import { IS_ROOT, NOBODY, OPEN, SEALED, SECRET, type Sealed, sealedPrograms } from './sealed.ts';

let sealed: Sealed;
let spy: string;
beforeAll(async () => {
  sealed = await sealedPrograms();
  spy = await compile('spy.c', [], sealed.at('spy'));
});
afterAll(() => sealed.remove());

const STARTS = 8;
const MOST_STARTS = 60;

async function spyOn(pid: number, seconds: readonly string[] = []): Promise<string[]> {
  const [file = '', ...args] = [...NOBODY, spy, String(pid), SECRET.toString('hex'), ...seconds];
  return (await run(file, args)).stdout.split('\n').filter((line) => line !== '');
}

describe('a process of the same user', () => {
  test.each(SEALED)('finds nothing in %s while it runs, by any way', async (name) => {
    const program = await sealed.living(name);
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
    const program = await sealed.living('sealed', [OPEN]);
    try {
      expect(await spyOn(program.pid)).toEqual(
        expect.arrayContaining(['mem: SECRET', 'process_vm_readv: SECRET', 'ptrace: open']),
      );
    } finally {
      await program.stop();
    }
  });

  /**
   * What is found by somebody who looks without a pause from before the first moment on, in STARTS starts or, where that is
   * not `enough`, in as many more: on a busy machine it may not be its turn in the short time that there is something.
   */
  async function foundInStarts(
    options: readonly string[],
    enough: (found: readonly string[]) => boolean = () => true,
  ): Promise<string[]> {
    const found: string[] = [];
    for (let starts = 0; starts < STARTS || (starts < MOST_STARTS && !enough(found)); starts++) {
      const words = [
        ...NOBODY,
        sealed.installation.command,
        ...options,
        '-i',
        sealed.at('key'),
        sealed.at('sealed'),
      ];
      const [file = '', ...args] = words;
      const child = spawn(file, args, {
        env: sealed.installation.environment,
        stdio: ['pipe', 'pipe', 'inherit'],
      });
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
    const there = ['fd: SECRET', 'mem: SECRET'];
    const found = await foundInStarts([OPEN], (all) => there.every((each) => all.includes(each)));
    expect(found).toEqual(expect.arrayContaining(there));
  });
});

describe('debuggers', () => {
  /** Where everybody may write. */
  const taken = () => {
    execFileSync('rm', ['-rf', sealed.at('taken')]);
    execFileSync('mkdir', ['-m', '777', sealed.at('taken')]);
    return sealed.at('taken');
  };
  /** What one of the same user shows, and whether the secret is in what it writes. */
  const debug = async (options: readonly string[], words: (pid: number) => readonly string[]) => {
    const program = await sealed.living('sealed', options);
    const directory = taken();
    try {
      const [file = '', ...args] = [...NOBODY, ...words(program.pid)];
      const { stdout, stderr } = await run(file, args, { cwd: directory });
      const files = readdirSync(directory).map((name) => readFileSync(join(directory, name)));
      return { shown: stdout + stderr, found: files.some((bytes) => bytes.includes(SECRET)) };
    } finally {
      await program.stop();
    }
  };

  test.each<[string, (pid: number) => readonly string[], RegExp]>([
    ['gdb', (pid) => ['gdb', '-p', String(pid), '-batch', '-ex', 'x/4xb 0x400000'], /0x7f\s+0x45\s+0x4c/],
    ['gcore', (pid) => ['gcore', '-o', 'core', String(pid)], /Saved corefile/],
    ['strace', (pid) => ['timeout', '2', 'strace', '-p', String(pid)], /read\(0/],
  ])('%s of the same user is refused, and is not where it may', async (name, words, success) => {
    const refused = await debug([], words);
    expect(refused.shown).toMatch(/Operation not permitted|ptrace/);
    expect(refused.shown).not.toMatch(success);
    expect(refused.found).toBe(false);
    const allowed = await debug([OPEN], words);
    expect(allowed.shown).toMatch(success);
    expect(allowed.found).toBe(name === 'gcore');
  });

  test.runIf(IS_ROOT)('a core that the superuser takes has none of its segments', async () => {
    for (const [options, has] of [
      [[], false],
      [[OPEN], true],
    ] as const) {
      const program = await sealed.living('sealed', options);
      try {
        await run('gcore', ['-o', sealed.at('root'), String(program.pid)], { cwd: sealed.directory });
        expect(readFileSync(`${sealed.at('root')}.${program.pid}`).includes(SECRET)).toBe(has);
      } finally {
        await program.stop();
      }
    }
  });
});

describe('a crash', () => {
  const crash = async (prefix: readonly string[], options: readonly string[]) => {
    const [file = '', ...args] = [
      ...prefix,
      sealed.installation.command,
      ...options,
      '-i',
      sealed.at('key'),
      sealed.at('sealed'),
    ];
    const cores = sealed.at('cores');
    execFileSync('rm', ['-rf', cores]);
    execFileSync('mkdir', ['-m', '777', cores]);
    const line = 'ulimit -c unlimited; exec "$@"';
    const { status } = await run('/bin/sh', ['-c', line, 'sh', file, ...args, 'crash'], {
      env: sealed.installation.environment,
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

describe('the program itself', () => {
  test('is in anonymous memory that no core has', async () => {
    const program = await sealed.living('sealed');
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
      sealed.installation.command,
      '-i',
      sealed.at('key'),
      sealed.at('sealed'),
    ];
    const program = await startAndSettle(file, args, { env: sealed.installation.environment });
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
