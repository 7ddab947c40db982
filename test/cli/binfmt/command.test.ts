/** `run-foreign binfmt` where nothing of the machine is changed: what it prints, and what it writes below a directory. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseRegisterLine } from '../../../src/cli/binfmt/register-line.ts';
import { COMMAND, type Outcome, runForeign, temporary } from '../../support/run.ts';
import { TOY_LOADER } from '../../support/toy.ts';

const directory = temporary();
afterAll(directory.remove);
const THERE = '/opt/some where/run-foreign-binfmt';
const binfmt = (...args: string[]): Promise<Outcome> => runForeign(['binfmt', ...args]);
const linesOf = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('print', () => {
  test('writes lines of binfmt.d for what is registered by default', async () => {
    const { status, stdout, stderr } = await binfmt('print');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const entries = linesOf(stdout).map((line) => parseRegisterLine(line));
    expect(new Set(entries.map((entry) => entry?.interpreter))).toEqual(new Set([`${COMMAND}-binfmt`]));
    expect(entries.filter((entry) => entry?.name.startsWith('run-foreign-aout-'))).toHaveLength(8);
    for (const other of ['elf', 'script', 'gzip', 'qemu', 'java'])
      expect(entries.some((entry) => entry?.name.startsWith(`run-foreign-${other}`))).toBe(false);
  });

  test('names another place, in either style', async () => {
    const systemd = await binfmt('print', 'wasm', '--interpreter', THERE);
    expect(linesOf(systemd.stdout)).toEqual([`:run-foreign-wasm-webassembly:M::\\x00asm::${THERE}:P`]);
    const debian = await binfmt('print', '--style=debian', 'wasm', '--interpreter', THERE);
    expect(linesOf(debian.stdout)).toEqual([
      'package run-foreign',
      `interpreter ${THERE}`,
      'magic \\x00asm',
      'offset 0',
      'preserve yes',
    ]);
  });

  test('says what cannot be, and prints the rest', async () => {
    const { status, stdout, stderr } = await binfmt('print', 'elf', 'script', 'flat', 'manifest', 'wasm');
    expect(status).toBe(1);
    expect(linesOf(stdout)).toHaveLength(1);
    expect(stderr).toMatch(/elf cannot be registered: it can match ELF programs for x86-64/);
    expect(stderr).toMatch(/script cannot be registered: it can match scripts/);
    expect(stderr).toMatch(/flat cannot be registered: .*\n.*manifest cannot be registered/);
  });

  test('knows loaders from elsewhere', async () => {
    const toy = directory.file('toy.ts', TOY_LOADER);
    const { status, stdout } = await binfmt('print', 'toy', '--loader', toy);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^:run-foreign-toy.*:M::TOY1/m);
  });
});

describe('below a directory', () => {
  test.each([
    ['systemd', 'etc/binfmt.d', 'run-foreign-aout.conf', 1],
    ['debian', 'usr/share/binfmts', 'run-foreign-aout-qmagic-i386', 8],
  ])('files for %s are written, are known, and go again', async (style, below, name, count) => {
    const root = join(directory.path, style);
    const args = ['--root', root, '--interpreter', THERE];
    const written = await binfmt('register', 'aout', ...args, '--style', style);
    expect(written).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(join(root, below))).toHaveLength(count);
    expect(statSync(join(root, below, name)).mode & 0o777).toBe(0o644);
    // A second time is as good as the first.
    expect(await binfmt('register', 'aout', ...args, '--style', style)).toEqual(written);
    const { stdout } = await binfmt('status', 'aout', '--json', ...args);
    const { formats } = JSON.parse(stdout) as {
      formats: { entries: { boot: unknown; kernel: unknown }[] }[];
    };
    if (style === 'systemd')
      expect(formats[0]?.entries[0]).toMatchObject({
        kernel: null,
        boot: { file: join(root, below, name), agrees: true },
      });
    const removed = await binfmt('unregister', '--root', root);
    expect(removed.stdout.match(/^removed /gm)).toHaveLength(count);
    expect(readdirSync(join(root, below))).toEqual([]);
    expect(await binfmt('unregister', 'aout', '--root', root)).toMatchObject({
      stdout: 'there was nothing of ours\n',
    });
  });

  test('a file of somebody else stays, and nothing half written is left', async () => {
    const root = join(directory.path, 'theirs');
    const file = join(root, 'etc/binfmt.d/run-foreign-wasm.conf');
    mkdirSync(join(root, 'etc/binfmt.d'), { recursive: true });
    writeFileSync(file, ':mine:M::zzzz::/bin/true:\n');
    const args = ['register', 'wasm', '--root', root, '--interpreter', THERE];
    expect(await binfmt(...args)).toMatchObject({ status: 2, stdout: '' });
    expect(await binfmt('unregister', '--root', root)).toMatchObject({
      stdout: 'there was nothing of ours\n',
    });
    expect(readFileSync(file, 'latin1')).toContain(':mine:');
    expect(await binfmt(...args, '--force')).toMatchObject({ status: 0 });
    expect(readdirSync(join(root, 'etc/binfmt.d'))).toEqual(['run-foreign-wasm.conf']);
  });

  test('files that are damaged, or none, are passed over', async () => {
    const root = join(directory.path, 'odd');
    mkdirSync(join(root, 'etc/binfmt.d/directory.conf'), { recursive: true });
    mkdirSync(join(root, 'var/lib/binfmts'), { recursive: true });
    writeFileSync(
      join(root, 'etc/binfmt.d/bytes.conf'),
      Buffer.from(Array.from({ length: 4096 }, (_, at) => at & 0xff)),
    );
    writeFileSync(join(root, 'var/lib/binfmts/empty'), '');
    writeFileSync(join(root, 'etc/binfmt.d/zz.conf'), ':a\x1b[31m:M::\\x00asm::/bin/\x1b[31m:\n');
    const { status, stdout, stderr } = await binfmt(
      'register',
      'wasm',
      '--root',
      root,
      '--interpreter',
      THERE,
    );
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/zz\.conf would take all of its files/);
    expect(stderr).not.toContain('\x1b');
  });
});

test.each([
  [[], /needs to be told what to do/],
  [['install'], /cannot 'install'/],
  [['constructor'], /cannot 'constructor'/],
  [['register', '../../etc'], /there is no format/],
  [['print', '--json'], /has no --json/],
  [['print', '--style', 'bsd'], /--style takes systemd or debian/],
  [['register', '--root', ''], /--root needs a path|no value after/],
  [['register', '--now', '--root', '/none'], /--now is about the kernel/],
  [['print', '--interpreter', 'run-foreign-binfmt'], /absolute path/],
  [['print', '--interpreter', '/a\nb/run-foreign-binfmt'], /characters in its path/],
])('%j is no use', async (args, message) => {
  const { status, stdout, stderr } = await binfmt(...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr.trimEnd()).not.toContain('\n');
});

test('help fits, and status is for everybody', async () => {
  const { stdout } = await binfmt('--help');
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  const root = join(directory.path, 'none');
  const { status, stdout: text } = await binfmt('status', '--root', root);
  expect(status).toBe(0);
  expect(text).toMatch(/^aout +not registered$/m);
  expect(existsSync(root)).toBe(false);
});
