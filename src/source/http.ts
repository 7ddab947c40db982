/**
 * A program behind a URL. Loaders look at it while hardly anything of it is there; authenticate() then fetches the
 * rest and compares all of it, the blocks they have seen included, with what the user vouched for. Loaded only when
 * a program comes from the network.
 */
import { about, ForeignError } from '../errors.ts';
import { checkAnswer } from './http-answer.ts';
import { HttpBlocks } from './http-blocks.ts';
import { HttpClient } from './http-client.ts';
import { openContent, persistently } from './http-content.ts';
import { parseHttpUrl, shownUrl } from './http-url.ts';
import {
  MAX_SIGNATURE_FILE,
  type PublicKey,
  parseSignature,
  type Signature,
  unauthenticated,
} from './minisign.ts';
import { checkRange, DEFAULT_MAX_SIZE, type OnProgress, type Source } from './source.ts';
import { type ContentCheck, contentCheck, trustFor } from './trust.ts';

export interface HttpOptions {
  /** What the content must be, as hex digits; `#sha256=` on the URL says the same. */
  readonly sha256?: string | undefined;
  /** A public key of minisign, or a file with one; the signature lies beside the URL, with .minisig after its path. */
  readonly verifyKey?: string | undefined;
  /** A file of certificates to trust beside the built-in ones. */
  readonly extraCa?: string | undefined;
  readonly progress?: OnProgress | undefined;
  readonly limits?: Partial<HttpLimits>;
}

/** Bytes, milliseconds, and counts. */
export interface HttpLimits {
  readonly maxSize: number;
  readonly blockSize: number;
  readonly inFlight: number;
  readonly attempts: number;
  readonly retryPause: number;
  readonly answerTimeout: number;
  readonly stallTimeout: number;
}

export const HTTP_LIMITS: HttpLimits = {
  maxSize: DEFAULT_MAX_SIZE,
  blockSize: 256 * 1024,
  inFlight: 4,
  attempts: 5,
  retryPause: 250,
  answerTimeout: 30_000,
  stallTimeout: 30_000,
};

export interface HttpSource extends Source {
  authenticate(): Promise<void>;
  /** Ends the connections. */
  close(): void;
}

/**
 * Opens the program behind `url`. Throws UNAUTHENTICATED before anything is sent unless the user vouches for
 * it; USAGE, NETWORK, PROGRAM_NOT_FOUND, TOO_BIG.
 */
export async function openHttp(text: string, options: HttpOptions): Promise<HttpSource> {
  return about(shownUrl(text), async () => {
    const address = parseHttpUrl(text);
    const { url, shown } = address;
    const trust = trustFor(address, options.sha256, options.verifyKey);
    const limits = { ...HTTP_LIMITS, ...options.limits };
    const { progress = () => {} } = options;
    const contentOptions = { ...limits, progress };
    const client = new HttpClient({ ...limits, extraCa: options.extraCa });
    try {
      // Small and first: a signature by another key spares fetching the program.
      const signature = trust.key && (await fetchSignature(client, url, trust.key, limits));
      const check = contentCheck(trust, signature);
      const content = await openContent(client, url, contentOptions);
      const blocks = new HttpBlocks(content, contentOptions, check);
      return httpSource(shown, content.size, { client, blocks, check, inFlight: limits.inFlight });
    } catch (error) {
      client.close();
      throw error;
    }
  });
}

interface Parts {
  readonly client: HttpClient;
  readonly blocks: HttpBlocks;
  readonly check: ContentCheck;
  readonly inFlight: number;
}

function httpSource(name: string, size: number, { client, blocks, check, inFlight }: Parts): HttpSource {
  let outcome: Promise<void> | undefined;
  const authenticate = async () => {
    try {
      check.finish(await blocks.complete(inFlight));
    } finally {
      client.close();
    }
  };
  return {
    name,
    size,
    confidential: false,
    close: () => client.close(),
    authenticate() {
      outcome ??= about(name, authenticate);
      return outcome;
    },
    async read(offset, length) {
      checkRange(name, size, offset, length);
      // After a failed check nothing may be had any more.
      await outcome;
      return about(name, () => blocks.read(offset, length));
    },
  };
}

async function fetchSignature(
  client: HttpClient,
  program: URL,
  key: PublicKey,
  limits: HttpLimits,
): Promise<Signature> {
  const url = new URL(program);
  url.pathname += '.minisig';
  try {
    return parseSignature(await persistently(limits, () => fetchSmall(client, url)), key);
  } catch (error) {
    if (!(error instanceof ForeignError) || error.code !== 'PROGRAM_NOT_FOUND') throw error;
    throw new ForeignError('UNAUTHENTICATED', `is not signed: there is no ${shownUrl(url)}`, {
      cause: error,
    });
  }
}

async function fetchSmall(client: HttpClient, url: URL): Promise<Buffer> {
  const answer = await client.get(url);
  checkAnswer(answer);
  const chunks: Buffer[] = [];
  let size = 0;
  await client.pour(answer, (chunk) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_SIGNATURE_FILE) throw unauthenticated('is larger than a signature can be');
  });
  return Buffer.concat(chunks);
}
