/** Servers that lie, change their minds, send people away or never end. */
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { redirected } from '../../src/source/http-client.ts';
import { foreignError } from '../support/errors.ts';
import { fetchAll, openSmall, unlike } from '../support/http-client.ts';
import { serve, sha256, type TestServer, testServer } from '../support/http-server.ts';

const CONTENT = unlike(19 * 1024 + 100);
const OTHER = unlike(CONTENT.length, 2);
const PIN = sha256(CONTENT);

let server: TestServer;
let url: string;
// A new one each time: requests of a test that has failed to fetch may still be on their way.
beforeEach(async () => {
  server = await testServer({ '/x': CONTENT });
  url = `${server.url}/x#sha256=${PIN}`;
});
afterEach(() => server.close());

async function expectRefused(code: string, text: string, limits = {}): Promise<void> {
  const error = await foreignError(() => fetchAll(url, {}, limits));
  expect(error).toMatchObject({ code, exitCode: 126, subject: `${server.url}/x` });
  expect(error.message).toContain(text);
}

describe('content that changes', () => {
  test('shows by its ETag', async () => {
    server.misbehave = ({ request, response, number }, bytes) => {
      if (number === 0) return false;
      response.setHeader('ETag', '"two"');
      delete request.headers['if-range'];
      serve(request, response, bytes, { ranges: true, etag: undefined });
      return true;
    };
    await expectRefused('NETWORK', 'ETag was \'"one"\' and is \'"two"\'');
  });

  test('shows by an ETag that is gone', async () => {
    server.misbehave = ({ request, response, number }, bytes) => {
      if (number === 0) return false;
      delete request.headers['if-range'];
      serve(request, response, bytes, { ranges: true, etag: undefined });
      return true;
    };
    await expectRefused('NETWORK', 'ETag');
  });

  test('shows by If-Range: the server sends the whole', async () => {
    const source = await openSmall(url);
    server.etag = '"two"';
    const error = await foreignError(() => source.authenticate());
    expect(error).toMatchObject({ code: 'NETWORK' });
    expect(error.message).toContain('changed');
    // Nothing of it may be had any more.
    expect((await foreignError(() => source.read(0, 1))).code).toBe('NETWORK');
    expect((await foreignError(() => source.authenticate())).code).toBe('NETWORK');
  });

  test('shows by Last-Modified where there is no ETag', async () => {
    server.etag = undefined;
    server.misbehave = ({ request, response, number }, bytes) => {
      response.setHeader('Last-Modified', `Tue, 0${Math.min(number, 1) + 1} Jan 2030 00:00:00 GMT`);
      delete request.headers['if-range'];
      serve(request, response, bytes, server);
      return true;
    };
    await expectRefused('NETWORK', 'Last-Modified');
    expect(server.requests[1]?.ifRange).toBe('Tue, 01 Jan 2030 00:00:00 GMT');
  });

  test('shows by its size', async () => {
    server.misbehave = ({ request, response, number }) => {
      serve(request, response, number === 0 ? CONTENT : Buffer.concat([CONTENT, OTHER]), server);
      return true;
    };
    await expectRefused('NETWORK', `size was ${CONTENT.length} and is ${CONTENT.length * 2}`);
  });

  test('under the same ETag shows by its digest', async () => {
    server.misbehave = ({ request, response, number }) => {
      serve(request, response, number === 0 ? CONTENT : OTHER, server);
      return true;
    };
    await expectRefused('UNAUTHENTICATED', 'SHA-256');
  });

  test('after a loader looked at it, what it saw is what is checked', async () => {
    const source = await openSmall(url);
    const seen = Buffer.from(await source.read(2000, 500));
    server.files.set('/x', OTHER);
    expect((await foreignError(() => source.authenticate())).code).toBe('UNAUTHENTICATED');
    server.files.set('/x', CONTENT);
    expect(seen).toEqual(CONTENT.subarray(2000, 2500));
    expect(server.requests.filter(({ range }) => range === 'bytes=1024-2047')).toHaveLength(1);
  });

  test('weak ETags are compared and not sent', async () => {
    server.etag = 'W/"weak"';
    expect(await fetchAll(url)).toEqual(CONTENT);
    expect(server.requests.every(({ ifRange }) => ifRange === undefined)).toBe(true);
  });
});

describe('lies', () => {
  const partial = (contentRange: string | undefined, body: Buffer, headers = {}) => {
    server.misbehave = ({ response }) => {
      if (contentRange !== undefined) response.setHeader('Content-Range', contentRange);
      response.writeHead(206, { ETag: '"one"', ...headers }).end(body);
      return true;
    };
  };

  test.each([
    undefined,
    'bytes 0-1023/*',
    'bytes */100',
    'bytes 1023-0/20000',
    'bytes 0-1023/1000',
    'bytes 0-1023',
    'bytes=0-1023/20000',
    'bytes -1-1023/20000',
    'bytes 0-1023/99999999999999999999',
    'items 0-1023/20000',
    'bytes 0x0-0x3ff/20000',
  ])('Content-Range: %s', async (contentRange) => {
    partial(contentRange, CONTENT.subarray(0, 1024));
    await expectRefused('NETWORK', 'Content-Range');
  });

  test.each(['bytes 1-1024/19556', 'bytes 0-1024/19556'])('another range: %s', async (contentRange) => {
    partial(contentRange, CONTENT.subarray(0, 1024));
    await expectRefused('NETWORK', 'the server answers with bytes');
  });

  test('more bytes than the range has', async () => {
    partial('bytes 0-1023/19556', CONTENT.subarray(0, 1030));
    await expectRefused('NETWORK', 'more than it was asked for');
  });

  test('fewer bytes than the range has, always', async () => {
    partial('bytes 0-1023/19556', CONTENT.subarray(0, 0));
    await expectRefused('NETWORK', 'attempts');
  });

  test('a shorter range than asked for is no lie', async () => {
    server.misbehave = ({ request, response, number }, bytes) => {
      if (number !== 0) return false;
      request.headers.range = 'bytes=0-99';
      serve(request, response, bytes, server);
      return true;
    };
    expect(await fetchAll(url)).toEqual(CONTENT);
    expect(server.requests[1]?.range).toBe('bytes=100-1023');
  });

  test('a total that is too large', async () => {
    partial(`bytes 0-1023/${2 ** 40}`, CONTENT.subarray(0, 1024));
    await expectRefused('TOO_BIG', String(2 ** 40));
  });

  test('a total that no memory holds, where the user allows it', async () => {
    const contentRange = `bytes 0-1023/${2 ** 45}`;
    server.misbehave = ({ response }, bytes) => {
      response.writeHead(206, { 'Content-Range': contentRange, 'Content-Length': 1024 });
      response.end(bytes.subarray(0, 1024));
      return true;
    };
    await expectRefused('TOO_BIG', 'no memory', { maxSize: 2 ** 46 });
  });

  test('a Content-Length that is too large', async () => {
    server.misbehave = ({ response }) => {
      response.writeHead(200, { 'Content-Length': 2 ** 30 }).flushHeaders();
      return true;
    };
    await expectRefused('TOO_BIG', String(2 ** 30));
  });

  test('a body without an end', async () => {
    let ended = false;
    server.misbehave = ({ response }) => {
      response.writeHead(200);
      const more = () => {
        if (!ended) response.write(Buffer.alloc(1 << 16), more);
      };
      response.on('close', () => {
        ended = true;
      });
      more();
      return true;
    };
    await expectRefused('TOO_BIG', 'at most 1048576');
  });

  test('content that was compressed on the way', async () => {
    for (const status of [200, 206]) {
      server.misbehave = ({ response }) => {
        const body = gzipSync(CONTENT);
        const contentRange = `bytes 0-1023/${body.length}`;
        response.writeHead(status, { 'Content-Encoding': 'gzip', 'Content-Range': contentRange }).end(body);
        return true;
      };
      await expectRefused('NETWORK', "Content-Encoding 'gzip'");
    }
  });

  test('what is no HTTP, and headers without an end', async () => {
    server.misbehave = ({ response }) => {
      response.socket?.end('SSH-2.0-OpenSSH\r\n');
      return true;
    };
    await expectRefused('NETWORK', 'cannot be fetched');
    server.misbehave = ({ response }) => {
      response.socket?.end(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(1 << 16)}\r\n\r\n`);
      return true;
    };
    await expectRefused('NETWORK', 'cannot be fetched');
  });

  test('an upgrade that nobody asked for', async () => {
    server.misbehave = ({ response }) => {
      response.socket?.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
      return true;
    };
    await expectRefused('NETWORK', '');
  });

  test('long headers are not repeated in full', async () => {
    partial('x'.repeat(5000), CONTENT);
    expect((await foreignError(() => fetchAll(url))).message.length).toBeLessThan(200);
  });
});

describe('redirects', () => {
  const redirect = (location: string | undefined, status = 302, count = Number.POSITIVE_INFINITY) => {
    server.misbehave = ({ response, number }) => {
      if (number >= count) return false;
      response.writeHead(status, location === undefined ? {} : { Location: location }).end('moved');
      return true;
    };
  };

  test.each([301, 302, 303, 307, 308])('%i is followed, also to a path', async (status) => {
    redirect('/x#other', status, 1);
    expect(await fetchAll(`${server.url}/start#sha256=${PIN}`)).toEqual(CONTENT);
    // Later requests go where the first one ended.
    expect(server.requests.map(({ path }) => path).slice(0, 3)).toEqual(['/start', '/x', '/x']);
  });

  test('five are followed, six are not', async () => {
    redirect('/x', 302, 5);
    expect(await fetchAll(url)).toEqual(CONTENT);
    server.requests.length = 0;
    redirect('/x');
    await expectRefused('NETWORK', 'more than 5 redirects');
    expect(server.requests).toHaveLength(6);
  });

  test.each([
    [undefined, 'nowhere'],
    ['http://', 'nowhere'],
    ['file:///etc/passwd', 'file:'],
    ['data:,x', 'data:'],
    ['http://user:secret@127.0.0.1/', 'password'],
  ])('to %s', async (location, text) => {
    redirect(location);
    await expectRefused('NETWORK', text);
    expect(server.requests).toHaveLength(1);
  });

  test('never from https to http', async () => {
    const secure = new URL('https://host/x');
    expect(redirected(secure, '//other/y').href).toBe('https://other/y');
    expect(redirected(new URL('http://host/x'), 'https://host/x').href).toBe('https://host/x');
    for (const location of ['http://host/x', 'HTTP://host/x', ' http://host/x'])
      expect((await foreignError(() => redirected(secure, location))).message).toContain(
        'from https to http',
      );
  });
});
