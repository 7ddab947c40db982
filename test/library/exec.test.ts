/** execForeign: this process becomes the program, or is as it was before. */
import { afterAll, expect, test } from 'vitest';
import { project } from './built.ts';

const own = project();
afterAll(own.remove);

const become = (call: string, rest = '') => `
  const { execForeign, loadImage } = require('run-foreign');
  const { readdirSync } = require('node:fs');
  process.on('exit', () => console.log('exit'));
  (async () => {
    const open = () => readdirSync('/proc/self/fd').length;
    const before = open();
    try { await execForeign(${call}); }
    catch (error) { console.log(error.code, error.message, open() - before, process.cwd() === __dirname ${rest}); }
  })();
`;
const refused = (text: RegExp) => ({ status: 0, stdout: expect.stringMatching(text), stderr: '' });

test.each([
  ['a name in PATH', `'sh', ['-c', 'echo $$ $PPID "$0"; exit 4', 'zero']`, /^\d+ \d+ zero\n$/, 4],
  [
    'an a.out program',
    `process.env.SAMPLES + '/aout/tally-qmagic', ['words.txt'], { cwd: process.env.SAMPLES + '/inputs' }`,
    /^3 6 30 words.txt\n$/,
    0,
  ],
  [
    'bytes',
    `require('fs').readFileSync(process.env.SAMPLES + '/gzip/tally-static.gz'), ['/dev/null'], { name: 'x' }`,
    /^0 0 0 \/dev\/null\n$/,
    0,
  ],
  [
    'a handle of a packed program',
    `await loadImage(process.env.SAMPLES + '/gzip/tally-static.gz'), ['/dev/null']`,
    /^0 0 0 \/dev\/null\n$/,
    0,
  ],
  [
    'argv[0] and the environment',
    `'cat', ['/proc/self/cmdline', '/proc/self/environ'], { argv0: 'x', env: { A: '1', PATH: process.env.PATH } }`,
    /^x\0\/proc\/self\/cmdline\0\/proc\/self\/environ\0A=1\0PATH=/,
    0,
  ],
  ['a signal', `'sh', ['-c', 'kill -INT $$']`, /^$/, 'SIGINT'],
  ['signals as they were', `'grep', ['^Sig[BI]', '/proc/self/status']`, /^SigBlk:\t0+\nSigIgn:\t0+\n$/, 0],
])('becomes %s', async (_, call, stdout, status) => {
  const outcome = await own.script('become.cjs', become(call));
  expect(outcome.stderr).toBe('');
  expect(outcome).toMatchObject({ status, stdout: expect.stringMatching(stdout) });
});

test('keeps its PID and its standard streams', async () => {
  const script = become(`'sh', ['-c', 'echo $$; cat']`).replace(
    'const before',
    'console.log(process.pid); const before',
  );
  const { stdout } = await own.script('pid.cjs', script, { input: 'through\n' });
  const [pid, same, ...rest] = stdout.split('\n');
  expect(same).toBe(pid);
  expect(rest).toEqual(['through', '']);
});

test.each([
  ['a name that is not there', `'not-there'`, /^PROGRAM_NOT_FOUND .* 0 true\nexit\n$/],
  [
    'a directory that is not there',
    `'true', [], { cwd: '/not/there' }`,
    /^USAGE .*cannot be entered: ENOENT 0 true\nexit\n$/,
  ],
  [
    'arguments that are too long',
    `'true', Array(100).fill('x'.repeat(100000))`,
    /^TOO_BIG .* 0 true\nexit\n$/,
  ],
])('goes on after %s', async (_, call, text) => {
  expect(await own.script('refused.cjs', become(call))).toEqual(refused(text));
});

test('from a worker thread, too', async () => {
  const script = `
    const { Worker, isMainThread } = require('node:worker_threads');
    if (isMainThread) new Worker(__filename);
    else require('run-foreign').execForeign('grep', ['^Sig[BI]', '/proc/self/status']);
  `;
  const outcome = await own.script('worker.cjs', script);
  expect(outcome).toEqual({
    status: 0,
    stdout: 'SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n',
    stderr: '',
  });
});

test('as an ES module', async () => {
  const text = "import { execForeign } from 'run-foreign'; await execForeign('echo', ['became']);";
  expect(await own.script('become.mjs', text)).toEqual({ status: 0, stdout: 'became\n', stderr: '' });
});
