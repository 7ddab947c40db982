/** The thread that helps to decrypt large programs may fail as it likes: the program starts all the same, or not at all. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Installation, installAt } from '../support/installation.ts';
import { sampleBytes } from '../support/packed.ts';
import { run, SAMPLES, temporary } from '../support/run.ts';
import { keyPair, payloadAt, SEALED_CHUNK_SIZE, sealFor } from '../support/sealed.ts';

const directory = temporary();
afterAll(() => directory.remove());
const at = (name: string) => join(directory.path, name);

let installation: Installation;
let built: string;

beforeAll(async () => {
  installation = installAt(directory.path, []);
  built = readFileSync(at('dist/age-worker.cjs'), 'utf8');
  const { secret, recipient } = await keyPair();
  const large = Buffer.concat([sampleBytes('elf/x86_64/tally-static'), Buffer.alloc(20 * 2 ** 20)]);
  const sealed = await sealFor(large, recipient);
  writeFileSync(at('key.txt'), secret);
  writeFileSync(at('large'), sealed, { mode: 0o755 });
  const inside = payloadAt(sealed) + 100 * SEALED_CHUNK_SIZE;
  sealed[inside] = (sealed[inside] ?? 0) ^ 1;
  writeFileSync(at('damaged'), sealed, { mode: 0o755 });
});

const HEAD = "const { parentPort, workerData: { control } } = require('node:worker_threads');\n";
/** 0 and 2 of the control memory are the next chunk to take, and how many are done (loaders/age/share.ts). */
const WORKERS: readonly [string, () => string][] = [
  ['as it was built', () => built],
  ['that cannot start', () => "throw new Error('no')"],
  ['that ends at once', () => 'process.exit(3)'],
  ['that does nothing', () => 'setInterval(() => {}, 1e9)'],
  [
    'that ends with a chunk in its hands',
    () => `${HEAD}parentPort.on('message', () => { Atomics.add(control, 0, 1); process.exit(1); });`,
  ],
];

const start = (name: string) =>
  run(installation.command, ['-i', at('key.txt'), at(name), 'inputs/words.txt'], {
    env: installation.environment,
    cwd: SAMPLES,
  });

test.each(WORKERS)('a second thread %s', async (_, worker) => {
  writeFileSync(at('dist/age-worker.cjs'), worker());
  expect(await start('large')).toEqual({ status: 0, stdout: '3 6 30 inputs/words.txt\n', stderr: '' });
  const { status, stdout, stderr } = await start('damaged');
  expect(stderr).toMatch(/^run-foreign: [^\n]*chunk = 101 of 321\)\n$/);
  expect({ status, stdout }).toEqual({ status: 126, stdout: '' });
});
