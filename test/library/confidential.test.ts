/** Sealed programs: the library keeps none confidential that it cannot, and reads no key for that. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadImage, planProgram, type Secrets, spawnForeign } from '../../src/index.ts';
import { prctl } from '../../src/native/libc.ts';
import { ROOT, SAMPLES, temporary } from '../support/run.ts';
import { keyPair, sealFor } from '../support/sealed.ts';
import { project } from './built.ts';

const PR_GET_DUMPABLE = 3;
const directory = temporary();
const own = project();
afterAll(() => {
  directory.remove();
  own.remove();
});
const key = await keyPair();
const plain = readFileSync(join(SAMPLES, 'elf/x86_64/hello-static'));
const sealed = directory.file('sealed', await sealFor(plain, key.recipient));

let asked = 0;
const secrets: Secrets = {
  async identities() {
    asked++;
    return [{ name: 'key', bytes: Buffer.from(`${key.secret}\n`) }];
  },
  passphrase: () => Promise.reject(new Error('nobody to ask')),
};
const refusal = {
  code: 'UNSUPPORTED',
  message: expect.stringContaining('confidential'),
  hint: expect.stringContaining('run-foreign'),
};

test.each([
  ['spawnForeign', () => spawnForeign(sealed, [], { secrets })],
  ['loadImage', () => loadImage(sealed, { secrets })],
  ['planProgram', () => planProgram(sealed, [], { secrets })],
  ['confidential: true', () => spawnForeign(sealed, [], { secrets, confidential: true })],
  ['without secrets', () => spawnForeign(sealed)],
])('%s refuses them before a key is read', async (_, attempt) => {
  await expect(attempt()).rejects.toMatchObject(refusal);
  expect(asked).toBe(0);
  expect(prctl(PR_GET_DUMPABLE)).toBe(1);
});

test('confidential: false starts them, and leaves this process as it is', async () => {
  const options = { secrets, confidential: false };
  const { stdout } = await (await spawnForeign(sealed, [], options)).result;
  expect(stdout).toBe((await (await spawnForeign(plain)).result).stdout);
  using image = await loadImage(sealed, options);
  for (const _ of [1, 2]) expect((await (await spawnForeign(image)).result).stdout).toBe(stdout);
  expect(prctl(PR_GET_DUMPABLE)).toBe(1);
});

test('execForeign starts them, and closes its process before keys are read', async () => {
  const script = `
    const { execForeign } = require('run-foreign');
    const koffi = require(process.env.KOFFI);
    const prctl = koffi.load(null).func('int prctl(int option, ulong a, ulong b, ulong c, ulong d)');
    const dumpable = () => prctl(${PR_GET_DUMPABLE}, 0, 0, 0, 0);
    console.log(dumpable());
    execForeign(process.env.PROGRAM, [], { secrets: {
      async identities() {
        console.log(dumpable());
        return [{ name: 'key', bytes: Buffer.from(process.env.KEY + '\\n') }];
      },
    } });
  `;
  const env = { PROGRAM: sealed, KEY: key.secret, KOFFI: join(ROOT, 'node_modules/koffi') };
  const { stdout } = await (await spawnForeign(plain, [], { stripFinalNewline: false })).result;
  expect(await own.script('sealed.cjs', script, { env })).toEqual({
    status: 0,
    stdout: `1\n0\n${stdout}`,
    stderr: '',
  });
});
