/** Nothing from a network without somebody to vouch for it: pins, signatures, and both. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { foreignError } from '../support/errors.ts';
import { fetchAll, openSmall, unlike } from '../support/http-client.ts';
import { sha256, type TestServer, testServer } from '../support/http-server.ts';
import { minisig, signingKey } from '../support/minisign.ts';
import { temporary } from '../support/run.ts';

const CONTENT = unlike(5000);
const PIN = sha256(CONTENT);
const WRONG = sha256(Buffer.from('another'));
const KEY = signingKey();

const directory = temporary();
let server: TestServer;
let url: string;
beforeAll(async () => {
  server = await testServer({ '/x': CONTENT });
  url = `${server.url}/x`;
});
beforeEach(() => {
  server.requests.length = 0;
  server.misbehave = undefined;
  server.files.set('/x.minisig', Buffer.from(minisig(CONTENT, KEY)));
});
afterAll(async () => {
  directory.remove();
  await server.close();
});

async function expectRefused(code: string, action: () => unknown): Promise<void> {
  expect(await foreignError(action)).toMatchObject({ code, exitCode: code === 'USAGE' ? 2 : 126 });
}

describe('before anything is sent', () => {
  test('neither pin nor key', async () => {
    const error = await foreignError(() => openSmall(url));
    expect(error).toMatchObject({ code: 'UNAUTHENTICATED', exitCode: 126, subject: url });
    expect(error.hint).toContain('sha256sum');
    expect(server.requests).toHaveLength(0);
  });

  test.each([
    ['two pins that disagree', `#sha256=${PIN}`, { sha256: WRONG }],
    ['a malformed pin', '', { sha256: 'abc' }],
    ['an empty pin', '', { sha256: '' }],
    ['a malformed key', `#sha256=${PIN}`, { verifyKey: `RW${'A'.repeat(53)}` }],
    ['a key file that is not there', '', { verifyKey: '/no/such/key' }],
    ['a key file that is a directory', '', { verifyKey: '/' }],
    ['an empty key', '', { verifyKey: '' }],
  ])('%s', async (_, fragment, options) => {
    await expectRefused('USAGE', () => openSmall(url + fragment, options));
    expect(server.requests).toHaveLength(0);
  });
});

describe('pins', () => {
  test('on the URL, as an option, or the same twice', async () => {
    expect(await fetchAll(`${url}#sha256=${PIN}`)).toEqual(CONTENT);
    expect(await fetchAll(url, { sha256: PIN.toUpperCase() })).toEqual(CONTENT);
    expect(await fetchAll(`${url}#sha256=${PIN}`, { sha256: PIN.toUpperCase() })).toEqual(CONTENT);
  });

  test('that do not fit', async () => {
    await expectRefused('UNAUTHENTICATED', () => fetchAll(`${url}#sha256=${WRONG}`));
  });

  test('any bit of the content matters', async () => {
    for (const at of [0, 1023, 1024, 4999]) {
      const changed = Buffer.from(CONTENT);
      changed[at] = (changed[at] ?? 0) ^ 1;
      server.files.set('/changed', changed);
      await expectRefused('UNAUTHENTICATED', () => fetchAll(`${server.url}/changed#sha256=${PIN}`));
    }
    for (const other of [CONTENT.subarray(0, -1), Buffer.concat([CONTENT, Buffer.alloc(1)])]) {
      server.files.set('/changed', other);
      await expectRefused('UNAUTHENTICATED', () => fetchAll(`${server.url}/changed#sha256=${PIN}`));
    }
  });
});

describe('signatures', () => {
  test.each(['Ed', 'ED'] as const)('%s', async (algorithm) => {
    server.files.set('/x.minisig', Buffer.from(minisig(CONTENT, KEY, { algorithm })));
    expect(await fetchAll(url, { verifyKey: KEY.text })).toEqual(CONTENT);
  });

  test('lie beside the URL, before its query', async () => {
    expect(await fetchAll(`${url}?token=1`, { verifyKey: KEY.text })).toEqual(CONTENT);
    expect(server.requests[0]?.path).toBe('/x.minisig?token=1');
  });

  test('by the key in a file', async () => {
    const file = join(directory.path, 'minisign.pub');
    writeFileSync(file, `untrusted comment: minisign public key\n${KEY.text}\n`);
    expect(await fetchAll(url, { verifyKey: file })).toEqual(CONTENT);
  });

  test('that are missing, wrong or by another key spare fetching the program', async () => {
    const signatures = [undefined, 'nonsense', minisig(CONTENT, signingKey()), 'x'.repeat(1 << 20)];
    for (const signature of signatures) {
      server.files.delete('/x.minisig');
      if (signature !== undefined) server.files.set('/x.minisig', Buffer.from(signature));
      await expectRefused('UNAUTHENTICATED', () => openSmall(url, { verifyKey: KEY.text }));
    }
    expect(new Set(server.requests.map(({ path }) => path))).toEqual(new Set(['/x.minisig']));
  });

  test('of other content', async () => {
    server.files.set('/x.minisig', Buffer.from(minisig(Buffer.from('other'), KEY)));
    await expectRefused('UNAUTHENTICATED', () => fetchAll(url, { verifyKey: KEY.text }));
  });

  test('do not replace a pin, nor a pin a signature', async () => {
    expect(await fetchAll(`${url}#sha256=${PIN}`, { verifyKey: KEY.text })).toEqual(CONTENT);
    await expectRefused('UNAUTHENTICATED', () => fetchAll(`${url}#sha256=${WRONG}`, { verifyKey: KEY.text }));
    server.files.set('/x.minisig', Buffer.from(minisig(Buffer.from('other'), KEY)));
    await expectRefused('UNAUTHENTICATED', () => fetchAll(`${url}#sha256=${PIN}`, { verifyKey: KEY.text }));
  });

  test('survive a cut, too', async () => {
    server.misbehave = ({ response, number }) => number === 0 && !!response.destroy();
    expect(await fetchAll(url, { verifyKey: KEY.text })).toEqual(CONTENT);
  });
});
