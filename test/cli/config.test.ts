/** The user's configuration: what counts for which program, against what; what is wrong with one; and what shows it. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { FIELDS, Misfit, partsOf } from '../../src/cli/config/fields.ts';
import { KeptStarts, settle } from '../support/kept-starts.ts';
import { NODE_PATH, ROOT, runForeign, SAMPLES, temporary } from '../support/run.ts';

const directory = temporary();
afterAll(directory.remove);
const at = (name: string) => join(directory.path, name);
const home = at('home');
const CONFIG = 'home/.config/run-foreign/run-foreign.config';
const tally = join(SAMPLES, 'elf/x86_64/tally-static');
const SHOW = `#!/bin/sh
echo "\${A-none} \${B-none}"
`;
directory.file('opt/old/show', SHOW);
directory.file('opt/old/inner/show', SHOW);
directory.file('opt/show', SHOW);
symlinkSync(at('opt/old/show'), at('opt/link'));
beforeEach(() => rmSync(home, { recursive: true, force: true }));

/** Writes a configuration; JSON unless it is a script. */
const configure = (content: unknown, extension = 'json') =>
  directory.file(
    `${CONFIG}.${extension}`,
    typeof content === 'string' ? content : JSON.stringify(content),
    0o644,
  );

/** Runs the command as the user of that home. */
const runAs = (args: readonly string[], env: Record<string, string> = {}, cwd = directory.path) =>
  runForeign(args, { env: { PATH: `${at('opt')}:${NODE_PATH}`, HOME: home, ...env }, cwd });

const stdoutOf = async (args: readonly string[], env: Record<string, string> = {}) => {
  const { status, stdout, stderr } = await runAs(args, env);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
};

describe('which part counts', () => {
  const env = (A: string) => ({ env: { A } });
  const shown = (program: string) => stdoutOf([program]);

  test('the general one is for all programs', async () => {
    configure(env('all'));
    expect(await shown(at('opt/show'))).toBe('all none\n');
    expect(await shown('show')).toBe('all none\n');
  });

  test('all, directory, directory in it, name, path: what says more wins', async () => {
    const parts: [string, string][] = [
      [`${at('opt')}/`, 'outer'],
      [`${at('opt/old')}/`, 'inner'],
      ['show', 'name'],
      [at('opt/old/show'), 'path'],
    ];
    configure({ ...env('all'), programs: {} });
    expect(await shown(at('opt/old/show'))).toBe('all none\n');
    for (const [index, [, expected]] of parts.entries()) {
      // The order in the file says nothing.
      const some = parts.slice(0, index + 1).reverse();
      configure({ ...env('all'), programs: Object.fromEntries(some.map(([key, text]) => [key, env(text)])) });
      expect(await shown(at('opt/old/show'))).toBe(`${expected} none\n`);
    }
  });

  test.each([
    ['a name', 'show', ['opt/show', 'opt/old/show'], ['opt/link']],
    [
      'a path',
      () => at('opt/old/show'),
      ['opt/old/show', 'opt/old/../old/show', 'opt/link'],
      ['opt/show', 'opt/old/inner/show'],
    ],
    [
      'a directory',
      () => `${at('opt/old')}/`,
      ['opt/old/show', 'opt/old/inner/show', 'opt/link'],
      ['opt/show'],
    ],
  ])('%s', async (_, key, yes, no) => {
    configure({ programs: { [typeof key === 'string' ? key : key()]: env('it') } });
    for (const path of yes) expect(await shown(at(path)), path).toBe('it none\n');
    for (const path of no) expect(await shown(at(path)), path).toBe('none none\n');
  });

  test('~/ is the home, and a name in PATH is found where it lies', async () => {
    directory.file('home/bin/show', SHOW);
    configure({ programs: { '~/bin/show': env('mine'), [at('opt/show')]: env('theirs') } });
    expect(await shown(join(home, 'bin/show'))).toBe('mine none\n');
    expect(await shown('show')).toBe('theirs none\n');
    const relative = await runAs(['./show'], {}, join(home, 'bin'));
    expect(relative.stdout).toBe('mine none\n');
  });

  test('commands that load a program are told the same', async () => {
    configure({ programs: { raw: { format: 'flat', 'loader-opt': { 'flat.base': '0x400000' } } } });
    directory.file('raw', Buffer.from([0xf4]));
    const { stdout } = await runAs(['inspect', '--json', at('raw')]);
    expect(JSON.parse(stdout)).toMatchObject({ format: 'flat', entry: '0x400000' });
    expect((await runAs(['plan', at('raw')])).stdout).toContain('0x400000');
    expect((await runAs(['inspect', tally])).stdout).toContain('elf');
  });
});

describe('what wins', () => {
  test('an argument, then a variable, then a program’s part, then the general one', async () => {
    configure({ stdin: 'general', programs: { cat: { stdin: 'part' } } });
    for (const name of ['general', 'part']) directory.file(`home/.config/run-foreign/${name}`, name, 0o644);
    for (const name of ['variable', 'argument']) directory.file(name, name, 0o644);
    const variable = { RUN_FOREIGN_STDIN: at('variable') };
    expect(await stdoutOf(['head', '-c', '20'])).toBe('general');
    expect(await stdoutOf(['cat'])).toBe('part');
    expect(await stdoutOf(['cat'], variable)).toBe('variable');
    expect(await stdoutOf(['--stdin', at('argument'), 'cat'], variable)).toBe('argument');
  });

  test('variables of the program add up, and of two for one the argument’s', async () => {
    configure({ env: { A: 'general', B: 'general' }, programs: { show: { env: ['A=part'] } } });
    expect(await stdoutOf(['show'])).toBe('part general\n');
    expect(await stdoutOf(['--env', 'B=argument', 'show'])).toBe('part argument\n');
    expect(await stdoutOf(['show'], { RUN_FOREIGN_ENV: 'A=variable' })).toBe('variable general\n');
    configure({ 'unset-env': 'A' });
    expect(await stdoutOf(['--unset-env', 'B', 'show'], { A: '1', B: '2' })).toBe('none none\n');
  });

  test('a flag may be taken back', async () => {
    configure({ verbose: true });
    expect((await runAs(['show'])).stderr).toContain('steps');
    expect((await runAs(['--verbose=false', 'show'])).stderr).toBe('');
    expect((await runAs(['show'], { RUN_FOREIGN_VERBOSE: 'no' })).stderr).toBe('');
  });

  test('what a program must be is checked, unless an argument says something else', async () => {
    const pinned = directory.file('pinned', readFileSync(tally));
    const pin = (sha256: string) => configure({ programs: { pinned: { sha256 } } });
    const right = createHash('sha256').update(readFileSync(tally)).digest('hex');
    pin('0'.repeat(64));
    const { status, stderr } = await runAs([pinned]);
    expect([status, stderr]).toEqual([126, expect.stringContaining('not what it is pinned to')]);
    expect((await runAs(['--sha256', right, pinned, '/dev/null'])).status).toBe(0);
    expect((await runAs([tally, '/dev/null'])).status).toBe(0);
    pin(right);
    expect((await runAs([pinned, '/dev/null'])).status).toBe(0);
  });

  test('a variable of the caller’s that says what it must be does not switch that off', async () => {
    configure({ programs: { show: { sha256: '0'.repeat(64) } } });
    expect((await runAs(['show'], { RUN_FOREIGN_SHA256: '1'.repeat(64) })).status).toBe(126);
  });
});

test('relative paths count from where the file lies, ~/ from the home', async () => {
  directory.file('elsewhere/run-foreign.config.json', '{ "stdin": "here" }', 0o644);
  directory.file('elsewhere/here', 'beside the file', 0o644);
  mkdirSync(join(home, '.config/run-foreign'), { recursive: true });
  symlinkSync(at('elsewhere/run-foreign.config.json'), at(`${CONFIG}.json`));
  expect(await stdoutOf(['cat'])).toBe('beside the file');
  rmSync(at(`${CONFIG}.json`));
  configure({ stdin: '~/input' });
  directory.file('home/input', 'in the home', 0o644);
  expect(await stdoutOf(['cat'])).toBe('in the home');
});

test('a script exports the same', async () => {
  configure("export default { programs: { show: { env: { A: 'b'.repeat(3) } } } };", 'js');
  expect(await stdoutOf(['show'])).toBe('bbb none\n');
  configure('module.exports = { programs: { show: { env: 7 } } };', 'js');
  const { status, stderr } = await runAs(['show']);
  expect(status).toBe(2);
  expect(stderr).toMatch(
    /run-foreign\.config\.js: is no configuration: programs\.show\.env must be a list \(it is 7\)/,
  );
});

test('a script is no more than a loader: it cannot end the process or write to standard output', async () => {
  configure("console.log('seen'); module.exports = { env: { A: 'x' } };", 'js');
  expect(await runAs(['show'])).toEqual({ status: 0, stdout: 'x none\n', stderr: 'seen\n' });
  configure('process.exit(0)', 'js');
  const ended = await runAs(['show']);
  expect([ended.status, ended.stderr]).toEqual([125, expect.stringContaining('may not end the process')]);
});

/** A configuration that is wrong, where, and what is said. */
const WRONG: readonly (readonly [text: string, at: string, message: string])[] = [
  ['', '1:1', 'is no JSON'],
  ['{\n  "verbose": tru\n}', '2:14', 'is no JSON'],
  ['[]', '1:1', 'it must be an object (it is [])'],
  ['{\n  "max-size": "lots"\n}', '2:3', "max-size takes bytes, as in 1000000, 512K, 64M or 2G, not 'lots'"],
  ['{ "programs": {\n    "x": { "stdio": "y" } } }', '2:12', 'programs.x.stdio takes inherit or recorded'],
  ['{ "größe": 1 }', '1:3', 'größe'],
  ['{ "größe1": 1, "verbose": 1 }', '1:3', 'größe1'],
  ['{ "$schema": "größe", "verbose": 1 }', '1:23', 'verbose must be true or false (it is 1)'],
  ['{ "verbose": true,\n "verbose": false }', '2:2', 'a field twice'],
  ['{ "verbos": true }', '1:3', 'verbos is no field; there is loaders, programs, format,'],
  ['{ "loader": [] }', '1:3', 'loader is no field; there is loaders'],
  ['{ "options": {} }', '1:3', 'options is no field; there is the options themselves'],
  ['{ "programs": { "x": { "programs": {} } } }', '1:24', 'programs.x.programs is no field'],
  ['{ "sha256": "0" }', '1:3', 'sha256 is about one program'],
  ['{ "argv0": "x" }', '1:3', 'argv0 is about one program'],
  ['{ "env": { "A=": "b" } }', '1:12', 'env["A="] has a = in its name'],
  ['{ "env": { "A": 1 } }', '1:12', 'env.A must be text (it is 1)'],
  ['{ "env": { "A": "\\u0000" } }', '1:12', 'env.A has a NUL inside'],
  ['{ "env": ["=b"] }', '1:3', 'env needs a name'],
  ['{ "unset-env": ["A=b"] }', '1:3', "unset-env takes a name, not 'A=b'"],
  ['{ "loader-opt": { "flat": "x" } }', '1:3', 'loader-opt takes NAME.KEY=VALUE'],
  ['{ "loader-timeout": 0 }', '1:3', 'loader-timeout takes seconds'],
  ['{ "identity": "" }', '1:3', 'identity is empty'],
  ['{ "identity": "AGE-SECRET-KEY-1QQQ" }', '1:3', 'identity is a key, and must be the name of a file'],
  ['{ "programs": { "a/b": {} } }', '1:17', 'programs["a/b"] is no name, no path'],
  ['{ "programs": { "": {} } }', '1:17', 'programs[""] is no name'],
  ['{ "programs": { "/opt/*": {} } }', '1:17', 'programs["/opt/*"] has a wildcard'],
  ['{ "programs": [] }', '1:3', 'programs must be an object'],
  ['{ "__proto__": { "verbose": true } }', '1:3', '__proto__ is no field'],
  ['{ "constructor": true }', '1:3', 'constructor is no field'],
  [`{ "stdin": ${'['.repeat(20)}`, '1:19', 'nested more than'],
];

describe('what is wrong is said, with the line and the column', () => {
  test.each(WRONG)('%s', async (text, place, message) => {
    const file = configure(text);
    const { status, stdout, stderr: bytes } = await runAs(['show']);
    const stderr = Buffer.from(bytes, 'latin1').toString();
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr.split('\n')).toHaveLength(2);
    expect(stderr).toContain(`run-foreign: ${file}:${place}: `);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('QQQ');
  });

  test('no file', async () => {
    mkdirSync(at(`${CONFIG}.json`), { recursive: true });
    const { status, stderr } = await runAs(['show']);
    expect([status, stderr]).toEqual([2, expect.stringContaining('is no regular file')]);
  });

  test('bytes that are no UTF-8, or too many', async () => {
    const file = configure({});
    writeFileSync(file, Buffer.from('{ "loaders": ["\xff"] }', 'latin1'));
    expect((await runAs(['show'])).stderr).toContain('not in UTF-8');
    writeFileSync(file, `{}${' '.repeat(2 ** 20)}`);
    expect((await runAs(['show'])).stderr).toContain('more than 1048576 bytes');
  });
});

test('one that others could have written is not read, and the start goes on', async () => {
  const file = configure({ env: { A: 'theirs' } });
  chmodSync(file, 0o666);
  const { status, stdout, stderr } = await runAs(['show']);
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'none none\n' });
  expect(stderr).toContain('is not read: ');
});

describe('the schema that comes with the package', () => {
  const schema = JSON.parse(readFileSync(join(ROOT, 'dist/config.schema.json'), 'utf8')) as {
    properties: { programs: { additionalProperties: { properties: object } } };
  };
  const ajv = new Ajv({ allowUnionTypes: true });
  const validate = ajv.compile(schema);
  const around = { directory: '/', home: '/' };
  const isRead = (value: unknown): boolean => {
    try {
      partsOf(value, around);
      return true;
    } catch (cause) {
      if (cause instanceof Misfit) return false;
      throw cause;
    }
  };

  test('has every option of a start', () => {
    const { properties } = schema.properties.programs.additionalProperties;
    expect(Object.keys(properties)).toEqual(['loaders', ...FIELDS]);
  });

  test.each([
    {},
    { $schema: 'x', loaders: ['./a.ts'], programs: {} },
    { verbose: true, env: { A: '1' }, 'unset-env': ['B'], 'max-size': 100, 'loader-timeout': 0.5 },
    { env: ['A=1', 'B'], identity: 'key.txt', 'loader-opt': { 'flat.base': 4096, 'core.verify': true } },
    {
      programs: {
        tally: { sha256: '0', argv0: 'x' },
        '/opt/': {},
        '~/x': {},
        'https://h/x': { format: 'elf' },
      },
    },
  ])('takes what is read: %j', (value) => {
    expect(isRead(value)).toBe(true);
    expect(validate(value)).toBe(true);
  });

  test('takes what the documentation shows', () => {
    const page = readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8');
    const value: unknown = JSON.parse(/^```json [^\n]*\n(.*?)^```/ms.exec(page)?.[1] ?? '');
    expect(isRead(value)).toBe(true);
    expect(validate(value)).toBe(true);
  });

  /** What is JSON, and wrong in more than a value that is some text of its own. */
  const BY_SHAPE = WRONG.filter(
    ([, , message]) => !/takes|JSON|twice|nested|wildcard|needs|empty|is a key/.test(message),
  );
  test.each(BY_SHAPE)('does not take %s', (text) => {
    const value: unknown = JSON.parse(text);
    expect(isRead(value)).toBe(false);
    expect(validate(value)).toBe(false);
  });
});

describe('run-foreign config', () => {
  test('says of each option that counts what it is and who says so', async () => {
    configure({
      verbose: true,
      loaders: ['./a.ts'],
      env: { A: 'general', B: 'general' },
      programs: { show: { env: { A: 'part' }, 'max-size': '1M' } },
    });
    writeFileSync(join(home, '.config/run-foreign/a.ts'), '');
    const env = { RUN_FOREIGN_STDIN: '/dev/null', RUN_FOREIGN_LOADERS: '/b.ts' };
    const args = ['config', '--json', '--env', 'C=argument', '--loader', './c.ts', 'show'];
    const from = (part: string | null) => ({ kind: 'configuration', part });
    expect(JSON.parse(await stdoutOf(args, env))).toEqual({
      file: at(`${CONFIG}.json`),
      program: 'show',
      paths: [at('opt/show'), at('opt/show')],
      parts: [null, 'show'],
      options: [
        { name: 'loader', value: './c.ts', from: { kind: 'argument' } },
        { name: 'loader', value: '/b.ts', from: { kind: 'variable', variable: 'RUN_FOREIGN_LOADERS' } },
        { name: 'loader', value: './a.ts', from: from(null) },
        { name: 'env', value: 'A=part', from: from('show') },
        { name: 'env', value: 'B=general', from: from(null) },
        { name: 'env', value: 'C=argument', from: { kind: 'argument' } },
        { name: 'stdin', value: '/dev/null', from: { kind: 'variable', variable: 'RUN_FOREIGN_STDIN' } },
        { name: 'max-size', value: '1M', from: from('show') },
        { name: 'verbose', value: true, from: from(null) },
      ],
    });
  });

  test('is for people without --json, in 80 columns, and shows nothing that steers a terminal', async () => {
    configure({ programs: { show: { env: { A: '\u001b[31mred', B: 'b '.repeat(100) } } } });
    const text = await stdoutOf(['config', 'show']);
    expect(text).toContain('--env             A=?[31mred\n');
    expect(text).toContain('from the configuration, programs["show"]\n');
    // Above them stand paths, which are as long as they are.
    const [, settings = ''] = text.split('\n\n');
    expect(Math.max(...settings.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test('without a configuration there is none, and no program is needed', async () => {
    mkdirSync(home);
    expect(await stdoutOf(['config'])).toBe('configuration     none\n');
    expect(JSON.parse(await stdoutOf(['config', '--json', 'no-such-program']))).toEqual({
      file: null,
      program: 'no-such-program',
      paths: [],
      parts: [],
      options: [],
    });
  });

  test('starts nothing, and takes one program', async () => {
    configure({});
    expect((await runAs(['config', 'show', 'more'])).status).toBe(2);
  });
});

test('a start that is kept does not overlook a configuration that comes, changes or goes', async () => {
  const kept = new KeptStarts({ ...directory, path: mkDirectory('kept') });
  const program = directory.file('kept/program', readFileSync(tally));
  await settle();
  const args = [program, join(SAMPLES, 'inputs/words.txt')];
  const plain = (await kept.keep(args)).stdout;
  const write = (value: object) =>
    directory.file('kept/home/.config/run-foreign/run-foreign.config.json', JSON.stringify(value), 0o644);
  const label = (TALLY_LABEL: string) => ({ programs: { program: { env: { TALLY_LABEL } } } });
  for (const text of ['one', 'two']) {
    write(label(text));
    expect((await kept.start(args)).stdout).toBe(`${text}: ${plain}`);
  }
  write({ programs: { other: { env: { TALLY_LABEL: 'x' } } } });
  expect(await kept.start(args)).toMatchObject({ stdout: plain, node: true });
  rmSync(join(kept.home, '.config'), { recursive: true });
  expect(await kept.start(args)).toMatchObject({ stdout: plain, node: false });
});

function mkDirectory(name: string): string {
  mkdirSync(at(name));
  return at(name);
}
