/** The library as its users have it: what the build makes, in a Node of their own. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sampleBytes } from '../support/packed.ts';
import { NODE_PATH, ROOT, run } from '../support/run.ts';

/** Becomes the program whose bytes come on standard input, as base64. */
const SCRIPT = `
  import { readFileSync } from 'node:fs';
  const library = await import(process.env.LIBRARY);
  const bytes = Buffer.from(readFileSync(0, 'latin1'), 'base64');
  const plan = await library.prepareProgram({
    name: Buffer.from('from-a-buffer'),
    source: library.memorySource(bytes, 'a buffer'),
    args: [Buffer.from('inputs/words.txt')],
    envp: [],
    loaders: library.builtinLoaders,
  }).then(({ plan }) => plan);
  await library.startPlan(plan, { say() {}, progress() {}, starting() {} });
`;

test.each(['elf/x86_64/tally-static', 'elf/x86_64/tally-dynamic-pie', 'xz/tally-dynamic-pie.xz'])(
  'a buffer with %s becomes the process',
  async (sample) => {
    const outcome = await run(process.execPath, ['--input-type=module', '--eval', SCRIPT], {
      env: { PATH: NODE_PATH, LIBRARY: join(ROOT, 'dist/index.js') },
      input: Buffer.from(sampleBytes(sample)).toString('base64'),
    });
    expect(outcome).toEqual({ status: 0, stdout: '3 6 30 inputs/words.txt\n', stderr: '' });
  },
);

test('a WebAssembly file becomes the process: the library finds what runs it', async () => {
  const script = SCRIPT.replace(/source: .*/, '').replace("'from-a-buffer'", "'wasm/hello'");
  const outcome = await run(process.execPath, ['--input-type=module', '--eval', script], {
    env: { PATH: NODE_PATH, LIBRARY: join(ROOT, 'dist/index.js') },
  });
  expect(outcome).toEqual({ status: 0, stdout: 'hello from WebAssembly\n', stderr: '' });
});

test('a buffer that is no program is an error with a code, and the process goes on', async () => {
  const script = SCRIPT.replace(/await library\.startPlan.*$/m, '').replace(
    '.then(',
    '.catch((error) => { console.log(error.code, error.message); process.exit(0); }).then(',
  );
  const { status, stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], {
    env: { PATH: NODE_PATH, LIBRARY: join(ROOT, 'dist/index.js') },
    input: Buffer.from('no program').toString('base64'),
  });
  expect(stdout).toMatch(/^UNKNOWN_FORMAT is in no format/);
  expect(status).toBe(0);
});
