/** Ten thousand starts, and threads that start programs and end: as many descriptors are open afterwards as before. */
import { afterAll, expect, test } from 'vitest';
import { project } from './built.ts';

const own = project();
afterAll(own.remove);

const COMMON = `
  const { readdirSync, readFileSync } = require('node:fs');
  const { join } = require('node:path');
  const { spawnForeign, loadImage, planProgram } = require('run-foreign');
  const sample = (name) => join(process.env.SAMPLES, name);
  const open = () => readdirSync('/proc/self/fd').length;
  const start = async (...command) => {
    const child = await spawnForeign(...command);
    await new Promise((resolve) => child.on('close', resolve));
  };
  const each = async (count, width, action) => {
    let next = 0;
    const worker = async () => { while (next < count) await action(next++); };
    await Promise.all(Array.from({ length: width }, worker));
  };
`;

/** Says how many were open after some rounds, and after all. */
const counted = (body: string) => `${COMMON}
  (async () => {
    const round = async (count) => { ${body} };
    await round(64);
    const before = open();
    await round(Number(process.argv[2] ?? COUNT));
    console.log(open() - before);
  })();
`;

test.each([
  [
    'a program by its name',
    10_000,
    "await each(count, 16, () => start(sample('elf/x86_64/hello-static'), [], { stdio: 'ignore' }));",
  ],
  ['with pipes', 500, "await each(count, 4, () => start(sample('elf/x86_64/hello-static'), []));"],
  [
    'a packed program',
    300,
    "await each(count, 4, () => start(sample('gzip/tally-static.gz'), ['/'], { stdio: 'ignore' }));",
  ],
  [
    'a dynamic program by a handle',
    300,
    "const image = await loadImage('true'); await each(count, 4, () => start(image, [], { stdio: 'ignore' })); image.close();",
  ],
  [
    'starts that fail',
    500,
    "await each(count, 4, (i) => start(i % 2 ? 'not-there' : sample('elf/x86_64/hello-static'), [], { cwd: '/not/there', network: i % 3 ? {} : { sha256: '0'.repeat(64) } }).catch(() => {}));",
  ],
  [
    'bytes that are broken somewhere',
    500,
    "const bytes = readFileSync(sample('gzip/tally-static.gz')); await each(count, 4, (i) => { const broken = Buffer.from(bytes); broken[i * 5] ^= 0xff; return start(broken, ['/'], { stdio: 'ignore' }).catch(() => {}); });",
  ],
  [
    'plans',
    500,
    "await each(count, 4, async (i) => { const plan = await planProgram(i % 2 ? 'true' : sample('gzip/tally-static.gz')); plan.close(); });",
  ],
])('%s', { timeout: 180_000 }, async (_, count, body) => {
  const text = counted(body).replace('COUNT', String(count));
  const outcome = await own.script('starts.cjs', text, { timeout: 170_000 });
  expect(outcome).toEqual({ status: 0, stdout: '0\n', stderr: '' });
});

test('threads that end, by themselves or not', { timeout: 120_000 }, async () => {
  const text = `${COMMON}
    const { isMainThread, parentPort, Worker, workerData } = require('node:worker_threads');
    const work = async () => {
      const image = await loadImage(sample('gzip/tally-static.gz'));
      await each(20, 4, () => start(sample('elf/x86_64/hello-static'), [], { stdio: 'ignore' }));
      await each(4, 2, () => start(image, ['/'], { stdio: 'ignore' }));
      parentPort.postMessage('done');
      if (workerData === 'waits') setInterval(() => {}, 1000);
    };
    const round = async () => {
      await Promise.all(['ends', 'waits', 'ends', 'waits'].map(async (how) => {
        const worker = new Worker(__filename, { workerData: how });
        const ended = new Promise((resolve) => worker.on('exit', resolve));
        await new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject));
        if (how === 'waits') await worker.terminate();
        await ended;
      }));
    };
    if (!isMainThread) work();
    else (async () => {
      await round();
      const before = open();
      for (let i = 0; i < 3; i++) await round();
      console.log(open() - before);
    })();
  `;
  const outcome = await own.script('threads.cjs', text, { timeout: 110_000 });
  expect(outcome).toEqual({ status: 0, stdout: '0\n', stderr: '' });
});
