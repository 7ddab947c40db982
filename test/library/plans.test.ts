/** Plans and images to look at, and programs that come over a network. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadImage, planProgram, spawnForeign } from '../../src/index.ts';
import { sha256, type TestServer, testServer } from '../support/http-server.ts';
import { runForeign, SAMPLES } from '../support/run.ts';

const tally = readFileSync(join(SAMPLES, 'elf/x86_64/tally-static'));
let server: TestServer;
beforeAll(async () => {
  server = await testServer({ '/tally': tally });
});
afterAll(() => server.close());

test('a plan is what the command prints', async () => {
  const env = { PATH: dirname(process.execPath) };
  using plan = await planProgram('./aout/tally-qmagic', ['inputs/words.txt'], { cwd: SAMPLES, env });
  const { stdout } = await runForeign(['plan', './aout/tally-qmagic', 'inputs/words.txt'], { env });
  // The places of the stub and of the heap are random.
  const fixed = (text: string) => text.replace(/0x[0-9a-f]{5,}/g, 'N');
  expect(fixed(plan.text)).toBe(fixed(stdout));
  expect(plan.program).toBe('./aout/tally-qmagic');
  expect(plan.steps.at(-1)).toMatchObject({ op: 'jump', entry: { base: 'absolute', offset: 0x1020n } });
});

test('a plan of a handle has the arguments of its own', async () => {
  using image = await loadImage(tally, { name: 'tally' });
  using one = await planProgram(image, ['first']);
  using two = await planProgram(image, ['second'], { argv0: 'other' });
  expect(one.text).toMatch(/argv\[0\] .*"tally"\n.*argv\[1\] .*"first"\n/);
  expect(two.text).toMatch(/argv\[0\] .*"other"\n.*argv\[1\] .*"second"\n/);
});

test('a program from the network is started when it is what it must be', async () => {
  const url = new URL(`${server.url}/tally`);
  const network = { sha256: sha256(tally) };
  const { stdout } = await (await spawnForeign(url, ['/dev/null'], { network })).result;
  expect(stdout).toBe('0 0 0 /dev/null');
  const pinned = `${url}#sha256=${network.sha256}`;
  expect((await (await spawnForeign(pinned, ['/dev/null'])).result).stdout).toBe(stdout);
});

test('and not when it is something else', async () => {
  const url = `${server.url}/tally`;
  await expect(spawnForeign(url, [], { network: { sha256: '0'.repeat(64) } })).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
  });
  await expect(loadImage(url)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
});

test('it is fetched once for a handle', async () => {
  using image = await loadImage(`${server.url}/tally`, { network: { sha256: sha256(tally) } });
  const before = server.requests.length;
  await (await spawnForeign(image, ['/dev/null'])).result;
  const after = server.requests.length;
  await (await spawnForeign(image, ['/dev/null'])).result;
  expect(server.requests.length).toBe(after);
  expect(after - before).toBeLessThan(3);
});
