/** The plain start path loads as little as possible: every package costs milliseconds at every start. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { NODE_HALF, temporary } from '../support/run.ts';

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

/** Loading is over when the program is not found. */
function loaded(args: readonly string[]): { packages: Set<string>; requests: Set<string>; stderr: string } {
  const child = spawnSync(process.execPath, ['--require', HOOK, NODE_HALF, ...args], {
    encoding: 'utf8',
    env: { NODE_DEBUG: 'esm' },
  });
  expect(child.status).toBe(127);
  const requests = [...child.stderr.matchAll(/^LOAD (.*)$/gm)].map(([, request = '']) => request);
  const named = requests.filter((request) => /^[a-z]/.test(request) && !isBuiltIn(request));
  return { packages: new Set(named), requests: new Set(requests), stderr: child.stderr };
}

function isBuiltIn(request: string): boolean {
  return request.startsWith('node:') || process.getBuiltinModule(request) !== undefined;
}

test('the plain path loads koffi and no other package', () => {
  const { packages, stderr } = loaded(['/no/such/program', '--verbose']);
  expect([...packages]).toEqual(['koffi']);
  expect(stderr).not.toContain('yargs');
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
  const child = spawnSync(process.execPath, ['--require', HOOK, NODE_HALF, 'http://127.0.0.1/x'], {
    encoding: 'utf8',
  });
  expect(child.status).toBe(126);
  for (const name of NETWORK) expect(child.stderr).toContain(`LOAD ${name}\n`);
});

test('with options yargs is loaded, so the test above would see it', () => {
  expect(loaded(['--verbose', '/no/such/program']).stderr).toContain('yargs');
});
