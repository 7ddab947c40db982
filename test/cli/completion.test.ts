/** What the scripts of the shells are told, by the real command; completion.debian.test.ts asks the shells themselves. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { builtinLoaders } from '../../loaders/index.ts';
import { RUN_TOPIC, TOPICS } from '../../src/cli/help.ts';
import { NODE_PATH, ROOT, runForeign, temporary } from '../support/run.ts';

const directory = temporary();
afterAll(directory.remove);

async function asked(words: readonly string[], shell = 'zsh', env: Record<string, string> = {}) {
  const { status, stdout, stderr } = await runForeign(['completion', 'words', shell, ...words], {
    env: { PATH: NODE_PATH, ...env },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const [first = '', ...lines] = Buffer.from(stdout, 'latin1').toString().trimEnd().split('\n');
  const [kind, before = ''] = first.split('\t');
  return { kind, before, values: lines.map((line) => line.split('\t')[0]), lines };
}

test('before PROGRAM: every command, and what may be a program', async () => {
  const { kind, values, lines } = await asked(['']);
  expect(kind).toBe('program');
  expect(values).toEqual([...Object.keys(TOPICS), 'help']);
  for (const line of lines) expect(line).toMatch(/^[a-z-]+\t.+$/);
});

test('behind -- no command and no option, but a program', async () => {
  expect(await asked(['--', 'insp'])).toMatchObject({ kind: 'program', values: [] });
  expect(await asked(['--', '-'])).toMatchObject({ kind: 'program', values: [] });
});

test('every option of a start, with what it is', async () => {
  const { kind, values, lines } = await asked(['--']);
  expect(kind).toBe('words');
  expect(values).toEqual(RUN_TOPIC.options.map((name) => `--${name}`));
  for (const line of lines) expect(line).toMatch(/^--[a-z0-9-]+\t.+$/);
});

test.each(Object.keys(TOPICS) as (keyof typeof TOPICS)[])('every option of %s', async (name) => {
  expect((await asked([name, '--'])).values).toEqual(TOPICS[name].options.map((each) => `--${each}`));
});

test('an option that is there already is not offered again, unless it may be', async () => {
  const { values } = await asked(['--verbose', '--stdin', 'x', '--env', 'A', '--']);
  expect(values).not.toContain('--verbose');
  expect(values).not.toContain('--stdin');
  expect(values).toContain('--env');
});

test('--format: every loader whose format a program can have', async () => {
  const programs = builtinLoaders.filter(({ kind }) => kind !== 'wrapper').map(({ name }) => name);
  expect((await asked(['--format', ''])).values).toEqual(programs);
  expect(await asked(['--format='])).toMatchObject({ before: '--format=', values: programs });
});

test('--loader-opt: every option of a loader, and its values', async () => {
  expect((await asked(['--loader-opt', 'flat.'])).values).toContain('flat.base=');
  expect((await asked(['--loader-opt', 'core.ver'])).values).toEqual(['core.verify']);
  expect((await asked(['--loader-opt', 'flat.arch='])).values).toEqual([
    'flat.arch=x86_64',
    'flat.arch=i386',
  ]);
});

describe('where the word stands', () => {
  test.each([
    [['tally', ''], 'rest', '0'],
    [['--format', 'aout', '-i', 'key', 'tally', '--js'], 'rest', '4'],
    [['--', 'plan', '--js'], 'rest', '1'],
    [['--env', 'plan', ''], 'program', ''],
    [['plan', 'tally', '--js'], 'rest', '1'],
    [['plan', '--json', '--', '-x', ''], 'rest', '3'],
    [['inspect', ''], 'program', ''],
    [['inspect', 'tally', ''], 'words', ''],
    [['seal', 'tally', '-o', ''], 'files', ''],
    [['seal', 'tally', '-r', ''], 'words', ''],
    [['seal', 'tally', '--output='], 'files', '--output='],
    [['new-loader', ''], 'words', ''],
    [['new-loader', 'toy', ''], 'directories', ''],
    [['--verbose=', ''], 'program', ''],
    [['--nonsense', ''], 'program', ''],
    [['--stdin', '--format', ''], 'program', ''],
  ])('%j', async (words, kind, before) => {
    expect(await asked(words)).toMatchObject({ kind, before });
  });
});

describe('bash hands out words as they are typed', () => {
  test.each([
    ['"fl', 'flat'],
    ["'fl", 'flat'],
    ['f\\l', 'flat'],
    ['"f\'"', undefined],
    ['fl\\', 'flat'],
  ])('%s', async (word, value) => {
    expect((await asked(['--format', word], 'bash')).values[0]).toBe(value);
  });
});

test('programs in PATH: files that can be executed, whose names a line can hold', async () => {
  for (const [name, mode] of [
    ['zz-one', 0o755],
    ['zz-two', 0o644],
    ['zz-größe', 0o755],
    ['zz-\n\t\x1b', 0o755],
  ] as const)
    directory.file(`bin/${name}`, '', mode);
  directory.file('bin/zz-directory/x', '');
  const PATH = `${directory.path}/bin:/no/such/directory::${NODE_PATH}`;
  expect((await asked(['zz-'], 'zsh', { PATH })).values.sort()).toEqual(['zz-größe', 'zz-one']);
});

test('processes: numbers with command lines, on one line whatever is in them', async () => {
  const { spawn } = await import('node:child_process');
  const child = spawn('sh', ['-c', 'sleep 1000 & wait', 'odd\n\tname\x1b[31m'], {
    stdio: 'ignore',
    detached: true,
  });
  try {
    const { lines } = await asked(['checkpoint', String(child.pid)]);
    expect(lines).toEqual([`${child.pid}\tsh -c sleep 1000 & wait odd??name?[31m`]);
  } finally {
    if (child.pid !== undefined) process.kill(-child.pid);
  }
});

test.each([
  ['bash', 'run-foreign.bash'],
  ['zsh', '_run-foreign'],
  ['fish', 'run-foreign.fish'],
])('completion %s prints what packages install as %s', async (shell, file) => {
  const { status, stdout } = await runForeign(['completion', shell]);
  expect(status).toBe(0);
  expect(stdout).toBe(readFileSync(join(ROOT, 'dist/completion', file), 'latin1'));
});

test.each([[[]], [['tcsh']], [['bash', 'zsh']], [['words']], [['words', 'tcsh', '']]])(
  'completion %j is wrong usage',
  async (args) => {
    const { status, stdout, stderr } = await runForeign(['completion', ...args]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('bash');
  },
);
