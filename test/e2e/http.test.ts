/** Programs from a server on the loopback address, run, planned, inspected and refused by the real command. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { serve, sha256, type TestServer, testServer } from '../support/http-server.ts';
import { minisig, signingKey } from '../support/minisign.ts';
import { NODE_HALF, NODE_PATH, run, runForeign, SAMPLES, temporary } from '../support/run.ts';
import { samples } from './sample-runs.ts';

const directory = temporary();
afterAll(directory.remove);

let server: TestServer;
beforeEach(async () => {
  server = await testServer();
});
afterEach(() => server.close());

const read = (file: string) => readFileSync(join(SAMPLES, file));

/** Serves a file as `name` and returns its pinned URL. */
function offer(name: string, bytes: Buffer): string {
  server.files.set(`/${name}`, bytes);
  return `${server.url}/${name}#sha256=${sha256(bytes)}`;
}

async function expectRefused(args: readonly string[], text: string, status = 126): Promise<void> {
  const outcome = await runForeign(args);
  expect(outcome).toMatchObject({ status, stdout: '' });
  expect(outcome.stderr).toMatch(/^run-foreign: [^\n]*\n$/);
  expect(outcome.stderr).toContain(text);
}

describe('runs', () => {
  test.each([
    ['elf/x86_64/tally-static'],
    ['elf/x86_64/hello-dynamic-pie'],
    ['elf/x86_64/tally-static-pie'],
    ['elf/i386/tally-static'],
  ])('%s as samples.json says', async (file) => {
    const sample = samples.find((each) => each.file === file);
    const url = offer('program', read(file));
    for (const { args, env, stdin, stdout, stderr, status } of sample?.runs ?? []) {
      // The name it gave its own messages when it was a file.
      const argv0 = ['--argv0', file];
      expect(
        await runForeign([...argv0, url, ...args], { env: { PATH: NODE_PATH, ...env }, input: stdin }),
      ).toEqual({
        stdout,
        stderr,
        status,
      });
    }
    expect(sample?.runs.length).toBeGreaterThan(0);
  });

  test('without the launcher, and on the plain path', async () => {
    const url = offer('hello', read('elf/x86_64/hello-static'));
    const expected = { status: 0, stdout: 'hello from elf x86_64 static\n', stderr: '' };
    expect(await runForeign([url])).toEqual(expected);
    expect(await run(process.execPath, [NODE_HALF, url])).toEqual(expected);
  });

  test('with a pin or a key as an option, or in the environment', async () => {
    const bytes = read('elf/x86_64/hello-static');
    offer('hello', bytes);
    const key = signingKey();
    server.files.set('/hello.minisig', Buffer.from(minisig(bytes, key)));
    const file = join(directory.path, 'key.pub');
    writeFileSync(file, `untrusted comment: x\n${key.text}\n`);
    const url = `HTTP${server.url.slice(4)}/hello`;
    const ways: [string[], Record<string, string>][] = [
      [['--sha256', sha256(bytes), url], {}],
      [['--verify-key', key.text, url], {}],
      [['--verify-key', file, url], {}],
      [[url], { RUN_FOREIGN_SHA256: sha256(bytes) }],
      [[url], { RUN_FOREIGN_VERIFY_KEY: key.text }],
    ];
    for (const [args, env] of ways)
      expect(await runForeign(args, { env: { PATH: NODE_PATH, ...env } })).toMatchObject({
        status: 0,
        stderr: '',
      });
  });

  test('the program is called by the last part of the path, and finds no URL in its arguments', async () => {
    const url = offer('tools/cat', readFileSync('/bin/cat')).replace('#', '?token=secret#');
    const { stdout } = await runForeign([url, '/proc/self/cmdline', '/proc/self/comm']);
    expect(stdout).toBe('cat\0/proc/self/cmdline\0/proc/self/comm\0cat\n');
  });

  test('a program behind a #! line that names run-foreign', async () => {
    const bytes = Buffer.concat([Buffer.from('#!/usr/bin/run-foreign\n'), read('elf/x86_64/hello-static')]);
    expect(await runForeign([offer('wrapped', bytes)])).toMatchObject({ status: 0 });
  });

  test('after a cut', async () => {
    server.misbehave = ({ response, number }, bytes) => {
      if (number > 0) return false;
      const contentRange = `bytes 0-${bytes.length - 1}/${bytes.length}`;
      response.writeHead(206, { 'Content-Range': contentRange, ETag: '"one"' });
      response.write(bytes.subarray(0, 100), () => setTimeout(() => response.destroy(), 5));
      return true;
    };
    const url = offer('hello', read('elf/x86_64/hello-static'));
    expect(await runForeign([url])).toMatchObject({ status: 0, stderr: '' });
    expect(server.requests).toHaveLength(2);
  });
});

describe('plan and inspect', () => {
  test('work, and show no secret', async () => {
    const url = offer('hello', read('elf/x86_64/hello-dynamic-pie')).replace('#', '?token=secret#');
    for (const command of ['plan', 'inspect']) {
      for (const json of [[], ['--json']]) {
        const { status, stdout, stderr } = await runForeign([command, ...json, url]);
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        expect(stdout).toContain(`${server.url}/hello?...`);
        expect(stdout).not.toContain('secret');
      }
    }
  });

  test('of nothing that is not what it is pinned to', async () => {
    const url = offer('hello', read('elf/x86_64/hello-static'));
    server.files.set('/hello', read('elf/x86_64/hello-static-pie'));
    for (const command of ['plan', 'inspect']) await expectRefused([command, url], 'SHA-256');
  });
});

describe('is refused', () => {
  test('without a pin, and then nothing is sent', async () => {
    offer('hello', read('elf/x86_64/hello-static'));
    for (const command of [[], ['plan'], ['inspect']])
      await expectRefused([...command, `${server.url}/hello`], 'sha256sum');
    expect(server.requests).toHaveLength(0);
  });

  test('with a wrong pin, in one line, and does not run', async () => {
    const mark = join(directory.path, 'mark');
    const url = offer('touch', readFileSync('/usr/bin/touch'));
    await expectRefused([`${url.slice(0, -4)}0000`, mark], 'is not what it is pinned to');
    expect(existsSync(mark)).toBe(false);
    expect(await runForeign([url, mark])).toMatchObject({ status: 0 });
    expect(existsSync(mark)).toBe(true);
  });

  test('a wrong format, for a few blocks of a large file', async () => {
    const large = Buffer.alloc(20 << 20, 'x');
    await expectRefused([offer('large', large)], 'is in no format');
    expect(server.requests.map(({ range }) => range)).toEqual(['bytes=0-262143']);
    // Headers at the far end, and broken ones: only where the loader looks.
    const elf = Buffer.concat([read('elf/x86_64/hello-static'), large]);
    elf.writeBigUInt64LE(BigInt(elf.length - 100), 32);
    elf.writeUInt16LE(0xffff, 56);
    server.requests.length = 0;
    await expectRefused([offer('elf', elf)], 'e_phnum');
    expect(server.requests.length).toBeLessThanOrEqual(2);
  });

  test('before a file is opened that it names, if it is not what was pinned', async () => {
    const dynamic = read('elf/x86_64/hello-dynamic-pie');
    const at = dynamic.indexOf('/lib64/');
    const other = Buffer.from(dynamic);
    other.write('/xxx64/', at);
    const url = offer('dynamic', dynamic);
    server.files.set('/dynamic', other);
    await expectRefused([url], 'is not what it is pinned to');
    await expectRefused([offer('other', other)], 'interpreter /xxx64/', 127);
  });

  test('a script, whose interpreter would open what has its name here', async () => {
    await expectRefused([offer('script', Buffer.from('#!/bin/sh\necho hello\n'))], 'run from memory');
  });

  test('passwords, which are not repeated', async () => {
    const url = `http://user:secret@127.0.0.1/x#sha256=${'0'.repeat(64)}`;
    const { status, stderr } = await runForeign([url]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^run-foreign: http:\/\/127\.0\.0\.1\/x: [^\n]*\n$/);
    expect(stderr).not.toContain('secret');
  });

  test('what the server does not have', async () => {
    await expectRefused([`${server.url}/none#sha256=${'0'.repeat(64)}`], '404', 127);
  });

  test('what changes between requests', async () => {
    const url = offer('large', Buffer.concat([read('elf/x86_64/hello-static'), Buffer.alloc(1 << 20)]));
    server.misbehave = ({ request, response, number }, bytes) => {
      if (number === 0) return false;
      delete request.headers['if-range'];
      serve(request, response, bytes, { ranges: true, etag: '"two"' });
      return true;
    };
    await expectRefused([url], 'changed on the server');
  });

  test('control characters of a server do not reach the terminal', async () => {
    server.misbehave = ({ response }) => {
      response.socket?.end('HTTP/1.1 206 x\r\nContent-Range: \x1b[31mred\r\nContent-Length: 0\r\n\r\n');
      return true;
    };
    const { stderr } = await runForeign([`${server.url}/x#sha256=${'0'.repeat(64)}`]);
    expect(stderr).not.toContain('\x1b');
  });
});
