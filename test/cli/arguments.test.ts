/** What reaches the program: its arguments, its environment and its name, byte for byte. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NODE_PATH, runForeign, SHELL_COMMAND, sh, temporary } from '../support/run.ts';

const CMDLINE = ['/bin/cat', '/proc/self/cmdline'];
const strings = (output: string) => output.split('\0').slice(0, -1);

/** The plain way, the way with options, and the way with a twin must not differ. */
const WAYS = [
  { name: 'plain', options: [], env: {} },
  { name: 'with options', options: ['--unset-env', 'NOBODY'], env: {} },
  { name: 'after --', options: ['--'], env: {} },
  { name: 'with a twin', options: [], env: { RUN_FOREIGN_UNSET_ENV: 'NOBODY' } },
];

describe.each(WAYS)('arguments, $name', ({ options, env }) => {
  const environment = { PATH: NODE_PATH, ...env };

  test('where there is no current directory any more', async () => {
    const script = `d=$(mktemp -d) && cd "$d" && rmdir "$d" && exec ${SHELL_COMMAND} "$@"`;
    const { status, stdout } = await sh(script, [...options, '/bin/echo', 'runs'], { env: environment });
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'runs\n' });
  });

  test('words that look like options, numbers and nothing at all', async () => {
    const odd = [
      '--',
      '-x',
      '--help',
      '--format',
      '1e3',
      '0x10',
      '',
      ' a  b ',
      'true',
      '--verbose',
      '-',
      '"q"',
    ];
    // cat takes what follows -- for files that do not exist; it has shown its command line by then.
    const { stdout } = await runForeign([...options, ...CMDLINE, ...odd], { env: environment });
    expect(strings(stdout)).toEqual([...CMDLINE, ...odd]);
  });

  test('bytes that are not UTF-8', async () => {
    const script = `"$@" /bin/cat /proc/self/cmdline "$(printf '\\377\\200x')" "$(printf '\\303')"`;
    const command = `set -- ${SHELL_COMMAND} ${options.join(' ')}; ${script}`;
    const { stdout } = await sh(command, [], { env: environment });
    expect(strings(stdout)).toEqual([...CMDLINE, '\xff\x80x', '\xc3']);
  });

  test('a thousand of them', async () => {
    const many = Array.from({ length: 1000 }, (_, index) => (index % 7 === 0 ? '' : `--n=${index}`));
    const { stdout } = await runForeign([...options, ...CMDLINE, '--', ...many], { env: environment });
    expect(strings(stdout)).toEqual([...CMDLINE, '--', ...many]);
  });

  test('a program whose name is a truth value', async () => {
    expect(await runForeign([...options, 'true'], { env: environment })).toMatchObject({
      status: 0,
      stdout: '',
    });
    expect(await runForeign([...options, 'false'], { env: environment })).toMatchObject({
      status: 1,
      stdout: '',
    });
  });
});

test('a flag does not swallow a program called true or false', async () => {
  const { status, stderr } = await runForeign(['--verbose', 'false']);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^run-foreign: false: elf \(/);
});

describe('environment', () => {
  const ENVIRON = ['/bin/cat', '/proc/self/environ'];
  const base = { PATH: NODE_PATH, A: '1', B: '2' };

  test('set, unset and keep', async () => {
    const args = ['--env', 'C=3=3', '--env=A=x', '--unset-env', 'B', '--unset-env', 'PATH', '--env', 'PATH'];
    const { stdout } = await runForeign([...args, ...ENVIRON], { env: base });
    expect(strings(stdout).sort()).toEqual(['A=x', 'C=3=3', `PATH=${NODE_PATH}`]);
  });

  test('values with blanks, newlines, quotes and other bytes', async () => {
    const value = 'A= "b"\n--c=\'d\' ';
    const { stdout } = await runForeign(['--env', value, ...ENVIRON], { env: base });
    expect(strings(stdout)).toContain(value);
    const script = `${SHELL_COMMAND} --env "A=$(printf '\\377')" /bin/cat /proc/self/environ`;
    expect(strings((await sh(script)).stdout)).toContain('A=\xff');
  });

  test('twins, which a flag overrides', async () => {
    const env = { ...base, RUN_FOREIGN_ENV: 'C=3\nD=4', RUN_FOREIGN_UNSET_ENV: 'A\nB' };
    const twins = strings((await runForeign(ENVIRON, { env })).stdout);
    expect(twins).toEqual(expect.arrayContaining(['C=3', 'D=4']));
    expect(twins.filter((entry) => /^[AB]=/.test(entry))).toEqual([]);
    const flags = strings((await runForeign(['--env', 'C=5', '--unset-env=A', ...ENVIRON], { env })).stdout);
    expect(flags).toEqual(expect.arrayContaining(['B=2', 'C=5']));
    expect(flags.filter((entry) => /^[AD]=/.test(entry))).toEqual([]);
  });

  test.each([
    ['1', true],
    ['yes', true],
    ['', false],
    ['0', false],
    ['false', false],
    ['no', false],
  ])('RUN_FOREIGN_VERBOSE=%s', async (value, on) => {
    const env = { PATH: NODE_PATH, RUN_FOREIGN_VERBOSE: value };
    const { stdout, stderr } = await runForeign(['/bin/echo', 'hi'], { env });
    expect(stdout).toBe('hi\n');
    expect(stderr !== '').toBe(on);
  });
});

describe('argv0', () => {
  const show = ['/bin/cat', '/proc/self/cmdline'];

  test.each([
    [['--argv0', 'other'], {}, 'other'],
    [['--argv0=-sh'], {}, '-sh'],
    [['--argv0', ''], {}, ''],
    [[], { RUN_FOREIGN_ARGV0: 'twin' }, 'twin'],
    [['--argv0', 'flag'], { RUN_FOREIGN_ARGV0: 'twin' }, 'flag'],
    [['--argv0', 'first', '--argv0', 'last'], {}, 'last'],
  ])('%j', async (options, env, name) => {
    const { stdout } = await runForeign([...options, ...show], { env: { PATH: NODE_PATH, ...env } });
    expect(strings(stdout)).toEqual([name, '/proc/self/cmdline']);
  });
});

test.each([
  [1, '| /bin/cat'],
  [2, '2>&1 > "$1" | /bin/cat; /bin/cat "$1"'],
])('descriptor %i stays as it was: a pipe is not made non-blocking for the program', async (fd, end) => {
  const directory = temporary();
  const output = join(directory.path, 'output');
  const { stdout } = await sh(`${SHELL_COMMAND} --unset-env NOBODY /bin/cat /proc/self/fdinfo/${fd} ${end}`, [
    output,
  ]);
  directory.remove();
  const O_NONBLOCK = 0o4000;
  expect(Number.parseInt(/^flags:\s*(\d+)/m.exec(stdout)?.[1] ?? '4000', 8) & O_NONBLOCK).toBe(0);
});
