/**
 * One GET at a time, with bounds on all that a server could drag out: redirects, the wait for an answer, silence.
 *
 * This is node:http and not fetch, for two reasons. fetch needs WebAssembly, which is missing where Node runs with
 * --jitless because no page may be writable and executable. And it cannot be given certificates: NODE_EXTRA_CA_CERTS,
 * which Node reads at its start only, was set aside for the program by the launcher.
 */
import { readFileSync } from 'node:fs';
import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { finished } from 'node:stream/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { ForeignError } from '../errors.ts';
import { isHttpUrl, shownUrl } from './http-url.ts';

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Bytes of a header that a message repeats. */
const MAX_QUOTED = 80;

export interface ClientOptions {
  /** Milliseconds until the headers of an answer are there, connecting included. */
  readonly answerTimeout: number;
  /** Milliseconds without a byte of a body. */
  readonly stallTimeout: number;
  /** Requests at once. */
  readonly inFlight: number;
  /** A file with certificates (PEM) that are trusted beside the built-in ones; only read for https. */
  readonly extraCa: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: IncomingMessage;
  /** Where it came from in the end. */
  readonly url: URL;
}

/** The connection broke, or the server was busy: asking again may help. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Codes of Node's errors after which asking again may help. */
const PASSING = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ERR_STREAM_PREMATURE_CLOSE',
  'HPE_INVALID_EOF_STATE',
]);

export class HttpClient {
  readonly options: ClientOptions;
  readonly #plain: http.Agent;
  #secure: https.Agent | undefined;
  #closed = false;

  constructor(options: ClientOptions) {
    this.options = options;
    this.#plain = new http.Agent({ keepAlive: true, maxSockets: options.inFlight });
  }

  /** The answer after all redirects. Throws Interrupted or NETWORK. */
  async get(start: URL, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    let url = start;
    for (let redirects = 0; ; redirects++) {
      const body = await this.#ask(url, { 'Accept-Encoding': 'identity', ...headers });
      const status = body.statusCode ?? 0;
      if (!REDIRECTS.has(status)) return { status, headers: body.headers, body, url };
      body.destroy();
      if (redirects === MAX_REDIRECTS) throw network(`more than ${MAX_REDIRECTS} redirects`);
      url = redirected(url, body.headers.location);
    }
  }

  /** Gives the body to `take` in pieces. Throws Interrupted when it is cut, or stalls, and what `take` throws. */
  async pour({ body }: Answer, take: (piece: Buffer) => void): Promise<void> {
    const { stallTimeout } = this.options;
    const timer = setTimeout(() => {
      body.destroy(new Interrupted(`no byte came for ${stallTimeout} ms`));
    }, stallTimeout);
    // Not `for await`: that costs more than decrypting does.
    const onData = (piece: Buffer) => {
      timer.refresh();
      try {
        take(piece);
      } catch (error) {
        body.off('data', onData);
        body.destroy(error as Error);
      }
    };
    body.on('data', onData);
    try {
      await finished(body);
    } catch (error) {
      throw asNetworkError(error);
    } finally {
      clearTimeout(timer);
      body.destroy();
    }
  }

  /** Ends every connection. */
  close(): void {
    this.#closed = true;
    this.#plain.destroy();
    this.#secure?.destroy();
  }

  #ask(url: URL, headers: Readonly<Record<string, string>>): Promise<IncomingMessage> {
    const { answerTimeout } = this.options;
    return new Promise((resolve, reject) => {
      if (this.#closed) throw network('the connection was closed');
      const options = { headers, insecureHTTPParser: false };
      const request =
        url.protocol === 'https:'
          ? https.get(url, { ...options, agent: this.#secureAgent() })
          : http.get(url, { ...options, agent: this.#plain });
      const timer = setTimeout(
        () => request.destroy(new Interrupted(`no answer came for ${answerTimeout} ms`)),
        answerTimeout,
      );
      const fail = (error: unknown) => {
        clearTimeout(timer);
        reject(asNetworkError(error));
      };
      // The second of two errors has nobody left to hear it.
      request.on('error', fail);
      request.on('close', () => fail(new Interrupted('the connection was closed')));
      request.on('response', (answer) => {
        clearTimeout(timer);
        answer.on('error', () => {});
        resolve(answer);
      });
    });
  }

  #secureAgent(): https.Agent {
    const { extraCa, inFlight } = this.options;
    this.#secure ??= new https.Agent({
      keepAlive: true,
      maxSockets: inFlight,
      // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
      rejectUnauthorized: true,
      // One for all connections, because making one is what takes longest of connecting.
      secureContext: trusting(extraCa),
    });
    return this.#secure;
  }
}

/** What a connection trusts: the certificates built into Node, and those in the file. */
function trusting(extraCa: string | undefined): SecureContext {
  const secureContext = createSecureContext();
  // The option `ca` replaces the built-in ones, and takes 30 ms to read them again from text.
  if (extraCa !== undefined) secureContext.context.addCACert(readCertificates(extraCa));
  return secureContext;
}

function readCertificates(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw network(`the certificates in NODE_EXTRA_CA_CERTS, ${path}, cannot be read: ${code}`, cause);
  }
}

/** Where an answer sends us, if we go there. Throws NETWORK. */
export function redirected(from: URL, location: string | undefined): URL {
  if (location === undefined || !URL.canParse(location, from.href)) throw network('redirects to nowhere');
  const to = new URL(location, from.href);
  to.hash = '';
  if (!isHttpUrl(to.href)) throw network(`redirects to a ${to.protocol} URL`);
  if (to.username !== '' || to.password !== '') throw network('redirects to a URL with a password');
  if (from.protocol === 'https:' && to.protocol === 'http:')
    throw network(`redirects from https to http, ${shownUrl(to)}`);
  return to;
}

/** A program that cannot be fetched. */
export function network(message: string, cause?: unknown): ForeignError {
  return new ForeignError('NETWORK', message, { cause });
}

/** What a header said, short enough for a message. */
export function quoted(value: string | undefined): string {
  if (value === undefined) return 'none';
  return value.length <= MAX_QUOTED ? `'${value}'` : `'${value.slice(0, MAX_QUOTED)}...'`;
}

const UNTRUSTED = "nobody known vouches for the server's certificate";
/** Errors that people meet, in words. */
const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody answers there',
  ENOTFOUND: 'there is no such host',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  CERT_HAS_EXPIRED: "the server's certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "the server's certificate is for another host",
};

function asNetworkError(error: unknown): unknown {
  if (error instanceof ForeignError || error instanceof Interrupted) return error;
  if (!(error instanceof Error)) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined && PASSING.has(code)) return new Interrupted(`the connection was cut (${code})`);
  const meaning = MEANINGS[code ?? ''];
  // The text of some errors is several lines, or holds the certificate.
  const what = code ?? quoted(error.message.split('\n')[0]);
  const message =
    meaning === undefined ? `cannot be fetched: ${what}` : `cannot be fetched: ${meaning} (${what})`;
  return new ForeignError('NETWORK', message, {
    cause: error,
    ...(meaning === UNTRUSTED && { hint: 'NODE_EXTRA_CA_CERTS can name a file of certificates to trust' }),
  });
}
