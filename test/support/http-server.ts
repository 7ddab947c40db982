/** A real HTTP server on the loopback address that serves files, and misbehaves in every way a test asks for. */
import { createHash } from 'node:crypto';
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Served {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** From 0. */
  readonly number: number;
}

/** Takes the answer into its own hands, and then says true. */
export type Misbehaviour = (served: Served, bytes: Buffer) => boolean;

export interface TestServer {
  readonly url: string;
  /** What was asked for, in order: path and Range. */
  readonly requests: {
    readonly path: string;
    readonly range: string | undefined;
    readonly ifRange: string | undefined;
  }[];
  readonly files: Map<string, Buffer>;
  misbehave: Misbehaviour | undefined;
  ranges: boolean;
  etag: string | undefined;
  readonly listener: RequestListener;
  close(): Promise<void>;
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export async function testServer(files: Readonly<Record<string, Uint8Array>> = {}): Promise<TestServer> {
  const requests: TestServer['requests'] = [];
  const listener: RequestListener = (request, response) => {
    const path = request.url ?? '';
    const number = requests.length;
    const { range, 'if-range': ifRange } = request.headers;
    requests.push({ path, range, ifRange: ifRange as string | undefined });
    const bytes = state.files.get(path.split('?')[0] ?? '') ?? Buffer.alloc(0);
    if (state.misbehave?.({ request, response, number }, bytes) === true) return;
    if (!state.files.has(path.split('?')[0] ?? '')) {
      response.writeHead(404).end('no');
      return;
    }
    serve(request, response, bytes, state);
  };
  const server = http.createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const state: TestServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    files: new Map(Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes)])),
    misbehave: undefined,
    ranges: true,
    etag: '"one"',
    listener,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return state;
}

/** What a good server does. */
export function serve(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer,
  { ranges, etag }: Pick<TestServer, 'ranges' | 'etag'>,
): void {
  const { range, 'if-range': ifRange } = request.headers;
  const match = /^bytes=(\d+)-(\d+)$/.exec(range ?? '');
  if (etag !== undefined) response.setHeader('ETag', etag);
  if (!ranges || match === null || (ifRange !== undefined && ifRange !== etag)) {
    response.writeHead(200, { 'Content-Length': bytes.length }).end(bytes);
    return;
  }
  const from = Number(match[1]);
  if (from >= bytes.length) {
    response.writeHead(416, { 'Content-Range': `bytes */${bytes.length}` }).end();
    return;
  }
  const part = bytes.subarray(from, Number(match[2]) + 1);
  const contentRange = `bytes ${from}-${from + part.length - 1}/${bytes.length}`;
  response.writeHead(206, { 'Content-Range': contentRange, 'Content-Length': part.length }).end(part);
}
