/** An installation works wherever it lies, however it is reached, and whoever starts it. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  asNobody,
  expectCommandWorks,
  LIBRARY_SAYS,
  libraryScript,
  openShop,
  type Shop,
} from '../support/installed.ts';
import { NODE_PATH, run, sh } from '../support/run.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
  await shop.npm('.', 'install', '-g', '--prefix', at('global'), '--ignore-scripts', 'run-foreign');
});
afterAll(async () => {
  // Node cannot remove what is behind a path that is too long.
  await sh('chmod -R u+w "$1"; rm -rf "$1/deeper"', [shop.path]);
  await shop.close();
});
const at = (...path: string[]) => join(shop.path, ...path);
const env = { PATH: NODE_PATH };
const starts =
  (command: string) =>
  (args: readonly string[], options = {}) =>
    run(command, args, { env, ...options });

/** The same installation once more, as `directory`/node_modules. */
async function installedAt(
  directory: string,
): Promise<{ command: string; samples: string; modules: string }> {
  mkdirSync(directory, { recursive: true });
  const modules = join(directory, 'node_modules');
  const { status, stderr } = await sh('cp -al "$1" "$2" 2> /dev/null || cp -a "$1" "$2"', [
    at('global/lib/node_modules'),
    modules,
  ]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const root = join(modules, 'run-foreign');
  return { command: join(root, 'dist/run-foreign'), samples: join(root, 'samples'), modules };
}

async function expectLibraryWorks(directory: string, samples: string): Promise<void> {
  for (const [extension, load] of [
    ['mjs', "await import('run-foreign')"],
    ['cjs', "require('run-foreign')"],
  ] as const) {
    const script = join(directory, `use.${extension}`);
    writeFileSync(script, libraryScript(load, samples));
    const outcome = await run(process.execPath, [script], { env });
    expect(outcome).toEqual({ status: 0, stdout: LIBRARY_SAYS, stderr: '' });
  }
}

describe('names of directories', () => {
  /** As long as a name may be. */
  const LONG = 'long'.repeat(60);
  /** What is left of PATH_MAX for files in the package and the packages it needs. */
  const ROOM = 260;

  test.each([
    ['spaces', 'a directory'],
    ['quotes', `it's a "directory"`],
    ['a newline', 'two\nlines'],
    ['letters that are not ASCII', 'größe 日本 😀'],
    ['what a URL has a meaning for', 'a%20b#c?d&e'],
    ['what a shell has a meaning for', '$HOME;*[a]{b}~'],
    ['what is an option elsewhere', '--jitless'],
  ])('with %s', async (_, name) => {
    const directory = at('named', name);
    const { command, samples } = await installedAt(directory);
    await expectCommandWorks(starts(command), samples);
    await expectLibraryWorks(directory, samples);
  });

  test('that make a path almost as long as one may be', async () => {
    let directory = at('deep');
    while (directory.length + LONG.length + 1 < 4096 - ROOM) directory = join(directory, LONG);
    directory = join(directory, 'x'.repeat(4096 - ROOM - 1 - directory.length));
    expect(directory.length).toBe(4096 - ROOM);
    const { command, samples } = await installedAt(directory);
    await expectCommandWorks(starts(command), samples);
    await expectLibraryWorks(directory, samples);
  });

  test('that make it longer than that are refused with one line', async () => {
    let directory = at('deeper');
    while (directory.length + LONG.length + 1 < 4090) directory = join(directory, LONG);
    mkdirSync(directory, { recursive: true });
    const script = `cd "$1" && mkdir -p "$2/dist" && cp "$3" "$2/dist" && exec "$2/dist/run-foreign" /bin/true`;
    const { status, stdout, stderr } = await sh(script, [directory, LONG, at('global/bin/run-foreign')], {
      env,
    });
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
    expect(stderr).toMatch(/^run-foreign: cannot read \/proc\/self\/exe.*ENAMETOOLONG\n$/);
  });
});

describe('symbolic links', () => {
  const command = () => at('global/bin/run-foreign');
  const samples = () => at('global/lib/node_modules/run-foreign/samples');

  test('a chain of them to the command', async () => {
    mkdirSync(at('links/elsewhere'), { recursive: true });
    symlinkSync(command(), at('links/one'));
    symlinkSync('../one', at('links/elsewhere/two'));
    symlinkSync('elsewhere/two', at('links/foreign'));
    await expectCommandWorks(starts(at('links/foreign')), samples());
  });

  test('node_modules that is one', async () => {
    mkdirSync(at('linked-modules'));
    symlinkSync(at('global/lib/node_modules'), at('linked-modules/node_modules'));
    const linked = at('linked-modules/node_modules/run-foreign');
    await expectCommandWorks(starts(join(linked, 'dist/run-foreign')), join(linked, 'samples'));
    await expectLibraryWorks(at('linked-modules'), join(linked, 'samples'));
  });

  test('the command as #! line, by its place and by env', async () => {
    for (const [name, line] of [
      ['by-place', `#!${command()}`],
      ['by-env', '#!/usr/bin/env run-foreign'],
    ] as const) {
      const script = `{ echo "$1"; cat "$2"; } > "$3" && chmod +x "$3" && exec "$3" "$4"`;
      const words = join(samples(), 'inputs/words.txt');
      const args = [line, join(samples(), 'elf/x86_64/tally-static'), at(name), words];
      const PATH = `${at('global/bin')}:${NODE_PATH}`;
      expect(await sh(script, args, { env: { PATH } })).toEqual({
        status: 0,
        stdout: `3 6 30 ${words}\n`,
        stderr: '',
      });
    }
  });
});

describe('Node', () => {
  const hello = () => [at('global/lib/node_modules/run-foreign/samples/elf/x86_64/hello-static')];
  const greeting = { status: 0, stdout: 'hello from elf x86_64 static\n', stderr: '' };

  test('as version managers have it: a link in a directory of its own', async () => {
    const bin = at('home/.nvm/versions/node/v20.20.2/bin');
    mkdirSync(bin, { recursive: true });
    symlinkSync(process.execPath, join(bin, 'node'));
    const command = at('global/bin/run-foreign');
    expect(await run(command, hello(), { env: { PATH: bin } })).toEqual(greeting);
  });

  test('as asdf has it: a script in its place', async () => {
    const shims = at('home/.asdf/shims');
    mkdirSync(shims, { recursive: true });
    writeFileSync(join(shims, 'node'), `#!/bin/sh\nexec "${process.execPath}" "$@"\n`, { mode: 0o755 });
    const command = at('global/bin/run-foreign');
    expect(await run(command, hello(), { env: { PATH: shims } })).toEqual(greeting);
  });

  test('that is too old is named', async () => {
    const old = at('old');
    mkdirSync(old);
    const script = `Object.defineProperty(process.versions, 'node', { value: '18.20.4' })`;
    writeFileSync(at('old/before.cjs'), script);
    const node = `#!/bin/sh\nexec "${process.execPath}" --require "${at('old/before.cjs')}" "$@"\n`;
    writeFileSync(join(old, 'node'), node, { mode: 0o755 });
    expect(await run(at('global/bin/run-foreign'), hello(), { env: { PATH: old } })).toEqual({
      status: 125,
      stdout: '',
      stderr: `run-foreign: needs Node.js 20.19, or 22.3 or newer, and ${process.execPath} is 18.20.4\n`,
    });
  });
});

describe('who starts it', () => {
  test('has no home, or one that is not there, or no environment at all', async () => {
    const command = at('global/bin/run-foreign');
    const samples = at('global/lib/node_modules/run-foreign/samples');
    for (const environment of [{ ...env, HOME: '/no/such/home' }, { ...env, HOME: '' }, env])
      await expectCommandWorks(starts(command), samples, { env: environment });
    // Where Node lies is then a question of luck.
    const outcome = await run(command, ['/bin/echo', 'ran'], { env: {} });
    expect(outcome).toEqual(
      ['/usr/local/bin', '/usr/bin', '/bin'].includes(dirname(process.execPath))
        ? { status: 0, stdout: 'ran\n', stderr: '' }
        : { status: 125, stdout: '', stderr: expect.stringContaining('there is no node in PATH') },
    );
  });

  test('may not write anything', async () => {
    const directory = at('read-only');
    mkdirSync(directory);
    await sh('cp -a "$1" "$2" && chmod -R a-w,a+rX "$2"', [
      at('global/lib/node_modules'),
      join(directory, 'node_modules'),
    ]);
    const root = join(directory, 'node_modules/run-foreign');
    const start = asNobody;
    await expectCommandWorks(
      (args, options) =>
        start === undefined
          ? starts(join(root, 'dist/run-foreign'))(args, options)
          : start([join(root, 'dist/run-foreign'), ...args], { env, ...options }),
      join(root, 'samples'),
      { cwd: join(root, 'samples/inputs') },
    );
    expect(basename(root)).toBe('run-foreign');
  });
});
