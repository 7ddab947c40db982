/** `run-foreign check`: its shape, single questions, and what an ordinary user can spoil and mend. */
import { chmodSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { checkDocument, checkResult } from '../support/checks.ts';
import { expectRefusal } from '../support/refusal.ts';
import {
  COMMAND,
  NODE_HALF,
  NODE_PATH,
  run,
  runForeign,
  SHELL_COMMAND,
  sh,
  temporary,
} from '../support/run.ts';

const IDS = [
  'pr-set-mm-map',
  'exe-fd',
  'pr-set-mm-fields',
  'lowest-mm-field',
  'memfd-exec',
  'programs-32',
  'map-zero',
  'aslr',
  'ptrace',
  'old-pid',
  'qemu',
  'java',
  'wasm',
  'gdb',
  'binfmt-misc',
  'start-cache',
  'koffi',
];

const directory = temporary();
afterAll(directory.remove);

describe('all of it', () => {
  test('--json has a stable shape, and advice for every no', async () => {
    const document = checkDocument(await runForeign(['check', '--json']));
    expect(document.checks.map(({ id }) => id)).toEqual(IDS);
    for (const { ok, advice, fix, found, neededFor } of document.checks) {
      expect(advice !== undefined).toBe(!ok);
      if (ok) expect(fix).toBe(undefined);
      // Who has no command says so.
      else if (fix === undefined)
        expect(advice).toMatch(
          /no command|nothing|is installed|container|booted|XDG_CACHE_HOME|pr-set-mm-map/,
        );
      expect(found).not.toBe('');
      expect(neededFor).not.toEqual([]);
    }
    const required = document.checks.filter((each) => each.required);
    // Where the calls by field do the same, nobody needs the map.
    const replaced = document.checks.some(({ id, ok }) => id === 'pr-set-mm-fields' && ok);
    expect(required.map(({ id }) => id)).toEqual([...(replaced ? [] : ['pr-set-mm-map']), 'memfd-exec']);
    expect(document.ok).toBe(required.every(({ ok }) => ok));
  });

  test('as text says yes or no, in 80 columns but for commands', async () => {
    const { stdout } = await runForeign(['check'], {
      env: { PATH: NODE_PATH, XDG_CACHE_HOME: '/no\x1b[31m' },
    });
    const lines = stdout.split('\n').filter((line) => !/^ +\$ /.test(line));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stdout.match(/^(yes|no ) {2}[a-z]/gm)?.length).toBe(IDS.length);
    expect(stdout).toMatch(/\n\nPrograms can(not)? be run here/);
    expect(stdout).not.toContain('\x1b');
  });
});

describe('some of it', () => {
  test('is only tried, in the order asked for, each once', async () => {
    const document = checkDocument(await runForeign(['check', 'koffi', '--json', 'aslr', 'koffi']));
    expect(document.checks.map(({ id }) => id)).toEqual(['koffi', 'aslr']);
  });

  test('decides about the exit status, required or not', async () => {
    const yes = await runForeign(['check', 'koffi']);
    expect(yes).toMatchObject({ status: 0, stdout: expect.stringMatching(/^yes {2}koffi .*\n$/) });
    // Nothing runs java where PATH does not lead to it.
    const bin = join(directory.path, 'bin');
    mkdirSync(bin);
    symlinkSync(process.execPath, join(bin, 'node'));
    const no = await runForeign(['check', 'koffi', 'java'], { env: { PATH: bin } });
    expect(no).toMatchObject({ status: 1, stdout: expect.stringMatching(/^no {3}java {2,}no java runs$/m) });
  });

  test.each([
    ['ptrase', /there is no check 'ptrase'; did you mean ptrace\? there are pr-set-mm-map, /],
    ['memfd', /did you mean memfd-exec\?/],
    ['__proto__', /there is no check '__proto__'; there are /],
    ['', /there is no check ''/],
    ['\x1b[2J', /there is no check '\?\[2J'/],
  ])('%j is none of it', async (id, line) => {
    expectRefusal(await runForeign(['check', 'aslr', id]), line, 2);
  });
});

/** Runs check with `id` under `env`; then the fix it has, and check again in the same shell. */
async function mended(id: string, env: Readonly<Record<string, string>>, under = '') {
  const options = { env: { PATH: NODE_PATH, SHELL: '/bin/sh', ...env } };
  const command = `${SHELL_COMMAND} check ${id} --json`;
  const before = checkResult(await sh(`${under} ${command}`, [], options));
  expect(before).toMatchObject({ ok: false });
  // What opens a shell is followed by what is typed there.
  const opensShell = before.fix?.includes('$SHELL') === true;
  const script = opensShell ? before.fix : `${before.fix}\n${command}`;
  const after = checkResult(
    await sh(`${under} /bin/sh -c "$1"`, [script ?? ''], { ...options, input: `${command}\n` }),
  );
  return { before, after };
}

describe('a no comes with the command that makes a yes of it', () => {
  test('addresses that are not random', async () => {
    const possible = await sh('setarch -R true');
    // No setarch, or not allowed here: then there is nothing to see.
    if (possible.status !== 0) return expect(possible.stderr).not.toBe('');
    const { before, after } = await mended('aslr', {}, 'setarch -R');
    expect(before.fix).toBe('setarch x86_64 "$SHELL"');
    expect(after.ok).toBe(true);
  });

  test('a cache that others may read', async () => {
    const cache = join(directory.path, 'it is open');
    const starts = join(cache, 'run-foreign/starts');
    mkdirSync(starts, { recursive: true });
    chmodSync(starts, 0o755);
    const { before, after } = await mended('start-cache', { XDG_CACHE_HOME: cache });
    expect(before).toMatchObject({
      found: expect.stringContaining('open to others'),
      fix: `chmod 700 '${starts}'`,
    });
    expect(after).toMatchObject({ ok: true, found: `0 starts are kept in ${starts}` });
  });

  test('no home directory', async () => {
    const { before, after } = await mended('start-cache', {});
    expect(before).toMatchObject({
      found: 'there is no home directory',
      fix: expect.stringMatching(/^export HOME=/),
    });
    expect(after.found).not.toBe('there is no home directory');
  });
});

test('a look at the cache makes no directory', async () => {
  const cache = join(directory.path, 'cache');
  mkdirSync(cache, { mode: 0o700 });
  const env = { PATH: NODE_PATH, XDG_CACHE_HOME: cache };
  const { ok, found } = checkResult(await runForeign(['check', 'start-cache', '--json'], { env }));
  expect({ ok, found }).toEqual({ ok: true, found: `0 starts are kept in ${cache}/run-foreign/starts` });
  expect(existsSync(join(cache, 'run-foreign'))).toBe(false);
  await runForeign(['elf/x86_64/hello-static'], { env });
  const kept = checkResult(await runForeign(['check', 'start-cache', '--json'], { env }));
  expect(kept.found).toBe(`1 start is kept in ${cache}/run-foreign/starts`);
});

test('without the launcher no start is kept', async () => {
  const env = { PATH: NODE_PATH, HOME: directory.path };
  const outcome = await run(process.execPath, [NODE_HALF, 'check', 'start-cache', '--json'], { env });
  expect(checkResult(outcome)).toMatchObject({ ok: false, found: 'started without the launcher' });
});

test('where koffi is missing, check says so, and what it could not try', async () => {
  const own = join(directory.path, 'alone');
  mkdirSync(own);
  const copied = await sh('cp -r "$1" "$2/dist" && cp "$1/../package.json" "$2"', [join(COMMAND, '..'), own]);
  expect(copied.status).toBe(0);
  const outcome = await run(join(own, 'dist/run-foreign'), ['check', 'koffi', 'exe-fd', 'wasm', '--json']);
  const { checks } = checkDocument(outcome);
  expect(checks.map(({ ok }) => ok)).toEqual([false, false, true]);
  expect(checks[0]).toMatchObject({
    found: expect.stringMatching(/^it cannot be loaded: Cannot find module 'koffi'/),
    fix: `npm install --prefix ${own} koffi`,
  });
  expect(checks[1]?.found).toMatch(/^could not be tried: /);
});
