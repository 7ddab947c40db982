/** https, with certificates that openssl made: whom it trusts, and what it does not follow. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { sha256, type TestServer, testServer } from '../support/http-server.ts';
import { NODE_HALF, NODE_PATH, type Outcome, run, runForeign, SAMPLES, temporary } from '../support/run.ts';

const directory = temporary();
const at = (name: string) => join(directory.path, name);
const HELLO = readFileSync(join(SAMPLES, 'elf/x86_64/hello-static'));
const EXPECTED = { status: 0, stdout: 'hello from elf x86_64 static\n', stderr: '' };

let plain: TestServer;
let secure: https.Server;
let port: number;
let url: string;

beforeAll(async () => {
  certificate('good', 'IP:127.0.0.1');
  certificate('other', 'DNS:other.example');
  plain = await testServer({ '/hello': HELLO });
  const files = { key: readFileSync(at('good.key')), cert: readFileSync(at('good.pem')) };
  secure = https.createServer(files, plain.listener);
  await new Promise<void>((resolve) => {
    secure.listen(0, '127.0.0.1', resolve);
  });
  port = (secure.address() as AddressInfo).port;
  url = `https://127.0.0.1:${port}/hello#sha256=${sha256(HELLO)}`;
});
beforeEach(() => {
  plain.misbehave = undefined;
  plain.requests.length = 0;
});
afterAll(async () => {
  directory.remove();
  secure.closeAllConnections();
  secure.close();
  await plain.close();
});

function certificate(name: string, subject: string): void {
  const files = ['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)];
  const what = ['-subj', '/CN=test', '-addext', `subjectAltName=${subject}`, '-days', '2'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...files, ...what], { stdio: 'ignore' });
}

const trusting = (name: string, more: Record<string, string> = {}) => ({
  env: { PATH: NODE_PATH, NODE_EXTRA_CA_CERTS: at(name), ...more },
});

function expectRefused({ status, stdout, stderr }: Outcome, text: string): void {
  expect({ status, stdout }).toEqual({ status: 126, stdout: '' });
  expect(stderr).toMatch(/^run-foreign: https:[^\n]*\n$/);
  expect(stderr).toContain(text);
}

test('certificates in NODE_EXTRA_CA_CERTS are trusted, with the launcher and without', async () => {
  expect(await runForeign([url], trusting('good.pem'))).toEqual(EXPECTED);
  expect(await run(process.execPath, [NODE_HALF, url], trusting('good.pem'))).toEqual(EXPECTED);
});

test("the caller's variable counts, not the one that is set for the program", async () => {
  const set = ['--env', 'NODE_EXTRA_CA_CERTS=/none'];
  expect(await runForeign([...set, url], trusting('good.pem'))).toEqual(EXPECTED);
});

test('other certificates are not trusted, whatever the environment says', async () => {
  expectRefused(await runForeign([url]), 'DEPTH_ZERO_SELF_SIGNED_CERT');
  expectRefused(await runForeign([url], trusting('other.pem')), 'DEPTH_ZERO_SELF_SIGNED_CERT');
  const env = { PATH: NODE_PATH, NODE_TLS_REJECT_UNAUTHORIZED: '0' };
  expectRefused(await runForeign([url], { env }), 'DEPTH_ZERO_SELF_SIGNED_CERT');
  const direct = await run(process.execPath, [NODE_HALF, url], { env });
  expect(direct.status).toBe(126);
  expect(plain.requests).toHaveLength(0);
});

test('a certificate of another host', async () => {
  const files = { key: readFileSync(at('other.key')), cert: readFileSync(at('other.pem')) };
  secure.setSecureContext(files);
  try {
    expectRefused(await runForeign([url], trusting('other.pem')), 'ERR_TLS_CERT_ALTNAME_INVALID');
  } finally {
    secure.setSecureContext({ key: readFileSync(at('good.key')), cert: readFileSync(at('good.pem')) });
  }
});

test('a file of certificates that is missing or holds none', async () => {
  expectRefused(await runForeign([url], trusting('none.pem')), 'ENOENT');
  expectRefused(await runForeign([url], trusting('good.key')), 'https');
});

test('no redirect leads from https to http, but from http to https', async () => {
  plain.misbehave = ({ response, number }) =>
    number === 0 && !!response.writeHead(302, { Location: `${plain.url}/hello` }).end();
  expectRefused(await runForeign([url], trusting('good.pem')), 'from https to http');
  expect(plain.requests).toHaveLength(1);
  plain.requests.length = 0;
  plain.misbehave = ({ response, number }) =>
    number === 0 && !!response.writeHead(302, { Location: `https://127.0.0.1:${port}/hello` }).end();
  const start = `${plain.url}/start#sha256=${sha256(HELLO)}`;
  expect(await runForeign([start], trusting('good.pem'))).toEqual(EXPECTED);
});

test('where no page may be writable and executable, so that Node runs without its compiler', async () => {
  const { status, stderr } = await run(
    process.execPath,
    ['--jitless', '--no-expose-wasm', NODE_HALF, 'inspect', url],
    trusting('good.pem'),
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
