/** Loaders from elsewhere: what they may be written in, where they are found, and in which order. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { COMMAND, NODE_PATH, ROOT, run, temporary } from '../support/run.ts';
import { plainLoader, runAt, TOY_LOADER, TOY_RUN, toyProgram, writeFiles } from '../support/toy.ts';

const directory = temporary();
afterAll(directory.remove);

/** A new directory with a toy program, and `files`. */
function place(files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const path = join(directory.path, String(readdirSync(directory.path).length));
  writeFiles(path, { prog: toyProgram(), ...files });
  return path;
}

/** The loader of which plainLoader's error says that it was asked. */
const asked = (stderr: string) => /the loader (\S+) was asked/.exec(stderr)?.[1];

const toyWithout = (text: string, replacement: string) => TOY_LOADER.replace(text, replacement);
const AS_COMMONJS = toyWithout(
  /import (.*) from 'run-foreign\/loader';/.exec(TOY_LOADER)?.[0] ?? '',
  "const { defineLoader, startsWith, struct } = require('run-foreign/loader');",
).replace('export default', 'module.exports =');

describe('a loader in a file', () => {
  test.each([
    ['.ts', 'toy.ts', TOY_LOADER],
    ['.mts', 'toy.mts', TOY_LOADER],
    ['.js, an ES module', 'toy.js', TOY_LOADER],
    ['.mjs', 'toy.mjs', TOY_LOADER],
    ['.cjs', 'toy.cjs', AS_COMMONJS],
    ['.js, CommonJS', 'toy.js', AS_COMMONJS],
  ])('%s', async (_, name, source) => {
    const cwd = place({ [name]: source });
    expect(await runAt({ cwd }, '--loader', `./${name}`, './prog')).toEqual(TOY_RUN);
    expect(await runAt({ cwd }, '--loader', `./${name}`, './prog')).toEqual(TOY_RUN);
  });

  test('is named by RUN_FOREIGN_LOADERS by its absolute path, and only by that', async () => {
    const cwd = place({ 'toy.ts': TOY_LOADER });
    const named = (path: string) => runAt({ cwd, env: { RUN_FOREIGN_LOADERS: path } }, './prog');
    expect(await named(join(cwd, 'toy.ts'))).toEqual(TOY_RUN);
    const { status, stderr } = await named('./toy.ts');
    expect(status).toBe(2);
    expect(stderr).toContain("RUN_FOREIGN_LOADERS: the loader './toy.ts' is a relative path");
  });

  test('gets its options, and formats and plan and inspect take them, too', async () => {
    const cwd = place({ 'toy.ts': TOY_LOADER });
    const options = ['--loader', './toy.ts', '--loader-timeout', '20', '--loader-opt', 'toy.base=0x20000000'];
    const inspected = await runAt({ cwd }, 'inspect', ...options, '--json', './prog');
    expect(JSON.parse(inspected.stdout)).toMatchObject({ format: 'toy', entry: '0x20000000' });
    expect((await runAt({ cwd }, 'plan', ...options, './prog')).stdout).toContain('0x20000000');
    expect(await runAt({ cwd }, ...options, './prog')).toEqual(TOY_RUN);
    const listed = await runAt({ cwd }, 'formats', ...options, '--json');
    const [toy, elf] = JSON.parse(listed.stdout);
    expect(toy).toMatchObject({ name: 'toy', file: join(cwd, 'toy.ts') });
    expect(toy.options).toContainEqual({ key: 'base', type: 'integer', help: 'where the code lies' });
    expect(elf).toMatchObject({ name: 'elf', file: null });
    const text = (await runAt({ cwd }, 'formats', ...options)).stdout;
    for (const part of ['toy.base=INTEGER: where', 'toy.stack=plain|executable:', 'toy.loud:', 'from /'])
      expect(text).toContain(part);
  });

  test.each([
    ['toy.nothing=1', "the loader toy has no option 'nothing'; it has base, stack, loud"],
    ['toy.base=-1', 'toy.base takes a number'],
    ['tox.base=1', "for the loader 'tox', and there is none"],
  ])('refuses the option %s', async (option, message) => {
    const cwd = place({ 'toy.ts': TOY_LOADER });
    for (const command of [['./prog'], ['formats']]) {
      const at = command[0] === 'formats' ? ['formats'] : [];
      const rest = command[0] === 'formats' ? [] : command;
      const outcome = await runAt({ cwd }, ...at, '--loader', './toy.ts', '--loader-opt', option, ...rest);
      expect(outcome).toMatchObject({ status: 2, stdout: '' });
      expect(outcome.stderr).toContain(message);
    }
  });

  test.each([
    ['./gone.ts', "the loader './gone.ts' cannot be read: ENOENT", 2],
    ['gone', 'is neither a file nor a package called run-foreign-loader-...; a file here is ./gone', 2],
    ['./prog', "'./prog' is no .ts or .js file", 2],
    ['./broken.ts', 'broken.ts: cannot be compiled: ', 125],
    ['./lost.ts', 'lost.ts: cannot be compiled: Could not resolve "left-pad"', 125],
    ['./empty.ts', 'empty.ts: it exports no loader: export one as the default', 125],
    ['./newer.ts', 'newer.ts: apiVersion is 2, and this run-foreign knows version 1', 125],
    ['./name.ts', 'name.ts: name is no name', 125],
  ])('%s is refused', async (name, message, status) => {
    const cwd = place({
      'broken.ts': 'const = 1;',
      'lost.ts': "import 'left-pad';",
      'empty.ts': 'export const name = 1;',
      'newer.ts': plainLoader('newer', 'apiVersion: 2'),
      'name.ts': plainLoader('No Name'),
    });
    const outcome = await runAt({ cwd }, '--loader', name, './prog');
    expect(outcome).toMatchObject({ status, stdout: '' });
    expect(outcome.stderr).toContain(message);
  });

  test('leaves no compiler at work while it runs', async () => {
    const children = `import { readdirSync, readFileSync } from 'node:fs';
const tasks = readdirSync('/proc/self/task').map((task) => readFileSync('/proc/self/task/' + task + '/children'));
console.log('children: ' + tasks.join(''));\n`;
    const cwd = place({ 'toy.ts': children + TOY_LOADER });
    const { stderr } = await runAt({ cwd }, '--loader', './toy.ts', './prog');
    expect(stderr).toBe('children: \n');
  });
});

describe('a loader of a #! line', () => {
  const hostile = plainLoader('hostile');
  const line = (options: string, interpreter: string = COMMAND) =>
    Buffer.concat([Buffer.from(`#!${interpreter} ${options}\n`), toyProgram()]);

  test.each([
    ['in one argument', '--loader ./toy.ts', COMMAND],
    ['by env', '-S run-foreign --loader ./toy.ts', '/usr/bin/env'],
    ['by env with quotes and --', '-S run-foreign "--loader=./toy.ts" --', '/usr/bin/env'],
    ['in another program of its place', '--loader other/toy.ts', COMMAND],
  ])('counts from the script and not from where it is started: %s', async (_, options, interpreter) => {
    const path = place({
      'toy.ts': TOY_LOADER,
      'other/toy.ts': TOY_LOADER,
      script: line(options, interpreter),
    });
    const cwd = place({ 'toy.ts': hostile, 'other/toy.ts': hostile });
    const env = { PATH: `${join(COMMAND, '..')}:${NODE_PATH}`, HOME: cwd };
    expect(await run(join(path, 'script'), [], { cwd, env })).toEqual(TOY_RUN);
    symlinkSync(join(path, 'script'), join(cwd, 'link'));
    expect(await run('./link', [], { cwd, env })).toEqual(TOY_RUN);
  });

  test('is not taken from the current directory where the script is not there to be read', async () => {
    const path = place({ script: line('--loader ./toy.ts') });
    const cwd = place({ 'toy.ts': hostile });
    const { status, stderr } = await run(join(path, 'script'), [], {
      cwd,
      env: { PATH: NODE_PATH, HOME: cwd },
    });
    expect(status).toBe(2);
    expect(stderr).toContain("the loader './toy.ts' cannot be read: ENOENT");
  });
});

describe('a package', () => {
  const NAME = 'run-foreign-loader-toy';
  const packed = (manifest: object, files: Readonly<Record<string, string>>, name = NAME) =>
    Object.fromEntries(
      Object.entries({
        'package.json': JSON.stringify({ name, version: '1.0.0', ...manifest }),
        ...files,
      }).map(([file, content]) => [`node_modules/${name}/${file}`, content]),
    );

  test.each([
    ['main of an ES module', { type: 'module', main: 'a.js' }, 'a.js', plainLoader('pack')],
    [
      'main of CommonJS',
      { main: './a' },
      'a.js',
      plainLoader('pack').replace('export default', 'exports.default ='),
    ],
    ['neither', {}, 'index.js', plainLoader('pack').replace('export default', 'module.exports =')],
    [
      'exports for import only',
      { type: 'module', exports: { import: './a.js' } },
      'a.js',
      plainLoader('pack'),
    ],
    ['exports by path', { exports: { '.': ['./a.mjs'] } }, 'a.mjs', plainLoader('pack')],
    ['exports of TypeScript', { type: 'module', exports: './a.ts' }, 'a.ts', plainLoader('pack')],
  ])('with %s is found from where it is typed', async (_, manifest, file, source) => {
    const cwd = place({ ...packed(manifest, { [file]: source }), 'below/prog': toyProgram() });
    for (const at of [cwd, join(cwd, 'below')])
      expect(asked((await runAt({ cwd: at }, '--loader', NAME, './prog')).stderr)).toBe('pack');
  });

  test('that Node imports itself runs its programs, and nothing else is said', async () => {
    const source = toyWithout('run-foreign/loader', join(ROOT, 'dist/loader.js'));
    const cwd = place(packed({ type: 'module', main: 'a.js' }, { 'a.js': source }));
    expect(await runAt({ cwd }, '--loader', NAME, './prog')).toEqual(TOY_RUN);
  });

  test('in TypeScript imports the contract without having it', async () => {
    const name = '@scope/run-foreign-loader-toy';
    const cwd = place(packed({ exports: './a.ts' }, { 'a.ts': TOY_LOADER }, name));
    expect(await runAt({ cwd }, '--loader', name, './prog')).toEqual(TOY_RUN);
  });

  test('is never loaded unless it is named, nor one of another name', async () => {
    const cwd = place({ ...packed({}, { 'index.js': plainLoader('x') }), ...packed({}, {}, 'other') });
    expect((await runAt({ cwd }, './prog')).stderr).toContain('is in no format');
    const { status, stderr } = await runAt({ cwd }, '--loader', 'other', './prog');
    expect([status, stderr]).toEqual([2, expect.stringContaining('neither a file nor a package')]);
  });

  test('named by the environment, or by a #! line, is not looked for in the current directory', async () => {
    const path = place({
      script: Buffer.concat([Buffer.from(`#!${COMMAND} --loader ${NAME}\n`), toyProgram()]),
    });
    const cwd = place(packed({ type: 'module', main: 'a.js' }, { 'a.js': plainLoader('pack') }));
    const named = await runAt({ cwd, env: { RUN_FOREIGN_LOADERS: NAME } }, './prog');
    expect([named.status, named.stderr]).toEqual([2, expect.stringContaining('is not installed')]);
    const line = await run(join(path, 'script'), [], { cwd, env: { PATH: NODE_PATH, HOME: cwd } });
    expect([line.status, line.stderr]).toEqual([2, expect.stringContaining('is not installed')]);
  });
});

describe('the configuration', () => {
  const config = (loaders: readonly string[]) => JSON.stringify({ loaders });
  const AT = '.config/run-foreign/run-foreign.config';

  test('names loaders from where it lies', async () => {
    const cwd = place({ [`${AT}.json`]: config(['./toy.ts']), '.config/run-foreign/toy.ts': TOY_LOADER });
    expect(await runAt({ cwd }, './prog')).toEqual(TOY_RUN);
    const elsewhere = place();
    const env = { HOME: '/nowhere', XDG_CONFIG_HOME: join(cwd, '.config') };
    expect(await runAt({ cwd: elsewhere, env }, './prog')).toEqual(TOY_RUN);
  });

  test('may be a script, which brings loaders itself', async () => {
    const script = `import toy from './toy.ts';\nexport default { loaders: [toy] };\n`;
    const cwd = place({ [`${AT}.js`]: script, '.config/run-foreign/toy.ts': TOY_LOADER });
    expect(await runAt({ cwd }, './prog')).toEqual(TOY_RUN);
  });

  test('is never the current directory’s', async () => {
    const cwd = place({
      'run-foreign.config.json': config(['./toy.ts']),
      'run-foreign/run-foreign.config.json': config(['./toy.ts']),
      'toy.ts': TOY_LOADER,
    });
    for (const env of [{ HOME: '/nowhere' }, { HOME: '.' }, { HOME: '', XDG_CONFIG_HOME: '.' }])
      expect((await runAt({ cwd, env }, './prog')).stderr).toContain('is in no format');
  });

  test.each([
    ['file', `${AT}.json`],
    ['directory', '.config/run-foreign'],
  ])('is not read when others may write its %s, and that is said', async (_, path) => {
    const cwd = place({ [`${AT}.json`]: config(['./toy.ts']), '.config/run-foreign/toy.ts': TOY_LOADER });
    chmodSync(join(cwd, path), 0o777);
    const { status, stderr } = await runAt({ cwd }, './prog');
    expect(status).toBe(126);
    expect(stderr).toContain('run-foreign.config.json is not read: ');
    expect(stderr).toContain('may be written by others (mode 777)');
  });

  test('is not read through a link that others could have put there', async () => {
    const cwd = place({
      'open/x': '',
      'mine/run-foreign.config.json': config(['./toy.ts']),
      'mine/toy.ts': TOY_LOADER,
    });
    mkdirSync(join(cwd, '.config'));
    symlinkSync(join(cwd, 'mine'), join(cwd, 'open/link'));
    symlinkSync(join(cwd, 'open/link'), join(cwd, '.config/run-foreign'));
    expect(await runAt({ cwd }, './prog')).toEqual(TOY_RUN);
    chmodSync(join(cwd, 'open'), 0o777);
    expect((await runAt({ cwd }, './prog')).stderr).toContain('open may be written by others');
  });

  test.each([
    ['{ "loaders": "x" }', 'is no configuration: loaders must be a list (it is "x")'],
    ['{ "loader": [] }', 'is no configuration: loader is no field; there is loaders'],
    ['{', 'is no JSON: '],
    ['[1]', 'is no configuration: it must be an object'],
    ['{ "loaders": [1] }', 'is no configuration: loaders[0] must be text'],
  ])('%s is wrong usage', async (text, message) => {
    const { status, stderr } = await runAt({ cwd: place({ [`${AT}.json`]: text }) }, './prog');
    expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  test('that fails or hangs is reported by name', async () => {
    const throwing = await runAt({ cwd: place({ [`${AT}.js`]: "throw new Error('oh')" }) }, './prog');
    expect(throwing.status).toBe(125);
    expect(throwing.stderr).toMatch(
      /run-foreign\.config\.js: fails: Error: oh \(.*run-foreign\.config\.js:1:/,
    );
    const env = { RUN_FOREIGN_LOADER_TIMEOUT: '0.5' };
    const hanging = await runAt({ cwd: place({ [`${AT}.js`]: 'for(;;);' }), env }, './prog');
    expect(hanging.status).toBe(125);
    expect(hanging.stderr).toContain('run-foreign.config.js hangs');
  });

  test('is there once', async () => {
    const cwd = place({ [`${AT}.js`]: 'module.exports = {}', [`${AT}.json`]: '{}' });
    expect((await runAt({ cwd }, './prog')).stderr).toContain('remove one of the two');
  });
});

describe('the order', () => {
  const files = {
    'a.js': plainLoader('one', "description: 'a'"),
    'b.js': plainLoader('one', "description: 'b'"),
    '.config/run-foreign/c.js': plainLoader('one', "description: 'c'"),
    '.config/run-foreign/run-foreign.config.json': '{ "loaders": ["./c.js"] }',
  };
  const description = async (cwd: string, env: Record<string, string>, ...options: readonly string[]) => {
    const { stdout } = await runAt({ cwd, env }, 'formats', '--json', ...options);
    return (JSON.parse(stdout) as { name: string; description: string }[]).find(({ name }) => name === 'one')
      ?.description;
  };

  test('is the command line, the environment, the configuration: the first of a name is asked', async () => {
    const cwd = place(files);
    const env = { RUN_FOREIGN_LOADERS: join(cwd, 'b.js') };
    expect(await description(cwd, env, '--loader', './a.js')).toBe('a');
    expect(await description(cwd, env)).toBe('b');
    expect(await description(cwd, {})).toBe('c');
    const { stderr } = await runAt({ cwd, env }, '--verbose', './prog');
    expect(stderr).toContain('the loader one in');
    expect(stderr).toContain('c.js is not asked: another has its name');
  });

  test('ends with our own: one of their name replaces it', async () => {
    const elf = plainLoader('elf', "probe: () => 'exact', load() { throw new Error('not ours'); }");
    const cwd = place({ 'elf.js': elf });
    const { status, stderr } = await runAt({ cwd }, '--loader', './elf.js', '/bin/true');
    expect(status).toBe(125);
    expect(stderr).toContain('/bin/true: the loader elf failed: Error: not ours (');
    expect((await runAt({ cwd }, '/bin/true')).status).toBe(0);
  });
});

describe('what was compiled is kept', () => {
  const entries = (cwd: string) => {
    const at = join(cwd, '.cache/run-foreign/loaders');
    return readdirSync(at).map((name) => join(at, name));
  };
  const two = { 'toy.ts': `import './part.ts';\n${TOY_LOADER}`, 'part.ts': "console.log('first');\n" };
  const start = (cwd: string, ...options: string[]) =>
    runAt({ cwd }, ...options, '--loader', './toy.ts', './prog');

  test('and used as long as no file of it has changed', async () => {
    const cwd = place(two);
    expect((await start(cwd)).stderr).toBe('first\n');
    const [entry = ''] = entries(cwd);
    const kept = readFileSync(entry, 'utf8');
    writeFileSync(entry, kept.replace('first', 'kept'));
    expect((await start(cwd)).stderr).toBe('kept\n');
    writeFileSync(join(cwd, 'part.ts'), "console.log('second');\n");
    expect((await start(cwd)).stderr).toBe('second\n');
    expect(entries(cwd)).toEqual([entry]);
  });

  test.each([
    ['cut', (text: string) => text.slice(0, text.length / 2)],
    ['of another version', (text: string) => text.replace('run-foreign ', 'run-foreign 9')],
    ['of no file', (text: string) => JSON.stringify({ ...JSON.parse(text), inputs: [], digests: [] })],
    ['without digests', (text: string) => JSON.stringify({ ...JSON.parse(text), digests: [] })],
  ])('but not an entry that is %s', async (_, spoil) => {
    const cwd = place(two);
    await start(cwd);
    const [entry = ''] = entries(cwd);
    writeFileSync(entry, spoil(readFileSync(entry, 'utf8').replace('first', 'poison')));
    expect(await start(cwd)).toEqual({ ...TOY_RUN, stderr: 'first\n' });
  });

  test('and not in a directory that is open to others, nor where there can be none', async () => {
    const open = place(two);
    await start(open);
    chmodSync(join(open, '.cache/run-foreign/loaders'), 0o755);
    const [entry = ''] = entries(open);
    writeFileSync(entry, readFileSync(entry, 'utf8').replace('first', 'poison'));
    expect((await start(open)).stderr).toBe('first\n');
    expect((await start(open, '--verbose')).stderr).toContain('is open to others (mode 755)');
    const full = place({ ...two, '.cache': 'no directory' });
    expect(await start(full)).toEqual({ ...TOY_RUN, stderr: 'first\n' });
  });

  test('and no home directory comes to be for it', async () => {
    const cwd = place(two);
    const env = { HOME: join(cwd, 'no-home') };
    const { stderr } = await runAt({ cwd, env }, '--verbose', '--loader', './toy.ts', './prog');
    expect(stderr).toContain('there is no home directory');
    expect(readdirSync(cwd)).not.toContain('no-home');
  });
});
