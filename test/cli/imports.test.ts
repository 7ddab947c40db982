/** The plain start path loads as little as possible: every package costs milliseconds at every start. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { scriptFile } from '../../src/bin/script.ts';
import { MESSAGE } from '../../src/launcher/protocol.ts';
import { zstdFrame } from '../support/packed.ts';
import { COMMAND, NODE_HALF, run, temporary } from '../support/run.ts';
import { keyPair, sealFor } from '../support/sealed.ts';

const directory = temporary();
afterAll(directory.remove);

/** Says on stderr which packages and built-in modules are asked for, before Node looks for them. */
const HOOK = join(directory.path, 'hook.cjs');
writeFileSync(
  HOOK,
  `const Module = require('node:module');
const fs = require('node:fs');
const load = Module._load;
Module._load = function (request, parent, ...rest) {
  fs.writeSync(2, 'LOAD ' + request + '\\n');
  return load.call(this, request, parent, ...rest);
};
`,
);

/** The built-in module that a start loads: each costs part of a millisecond. */
const ADDED = ['NativeModule vm'];

/** Loading is over when the program is not found, or none that can be run. */
function loaded(
  args: readonly string[],
  status = 127,
  env: Readonly<Record<string, string>> = {},
): { packages: Set<string>; requests: Set<string>; stderr: string } {
  const child = spawnSync(process.execPath, ['--require', HOOK, NODE_HALF, ...args], {
    encoding: 'utf8',
    env: { NODE_DEBUG: 'esm', ...env },
  });
  expect(child.status).toBe(status);
  const requests = [...child.stderr.matchAll(/^LOAD (.*)$/gm)].map(([, request = '']) => request);
  const named = requests.filter((request) => /^[a-z]/.test(request) && !isBuiltIn(request));
  return { packages: new Set(named), requests: new Set(requests), stderr: child.stderr };
}

function isBuiltIn(request: string): boolean {
  return request.startsWith('node:') || process.getBuiltinModule(request) !== undefined;
}

test('the plain path loads no package', () => {
  expect([...loaded(['/no/such/program', '--verbose']).packages]).toEqual([]);
});

test('the plain path reads one script; options, commands and URLs need the other', async () => {
  const own = join(directory.path, 'half');
  mkdirSync(own);
  for (const name of ['run-foreign', 'run-foreign.cjs', scriptFile('command')])
    copyFileSync(join(COMMAND, '..', name), join(own, name));
  const start = (...args: string[]) => run(join(own, 'run-foreign'), args);
  expect(await start('/bin/echo', 'ok')).toEqual({ status: 0, stdout: 'ok\n', stderr: '' });
  expect(await start('/no/such/program')).toMatchObject({ status: 127 });
  for (const args of [['--verbose', '/bin/true'], ['inspect', '/bin/true'], ['http://127.0.0.1:1/x']]) {
    const { status, stderr } = await start(...args);
    expect(status).toBe(125);
    expect(stderr).toContain(scriptFile('further'));
  }
});

test('koffi is loaded where there is no launcher, through its public import', () => {
  const { packages } = loaded(['/bin/true'], 0);
  expect(packages).toContain('koffi');
});

test('for a start one module is loaded that Node itself has not loaded, and no package', async () => {
  const own = join(directory.path, 'dist');
  mkdirSync(own);
  copyFileSync(COMMAND, join(own, 'run-foreign'));
  const counted = `process.moduleLoadList.filter((name) => /^NativeModule (?!internal)/.test(name))`;
  writeFileSync(
    join(own, 'run-foreign.cjs'),
    `require(${JSON.stringify(HOOK)});
    const before = new Set(${counted});
    const fs = require('node:fs');
    const { writeSync } = fs;
    fs.writeSync = (fd, bytes, ...rest) => {
      const added = ${counted}.filter((name) => !before.has(name));
      if (bytes.length === ${MESSAGE.start}) writeSync(2, JSON.stringify(added));
      return writeSync(fd, bytes, ...rest);
    };
    require(${JSON.stringify(NODE_HALF)});`,
  );
  const { status, stderr } = await run(join(own, 'run-foreign'), ['/bin/true']);
  expect(status).toBe(0);
  const requests = [...stderr.matchAll(/^LOAD (.*)$/gm)].map(([, request = '']) => request);
  expect(requests.filter((request) => !isBuiltIn(request) && request !== NODE_HALF)).toEqual([]);
  expect(JSON.parse(stderr.slice(stderr.lastIndexOf('[')))).toEqual(ADDED);
});

/** What programs from the network need. */
const NETWORK = ['node:http', 'node:https', 'node:tls', 'node:crypto'];

test('nothing for the network is loaded for a program on this machine', () => {
  for (const args of [['/no/such/program'], ['--verbose', '/no/such/program']]) {
    const { requests } = loaded(args);
    expect(NETWORK.filter((name) => requests.has(name) || requests.has(name.slice(5)))).toEqual([]);
  }
});

test('with a URL it is, so the test above would see it', () => {
  // Nobody answers at this port.
  const { requests } = loaded([`https://127.0.0.1:1/x#sha256=${'0'.repeat(64)}`], 126);
  expect(NETWORK.filter((name) => requests.has(name))).toEqual(NETWORK);
});

/** What only packed programs and manifests need: a decoder, and what unpacks in Node itself. */
const UNPACKERS = ['node:zlib', 'manifest-decoder', 'xz-decoder', 'zstd-decoder'];
const nothing = 'no program';

test.each([
  ['a plain file', nothing, []],
  ['gzip', gzipSync(nothing), ['node:zlib']],
  ['zstd', zstdFrame([{ raw: Buffer.from(nothing) }]), ['zstd-decoder']],
  ['another JSON file', '{ "name": "run-foreign" }', []],
  ['a manifest in no JSON', '{ "run-foreign": 1, "program": x }', []],
  ['a manifest', '{ "run-foreign": 1, "program": "a-plain-file" }', ['manifest-decoder']],
] as const)('for %s only its own unpacker is loaded', (name, bytes, expected) => {
  const path = join(directory.path, name.replaceAll(' ', '-'));
  writeFileSync(path, bytes, { mode: 0o755 });
  const { stderr } = loaded([path], 126);
  expect(UNPACKERS.filter((each) => stderr.includes(each))).toEqual(expected);
});

/** What only sealed programs need. */
const UNSEALERS = ['age-decoder', 'node:crypto', 'node:worker_threads', 'node:timers/promises'];

test('nothing that opens sealed programs is loaded for others, also when there is a key', () => {
  for (const args of [['/no/such/program'], ['-i', '/no/key', '/no/such/program']]) {
    const { stderr } = loaded(args);
    expect(UNSEALERS.filter((name) => stderr.includes(`LOAD ${name}`))).toEqual([]);
  }
});

test('for a sealed one it is, so the test above would see it', async () => {
  const { secret, recipient } = await keyPair();
  const [path, key] = [join(directory.path, 'sealed'), join(directory.path, 'key')];
  writeFileSync(path, await sealFor(Buffer.from(nothing), recipient), { mode: 0o755 });
  writeFileSync(key, secret, { mode: 0o600 });
  const { stderr } = loaded(['-i', key, path], 126);
  expect(UNSEALERS.filter((name) => stderr.includes(name))).toContain('node:crypto');
  expect(stderr).toContain('age-decoder');
});

test('a compiler is loaded for a loader that has changed, and for no other', () => {
  const loader = join(directory.path, 'loader.ts');
  const source = (name: string) => `export default { name: '${name}', apiVersion: 1, kind: 'program',
    description: '', magics: [], probe: () => null, load() {} };`;
  const isCompiled = (args: readonly string[]) =>
    loaded(args, 127, { XDG_CACHE_HOME: directory.path }).packages.has('esbuild');
  const start = ['--loader', loader, '/no/such/program'];
  writeFileSync(loader, source('one'));
  expect([isCompiled(start), isCompiled(start)]).toEqual([true, false]);
  writeFileSync(loader, source('two'));
  expect([isCompiled(start), isCompiled(start)]).toEqual([true, false]);
  expect(isCompiled(['--verbose', '/no/such/program'])).toBe(false);
});
