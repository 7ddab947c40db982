/** inspect --svg and plan --svg as users give them, and where --output puts what the two say. */
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { NODE_PATH, runForeign, SAMPLES, temporary } from '../support/run.ts';
import { keyPair, sealFor } from '../support/sealed.ts';
import { elementsIn, readXml } from '../support/xml.ts';

const directory = temporary();
afterAll(directory.remove);
const file = (name: string) => join(directory.path, name);

const STATIC = 'elf/x86_64/tally-static';
const QMAGIC = 'aout/tally-qmagic';

/** Words of a picture that came through a pipe. */
function wordsIn(latin1: string): string[] {
  const root = readXml(Buffer.from(latin1, 'latin1').toString());
  return elementsIn(root)
    .filter(({ name }) => name === 'text')
    .map(({ text }) => text);
}

describe('inspect --svg', () => {
  test('has the segments that inspect --json has', async () => {
    const { status, stdout, stderr } = await runForeign(['inspect', '--svg', QMAGIC]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const words = wordsIn(stdout);
    const json = JSON.parse((await runForeign(['inspect', '--json', QMAGIC])).stdout);
    expect(json.segments.length).toBe(3);
    for (const { name, address } of json.segments)
      for (const word of [name, address]) expect(words).toContain(word);
    expect(words).toContain(json.entry);
    expect(words.filter((word) => word === 'rwx!')).toHaveLength(2);
  });

  test('may stand behind PROGRAM', async () => {
    const before = await runForeign(['inspect', '--svg', STATIC]);
    expect(await runForeign(['inspect', STATIC, '--svg'])).toEqual(before);
    expect(before.status).toBe(0);
  });
});

describe('plan --svg', () => {
  test('has the addresses, steps and fields that plan has, and no string of the stack', async () => {
    const env = { PATH: NODE_PATH, SECRET: 'do not hang this on a wall' };
    const { status, stdout } = await runForeign(['plan', '--svg', STATIC, 'an argument'], { env });
    expect(status).toBe(0);
    const words = wordsIn(stdout);
    for (const word of [
      'Before: the stub',
      'After: the program',
      '2 environment strings',
      'the first stack is written',
    ])
      expect(words).toContain(word);
    expect(words.join()).toMatch(/start_stack.*stack pointer/);
    expect(stdout).not.toContain('hang this');
    expect(stdout).not.toContain('an argument');
    const { steps } = JSON.parse(
      (await runForeign(['plan', '--json', STATIC, 'an argument'], { env })).stdout,
    );
    const mapped = steps.filter(
      ({ op, at }: { op: string; at?: { base: string } }) => op === 'mmap' && at?.base === 'absolute',
    );
    expect(mapped.length).toBeGreaterThan(1);
    for (const { at, what } of mapped) for (const word of [at.offset, what]) expect(words).toContain(word);
    expect(words).toContain(String(steps.length));
  });

  test('what follows PROGRAM is the program’s', async () => {
    const { stdout } = await runForeign(['plan', STATIC, '--svg']);
    expect(stdout).toMatch(/argv\[1\] .*"--svg"/);
  });
});

describe('--output', () => {
  test.each([
    ['inspect', '--svg', '<svg '],
    ['plan', '--svg', '<svg '],
    ['inspect', '--json', '{'],
    ['plan', '--json', '{'],
    ['inspect', '', 'file '],
    ['plan', '', 'program '],
  ])('%s %s goes to a file', async (command, option, start) => {
    const path = file(`${command}${option}`);
    const outcome = await runForeign([command, ...(option === '' ? [] : [option]), '-o', path, STATIC]);
    expect(outcome).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(readFileSync(path, 'utf8').startsWith(start)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o644 & ~process.umask());
  });

  test('replaces a file with --force only, and a link instead of what it leads to', async () => {
    const [path, link] = [file('there'), file('link')];
    writeFileSync(path, 'mine');
    symlinkSync('there', link);
    const refused = await runForeign(['inspect', '--svg', '-o', path, STATIC]);
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    expect(refused.stderr).toContain('--force');
    expect(readFileSync(path, 'utf8')).toBe('mine');
    expect(await runForeign(['inspect', '--svg', '-f', '-o', link, STATIC])).toMatchObject({ status: 0 });
    expect(readFileSync(path, 'utf8')).toBe('mine');
    expect(readFileSync(link, 'utf8')).toContain('<svg ');
  });

  test('nothing is left of a program that cannot be shown', async () => {
    const path = file('none');
    for (const command of ['inspect', 'plan'])
      expect((await runForeign([command, '--svg', '-o', path, '/no/such/program'])).status).toBe(127);
    expect(existsSync(path)).toBe(false);
  });

  test('- is standard output', async () => {
    const plain = await runForeign(['inspect', STATIC]);
    expect(await runForeign(['inspect', '-o', '-', STATIC])).toEqual(plain);
  });

  test('what a sealed program has in memory is for its owner', async () => {
    const { secret, recipient } = await keyPair();
    const [sealed, key] = [file('sealed'), file('key')];
    writeFileSync(sealed, await sealFor(readFileSync(join(SAMPLES, STATIC)), recipient), { mode: 0o755 });
    writeFileSync(key, secret, { mode: 0o600 });
    for (const command of ['inspect', 'plan']) {
      const path = file(`sealed-${command}`);
      const outcome = await runForeign([command, '--svg', '-i', key, '-o', path, sealed]);
      expect(outcome).toEqual({ status: 0, stdout: '', stderr: '' });
      expect(statSync(path).mode & 0o777).toBe(0o600);
    }
  });
});

test.each(['inspect', 'plan'])('%s takes --svg or --json', async (command) => {
  const { status, stderr, stdout } = await runForeign([command, '--svg', '--json', STATIC]);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain('--svg');
});

describe('the picture for a terminal', () => {
  const box = /[\u2502|] rwx! data/;
  test.each([
    ['UTF-8', { LANG: 'C.UTF-8' }, 77],
    ['C', { LC_ALL: 'C' }, 77],
    ['few columns', { LANG: 'C.UTF-8', COLUMNS: '50' }, 50],
    ['very few', { LANG: 'C', COLUMNS: '1' }, 40],
    ['many', { LANG: 'C', COLUMNS: '500' }, 77],
    ['nonsense', { LANG: 'C', COLUMNS: '-3' }, 77],
  ])('%s', async (_, env, most) => {
    const { stdout } = await runForeign(['inspect', QMAGIC], { env: { PATH: NODE_PATH, ...env } });
    const text = Buffer.from(stdout, 'latin1').toString();
    const lines = text.slice(text.indexOf('bss') + 4).split('\n');
    expect(lines.some((line) => box.test(line))).toBe(true);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(most);
    expect(text).not.toContain('\u001b');
    if (!JSON.stringify(env).includes('UTF')) expect(stdout).toMatch(/^[\n -~]*$/);
  });
});
