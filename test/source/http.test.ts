/** Fetching from a server that behaves, and from one that breaks off: what is asked for, how often, and no more. */
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sourceFrom } from '../../src/source/memory.ts';
import { foreignError } from '../support/errors.ts';
import { fetchAll, openSmall, unlike } from '../support/http-client.ts';
import { serve, sha256, type TestServer, testServer } from '../support/http-server.ts';

/** Nineteen blocks and a piece, so that the rest takes more than one request. */
const CONTENT = unlike(19 * 1024 + 100);
const PIN = sha256(CONTENT);

let server: TestServer;
let url: string;
// A new one each time: requests of a test that has failed to fetch may still be on their way.
beforeEach(async () => {
  server = await testServer({ '/x': CONTENT, '/empty': Buffer.alloc(0), '/small': Buffer.from('small') });
  url = `${server.url}/x#sha256=${PIN}`;
});
afterEach(() => server.close());

describe('a good server', () => {
  test('is asked for what is read, and for nothing twice', async () => {
    const source = await openSmall(url);
    expect(source).toMatchObject({ name: `${server.url}/x`, size: CONTENT.length, confidential: false });
    expect(server.requests.map(({ range }) => range)).toEqual(['bytes=0-1023']);
    expect(Buffer.from(await source.read(5, 100))).toEqual(CONTENT.subarray(5, 105));
    expect(server.requests).toHaveLength(1);
    expect(Buffer.from(await source.read(4090, 10))).toEqual(CONTENT.subarray(4090, 4100));
    expect(Buffer.from(await source.read(CONTENT.length - 1, 1))).toEqual(CONTENT.subarray(-1));
    const ranges = server.requests.map(({ range }) => range);
    expect(ranges.slice(1)).toEqual(['bytes=3072-4095', 'bytes=4096-5119', 'bytes=19456-19555']);
    expect(server.requests[1]?.ifRange).toBe('"one"');
    await source.authenticate();
    expect(Buffer.from(await source.read(0, source.size))).toEqual(CONTENT);
    const asked = server.requests.flatMap(({ range }) => {
      const [from = 0, last = 0] = (range ?? '').slice(6).split('-').map(Number);
      return Array.from(
        { length: Math.ceil((Math.min(last, CONTENT.length - 1) - from) / 1024) || 1 },
        (_, n) => from / 1024 + n,
      );
    });
    expect(asked.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    // The fragment is nobody's business.
    expect(new Set(server.requests.map(({ path }) => path))).toEqual(new Set(['/x']));
  });

  test('is not asked again by reads at the same time', async () => {
    const source = await openSmall(url);
    await Promise.all([source.read(2048, 10), source.read(2050, 10)]);
    await Promise.all([source.authenticate(), source.read(5000, 10), source.authenticate()]);
    expect(server.requests.filter(({ range }) => range === 'bytes=2048-3071')).toHaveLength(1);
  });

  test('is not needed any more after the check', async () => {
    const source = await openSmall(url);
    await source.authenticate();
    const count = server.requests.length;
    for (let at = 0; at < CONTENT.length; at += 500) await source.read(at, 1);
    await source.authenticate();
    expect(server.requests).toHaveLength(count);
  });

  test('several requests are in flight, and never more than allowed', async () => {
    let now = 0;
    let most = 0;
    server.misbehave = ({ request, response }, bytes) => {
      most = Math.max(most, ++now);
      setTimeout(() => {
        now--;
        serve(request, response, bytes, server);
      }, 20);
      return true;
    };
    const big = unlike(200 * 1024);
    server.files.set('/big', big);
    expect(await fetchAll(`${server.url}/big#sha256=${sha256(big)}`)).toEqual(big);
    expect(most).toBe(4);
  });

  test('reads past the end are errors', async () => {
    const source = await openSmall(url);
    expect((await foreignError(() => source.read(CONTENT.length, 1))).code).toBe('BAD_FORMAT');
    expect((await foreignError(() => source.read(-1, 1))).code).toBe('BAD_FORMAT');
    expect(await source.read(CONTENT.length, 0)).toHaveLength(0);
    source.close();
  });

  test('small and empty content', async () => {
    const small = Buffer.from('small');
    expect(await fetchAll(`${server.url}/small#sha256=${sha256(small)}`)).toEqual(small);
    expect(await fetchAll(`${server.url}/empty#sha256=${sha256(Buffer.alloc(0))}`)).toHaveLength(0);
  });

  test('progress is told up to the end', async () => {
    const told: number[] = [];
    await fetchAll(url, { progress: (_, done, total = 0) => told.push(done / total) });
    expect(told.at(-1)).toBe(1);
    expect([...told].sort((a, b) => a - b)).toEqual(told);
  });

  test('a window forwards the check', async () => {
    const window = sourceFrom(await openSmall(url), 100);
    await window.authenticate?.();
    expect(Buffer.from(await window.read(0, 50))).toEqual(CONTENT.subarray(100, 150));
  });
});

describe('a server without Range', () => {
  beforeEach(() => {
    server.ranges = false;
  });

  test('is asked once', async () => {
    expect(await fetchAll(url)).toEqual(CONTENT);
    expect(server.requests).toHaveLength(1);
  });

  test('may not say the length', async () => {
    server.misbehave = ({ response }, bytes) => {
      response.writeHead(200);
      response.write(bytes.subarray(0, 3000));
      response.end(bytes.subarray(3000));
      return true;
    };
    expect(await fetchAll(url)).toEqual(CONTENT);
  });

  test('is asked again from the start when it is cut', async () => {
    server.misbehave = ({ response, number }, bytes) => {
      if (number > 0) return false;
      response.writeHead(200, { 'Content-Length': bytes.length });
      response.write(bytes.subarray(0, 5000), () => response.destroy());
      return true;
    };
    expect(await fetchAll(url)).toEqual(CONTENT);
    expect(server.requests).toHaveLength(2);
  });

  test('cut without a length looks complete, and is not what was pinned', async () => {
    server.misbehave = ({ response }, bytes) => {
      response.shouldKeepAlive = false;
      response.useChunkedEncodingByDefault = false;
      response.writeHead(200);
      response.end(bytes.subarray(0, 5000));
      return true;
    };
    expect((await foreignError(() => fetchAll(url))).code).toBe('UNAUTHENTICATED');
  });
});

describe('a connection that is cut', () => {
  test.each([0, 1, 100, 1023])('after %i bytes of the first block', async (count) => {
    server.misbehave = cut(0, count);
    expect(await fetchAll(url)).toEqual(CONTENT);
    // What had come is not asked for again.
    expect(server.requests[1]?.range).toBe(`bytes=${count}-1023`);
  });

  test.each([0, 1, 1024, 7777])('after %i bytes of the rest', async (count) => {
    server.misbehave = cut(1, count);
    expect(await fetchAll(url)).toEqual(CONTENT);
    expect(server.requests.map(({ range }) => range)).toContain(`bytes=${1024 + count}-17407`);
  });

  test('after the last byte of a block, before the end of the message', async () => {
    server.misbehave = ({ response, number }, bytes) => {
      if (number > 1) return false;
      const [from, end] = number === 0 ? [0, 1024] : [1024, 17408];
      response.writeHead(206, { 'Content-Range': `bytes ${from}-${end - 1}/${bytes.length}`, ETag: '"one"' });
      response.write(bytes.subarray(from, end), () => setTimeout(() => response.destroy(), 5));
      return true;
    };
    expect(await fetchAll(url)).toEqual(CONTENT);
    // Nothing is asked for again.
    expect(server.requests.map(({ range }) => range).sort()).toEqual([
      'bytes=0-1023',
      'bytes=1024-17407',
      'bytes=17408-19555',
    ]);
  });

  test('at every byte of an answer, headers included, is an error or no matter', async () => {
    const body = Buffer.from('a program');
    const answer = Buffer.from(
      `HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-8/9\r\nETag: "x"\r\nContent-Length: 9\r\n\r\n${body}`,
    );
    let length = 0;
    const raw = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(answer.subarray(0, length)));
    });
    await new Promise<void>((resolve) => {
      raw.listen(0, '127.0.0.1', resolve);
    });
    const { port } = raw.address() as { port: number };
    const address = `http://127.0.0.1:${port}/x#sha256=${sha256(body)}`;
    for (length = 0; length < answer.length; length++) {
      const error = await foreignError(() => fetchAll(address, {}, { attempts: 1 }));
      expect(error, `after ${length} bytes`).toMatchObject({ code: 'NETWORK', exitCode: 126 });
      expect(error.message).not.toContain('\n');
    }
    expect(await fetchAll(address, {}, { attempts: 1 })).toEqual(body);
    raw.close();
  });

  test('again and again is given up', async () => {
    server.misbehave = ({ response, number }, bytes) => number > 0 && cutNow(response, bytes);
    const error = await foreignError(() => fetchAll(url));
    expect(error).toMatchObject({ code: 'NETWORK', exitCode: 126, subject: `${server.url}/x` });
    expect(error.message).toContain('3 attempts');
  });

  test('from the start on is given up', async () => {
    server.misbehave = ({ response }, bytes) => cutNow(response, bytes);
    expect((await foreignError(() => fetchAll(url))).code).toBe('NETWORK');
    expect(server.requests).toHaveLength(3);
  });

  function cut(at: number, count: number): NonNullable<TestServer['misbehave']> {
    return ({ request, response, number }, bytes) => {
      if (number !== at) return false;
      const [from = 0, last = 0] = (request.headers.range ?? '').slice(6).split('-').map(Number);
      response.writeHead(206, {
        'Content-Range': `bytes ${from}-${last}/${bytes.length}`,
        'Content-Length': last + 1 - from,
        ETag: '"one"',
      });
      response.flushHeaders();
      const end = () => setTimeout(() => response.destroy(), 5);
      if (count === 0) end();
      else response.write(bytes.subarray(from, from + count), end);
      return true;
    };
  }

  function cutNow(response: import('node:http').ServerResponse, _: Buffer): boolean {
    response.destroy();
    return true;
  }
});

describe('silence', () => {
  test('before the headers', async () => {
    server.misbehave = () => true;
    const error = await foreignError(() => fetchAll(url, {}, { answerTimeout: 20 }));
    expect(error).toMatchObject({ code: 'NETWORK' });
    expect(error.message).toContain('no answer');
    expect(server.requests).toHaveLength(3);
  });

  test('inside the body, once', async () => {
    server.misbehave = ({ response, number }, bytes) => {
      if (number !== 1) return false;
      response.writeHead(206, { 'Content-Range': `bytes 1024-17407/${bytes.length}`, ETag: '"one"' });
      response.write(bytes.subarray(1024, 2000));
      return true;
    };
    expect(await fetchAll(url, {}, { stallTimeout: 100 })).toEqual(CONTENT);
  });
});

describe('a server in trouble', () => {
  test.each([408, 429, 500, 503])('%i once is asked again', async (status) => {
    server.misbehave = ({ response, number }) => number === 0 && !!response.writeHead(status).end();
    expect(await fetchAll(url)).toEqual(CONTENT);
  });

  test('for good is an error that names the status', async () => {
    server.misbehave = ({ response }) => !!response.writeHead(500).end();
    const error = await foreignError(() => fetchAll(url));
    expect(error).toMatchObject({ code: 'NETWORK', exitCode: 126 });
    expect(error.message).toContain('500');
  });

  test.each([404, 410])('%i is not found', async (status) => {
    server.misbehave = ({ response }) => !!response.writeHead(status).end();
    expect(await foreignError(() => fetchAll(url))).toMatchObject({
      code: 'PROGRAM_NOT_FOUND',
      exitCode: 127,
    });
    expect(server.requests).toHaveLength(1);
  });

  test.each([201, 204, 304, 400, 401, 403, 416])('%i is refused at once', async (status) => {
    server.misbehave = ({ response }) => !!response.writeHead(status).end();
    const error = await foreignError(() => fetchAll(url));
    expect(error).toMatchObject({ code: 'NETWORK', exitCode: 126 });
    expect(error.message).toContain(String(status));
    expect(server.requests).toHaveLength(1);
  });

  test('nobody listens', async () => {
    const other = await testServer();
    await other.close();
    const error = await foreignError(() => fetchAll(`${other.url}/x#sha256=${PIN}`));
    expect(error).toMatchObject({ code: 'NETWORK', subject: `${other.url}/x` });
    expect(error.message).toContain('ECONNREFUSED');
  });
});
