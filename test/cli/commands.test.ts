/** plan, inspect, formats and check, on real programs and on this machine. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { builtinLoaders } from '../../loaders/index.ts';
import { NODE_PATH, runForeign, SAMPLES, SHELL_COMMAND, sh, temporary } from '../support/run.ts';

const directory = temporary();
afterAll(directory.remove);

const AOUT = join(SAMPLES, 'aout/tally-qmagic');
const UTF8 = { PATH: NODE_PATH, LC_ALL: 'C.UTF-8' };
const HEX = /^-?0x[0-9a-f]+$/;
const utf8 = (latin1: string) => Buffer.from(latin1, 'latin1').toString();
const widest = (text: string) => Math.max(...text.split('\n').map((line) => [...line].length));

interface PlanDocument {
  arch: string;
  stub: string;
  files: { path: { text: string } }[];
  stack: { words: { name: string; value: unknown; string?: { text?: string; base64?: string } }[] };
  steps: { op: string }[];
}

describe('plan', () => {
  test('shows every step and runs nothing', async () => {
    const mark = join(directory.path, 'mark');
    const { status, stdout, stderr } = await runForeign(['plan', '/bin/sh', '-c', `: > ${mark}`], {
      env: UTF8,
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(existsSync(mark)).toBe(false);
    for (const word of ['reserve', 'mmap', 'zero', 'stack', 'leave', 'mm', 'name', 'close', 'jump']) {
      expect(stdout).toMatch(new RegExp(`^ *\\d+  ${word} `, 'm'));
    }
    for (const word of [
      'stub ',
      'x86_64',
      'argc',
      'argv[1]',
      '"-c"',
      'envp[0]',
      'AT_PHDR',
      'AT_NULL',
      'start_code',
      'exe_fd',
    ]) {
      expect(stdout).toContain(word);
    }
  });

  test('cuts long strings and stays below 110 columns', async () => {
    const { stdout } = await runForeign(['plan', '/bin/echo', 'x'.repeat(500)], { env: UTF8 });
    expect(utf8(stdout)).toMatch(/"x{50,60}"…/);
    expect(widest(utf8(stdout))).toBeLessThanOrEqual(110);
    const plain = await runForeign(['plan', '/bin/echo', 'x'.repeat(500)], {
      env: { PATH: NODE_PATH, LC_ALL: 'C' },
    });
    expect(plain.stdout).toMatch(/"x{50,60}"\.\.\./);
  });

  test('--json', async () => {
    const script = `${SHELL_COMMAND} plan --json --argv0 me /bin/echo "$(printf '\\377')" ü`;
    const document = JSON.parse(utf8((await sh(script)).stdout)) as PlanDocument;
    expect(document.arch).toBe('x86_64');
    expect(document.stub).toMatch(HEX);
    expect(document.files[0]).toMatchObject({ path: { text: '/bin/echo' } });
    const words = new Map(document.stack.words.map((word) => [word.name, word]));
    expect(words.get('argc')?.value).toEqual({ base: 'absolute', offset: '0x3' });
    expect(words.get('argv[0]')?.string).toEqual({ text: 'me' });
    expect(words.get('argv[1]')?.string).toEqual({ base64: '/w==' });
    expect(words.get('argv[2]')?.string).toEqual({ text: 'ü' });
    expect(words.get('AT_UID')?.value).toBe('kernel');
    expect(document.steps.at(-1)).toMatchObject({
      op: 'jump',
      entry: { offset: expect.stringMatching(HEX) },
    });
  });

  test('takes options before and after its name', async () => {
    const before = await runForeign(['--argv0', 'me', 'plan', AOUT]);
    const after = await runForeign(['plan', '--argv0', 'me', AOUT]);
    for (const { status, stdout } of [before, after]) {
      expect(status).toBe(0);
      expect(stdout).toMatch(/argv\[0\] .*"me"/);
      expect(stdout).toContain('i386');
    }
  });
});

describe('inspect', () => {
  test('shows segments, interpreter and a map, in 80 columns', async () => {
    const { status, stdout } = await runForeign(['inspect', '/bin/echo'], { env: UTF8 });
    expect(status).toBe(0);
    for (const word of ['elf, dynamic', 'x86_64', 'interpreter', 'segments:', 'rwx', 'brk']) {
      expect(stdout).toContain(word);
    }
    expect(utf8(stdout)).toMatch(/0x[0-9a-f]+ ┌─+┐/);
    expect(stdout).not.toContain('\x1b');
    expect(widest(utf8(stdout))).toBeLessThanOrEqual(80);
  });

  test('draws ASCII where the locale is not UTF-8', async () => {
    const { stdout } = await runForeign(['inspect', AOUT], {
      env: { PATH: NODE_PATH, LC_ALL: 'C', LANG: 'C.UTF-8' },
    });
    expect(stdout).toMatch(/^[\n -~]*$/);
    expect(stdout).toMatch(/0x1000 \+-+\+/);
  });

  test('--json of a program that may move', async () => {
    const document: unknown = JSON.parse((await runForeign(['inspect', '--json', '/bin/sh'])).stdout);
    const placement = { kind: 'pie', align: '0x1000', anchor: '0x0' };
    const interpreter = { placement: { kind: 'mmap', align: '0x1000', anchor: '0x0' } };
    expect(document).toMatchObject({ placement, interpreter });
  });

  test('--json', async () => {
    const document: unknown = JSON.parse((await runForeign(['inspect', '--json', AOUT])).stdout);
    expect(document).toMatchObject({
      file: AOUT,
      format: 'aout',
      variant: 'QMAGIC',
      arch: 'i386',
      interpreter: null,
      refused: null,
      entry: expect.stringMatching(HEX),
      brk: { randomize: false },
      stack: { layout: 'aout', execution: 'everything-readable' },
    });
    expect(document).toMatchObject({
      segments: expect.arrayContaining([
        {
          name: 'text',
          address: '0x1000',
          size: expect.stringMatching(HEX),
          file: expect.anything(),
          protection: 'r-x',
        },
      ]),
    });
  });

  test('--format decides', async () => {
    const { status, stderr } = await runForeign(['inspect', '--format', 'aout', '/bin/echo']);
    expect(status).toBe(126);
    expect(stderr).toContain('a.out');
  });
});

describe('formats', () => {
  test('names every loader and magic', async () => {
    const { stdout } = await runForeign(['formats']);
    expect(widest(stdout)).toBeLessThanOrEqual(80);
    for (const { name, magics } of builtinLoaders) {
      expect(stdout).toMatch(new RegExp(`^${name} `, 'm'));
      for (const magic of magics) expect(stdout).toContain(magic.name);
    }
    expect(stdout).toContain('7f 45 4c 46 at 0: ELF');
  });

  test('--json', async () => {
    const document = JSON.parse((await runForeign(['formats', '--json'])).stdout) as { name: string }[];
    expect(document.map(({ name }) => name)).toEqual(builtinLoaders.map(({ name }) => name));
    expect(document).toContainEqual(
      expect.objectContaining({ name: 'elf', magics: [{ name: 'ELF', offset: 0, bytes: '7f454c46' }] }),
    );
  });
});
