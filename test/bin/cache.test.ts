/** The command's compiled code: V8 takes what the build made, and the command does without what V8 does not take. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cacheFile, SCRIPT_NAMES, scriptFile } from '../../src/bin/script.ts';
import { COMMAND, ROOT, run, temporary } from '../support/run.ts';

const DIST = join(ROOT, 'dist');
const directory = temporary();
afterAll(directory.remove);

/** A copy of the command, whose caches can be spoiled. */
const own = join(directory.path, 'dist');
beforeAll(() => {
  mkdirSync(own);
  symlinkSync(join(ROOT, 'node_modules'), join(directory.path, 'node_modules'));
  for (const name of ['run-foreign', 'run-foreign.cjs', ...SCRIPT_NAMES.map(scriptFile)])
    copyFileSync(join(DIST, name), join(own, name));
});

/** Starts that need the script. */
const ARGS = { command: ['/bin/echo', 'ok'], further: ['--max-size=1G', '/bin/echo', 'ok'] };

describe.each(SCRIPT_NAMES)('%s', (name) => {
  const built = readFileSync(join(DIST, cacheFile(name)));
  const spoiled = join(own, cacheFile(name));

  /** Whether V8 takes a cache, in a process that has not compiled the script before. */
  async function isTaken(cache: string): Promise<boolean> {
    const script = `const [{ readFileSync }, { Script }] = [require('node:fs'), require('node:vm')];
    const [source, cachedData] = [readFileSync(process.argv[1], 'latin1'), readFileSync(process.argv[2])];
    console.log(new Script(source, { cachedData }).cachedDataRejected);`;
    const args = ['-e', script, join(DIST, scriptFile(name)), cache];
    const { stdout, stderr } = await run(process.execPath, args);
    expect({ stderr, stdout }).toEqual({ stderr: '', stdout: expect.stringMatching(/^(true|false)\n$/) });
    return stdout === 'false\n';
  }

  const start = () => run(join(own, 'run-foreign'), ARGS[name]);

  test('V8 takes what the build made', async () => {
    expect(await isTaken(join(DIST, cacheFile(name)))).toBe(true);
  });

  /** The second word of V8's header is a hash of its version. */
  function ofAnotherVersion(): Buffer {
    const other = Buffer.from(built);
    other.writeUInt32LE(built.readUInt32LE(4) ^ 1, 4);
    return other;
  }

  const SPOILED: readonly (readonly [string, Buffer])[] = [
    ['of another version of V8', ofAnotherVersion()],
    ['cut off', built.subarray(0, built.length / 2)],
    ['nothing but a few bytes', Buffer.alloc(3)],
  ];

  test.each(SPOILED)('a cache that is %s is set aside', async (_, cache) => {
    writeFileSync(spoiled, cache);
    expect(await isTaken(spoiled)).toBe(false);
    expect(await start()).toEqual({ status: 0, stdout: 'ok\n', stderr: '' });
  });

  test('the command starts without one', async () => {
    rmSync(spoiled, { force: true });
    expect(await start()).toEqual({ status: 0, stdout: 'ok\n', stderr: '' });
  });

  test('and where V8 may not compile to machine code, for which the cache was not made', async () => {
    const args = ['--jitless', '--no-expose-wasm', `${COMMAND}.cjs`, ...ARGS[name]];
    expect(await run(process.execPath, args)).toEqual({ status: 0, stdout: 'ok\n', stderr: '' });
  });
});
