/**
 * Fetching ranges of what a URL names: goes on where a connection was cut, and refuses to mix two versions of the
 * content. Where the server knows no Range, all of it comes at once.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ForeignError } from '../errors.ts';
import {
  type ContentRange,
  changed,
  checkAnswer,
  checkSame,
  contentRange,
  ifRange,
  isEmpty,
  type Version,
  versionOf,
} from './http-answer.ts';
import { type Answer, type HttpClient, Interrupted, network } from './http-client.ts';
import type { OnProgress } from './source.ts';

export interface ContentOptions {
  /** Bytes of a block of the cache. */
  readonly blockSize: number;
  /** Bytes; larger content is refused. */
  readonly maxSize: number;
  /** How often a range, or content without ranges, is asked for before it is given up. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; it grows with each. */
  readonly retryPause: number;
  readonly progress: OnProgress;
}

/** Memory that costs nothing before it is written to: a server may promise what it likes. Throws TOO_BIG. */
export function roomFor(size: number): Buffer {
  try {
    return Buffer.allocUnsafeSlow(size);
  } catch (cause) {
    throw new ForeignError('TOO_BIG', `has ${size} bytes, for which there is no memory`, { cause });
  }
}

/** What is being done, for people. */
export const FETCHING = 'fetching';

/** Content whose size and version are known. */
export interface HttpContent {
  readonly size: number;
  /** The first block, or all where the server knows no Range. */
  readonly start: Buffer;
  /** Fills `target` with the bytes from `from` on, and tells `arrived` of each piece how long it is. */
  fill(from: number, target: Buffer, arrived: (length: number) => void): Promise<void>;
}

/** Asks for the first block, and learns from the answer what the rest is. Throws NETWORK, TOO_BIG, PROGRAM_NOT_FOUND. */
export function openContent(client: HttpClient, url: URL, options: ContentOptions): Promise<HttpContent> {
  return persistently(options, async () => {
    const answer = await client.get(url, { Range: `bytes=0-${options.blockSize - 1}` });
    if (isEmpty(answer)) {
      answer.body.destroy();
      return allOf(Buffer.alloc(0));
    }
    checkAnswer(answer);
    if (answer.status === 200) return allOf(await wholeBody(client, answer, options));
    return inRanges(client, answer, options);
  });
}

function allOf(start: Buffer): HttpContent {
  return {
    size: start.length,
    start,
    fill: () => Promise.reject(new ForeignError('INTERNAL', 'nothing is left to be fetched')),
  };
}

async function inRanges(client: HttpClient, first: Answer, options: ContentOptions): Promise<HttpContent> {
  const size = orEnd(first, () => {
    const { total } = contentRange(first);
    checkSize(total, options);
    return total;
  });
  const version = versionOf(first);
  const ranges = { client, url: first.url, size, version, options };
  const start = Buffer.allocUnsafe(Math.min(size, options.blockSize));
  let count = 0;
  const arrived = (length: number) => {
    count += length;
    options.progress(FETCHING, count, size);
  };
  await fetchRange(ranges, 0, start, arrived, first);
  return { size, start, fill: (from, target, arrived) => fetchRange(ranges, from, target, arrived) };
}

interface Ranges {
  readonly client: HttpClient;
  readonly url: URL;
  readonly size: number;
  readonly version: Version;
  readonly options: ContentOptions;
}

/** `first` is an answer that is there already and begins at `from`. */
async function fetchRange(
  { client, url, size, version, options }: Ranges,
  from: number,
  target: Buffer,
  arrived: (length: number) => void,
  first?: Answer,
): Promise<void> {
  const end = from + target.length;
  let done = 0;
  let waiting = first;
  await persistently(options, async () => {
    // Cut after the last byte, and before the end of the message.
    if (done === target.length) return;
    const wanted = { from: from + done, end, total: size };
    const headers = { Range: `bytes=${wanted.from}-${end - 1}`, ...ifRange(version) };
    const answer = waiting ?? (await client.get(url, headers));
    waiting = undefined;
    checkPart(answer, wanted, version);
    await client.pour(answer, (piece) => {
      if (piece.length > target.length - done) throw network('the server sends more than it was asked for');
      done += piece.copy(target, done);
      arrived(piece.length);
    });
    // A server may give less than it was asked for; then the rest is asked for.
    if (done < target.length) throw new Interrupted('the server sends less than it was asked for');
  });
}

/** Throws unless an answer holds the wanted bytes, from the first on, of the same content. */
function checkPart(answer: Answer, wanted: ContentRange, version: Version): void {
  checkAnswer(answer);
  orEnd(answer, () => {
    if (answer.status === 200) throw changed('it answers a request for a part with the whole');
    checkSame(version, versionOf(answer));
    const given = contentRange(answer);
    if (given.total !== wanted.total)
      throw changed(`its size was ${wanted.total} and is ${given.total} bytes`);
    if (given.from !== wanted.from || given.end > wanted.end)
      throw network(
        `the server answers with bytes ${given.from} to ${given.end}, not ${wanted.from} to ${wanted.end}`,
      );
  });
}

/** What `check` finds in an answer. If it throws, nobody wants the rest of the answer. */
function orEnd<T>({ body }: Answer, check: () => T): T {
  try {
    return check();
  } catch (error) {
    body.destroy();
    throw error;
  }
}

/** A whole body. Its length may be unknown, or a lie. */
async function wholeBody(client: HttpClient, answer: Answer, options: ContentOptions): Promise<Buffer> {
  const length = answer.headers['content-length'];
  const promised = length === undefined ? undefined : Number(length);
  if (promised !== undefined) orEnd(answer, () => checkSize(promised, options));
  let bytes = roomFor(promised ?? options.blockSize);
  let size = 0;
  await client.pour(answer, (piece) => {
    checkSize(size + piece.length, options);
    if (size + piece.length > bytes.length) {
      const larger = roomFor(Math.max(size + piece.length, 2 * bytes.length));
      bytes.copy(larger, 0, 0, size);
      bytes = larger;
    }
    size += piece.copy(bytes, size);
    options.progress(FETCHING, size, promised);
  });
  return bytes.subarray(0, size);
}

function checkSize(size: number, { maxSize }: ContentOptions): void {
  if (size <= maxSize) return;
  throw new ForeignError('TOO_BIG', `has ${size} bytes or more, at most ${maxSize} are fetched`, {
    hint: 'see --max-size',
  });
}

/** Does it again after an interruption, a bounded number of times. */
export async function persistently<T>(
  { attempts, retryPause }: Pick<ContentOptions, 'attempts' | 'retryPause'>,
  action: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      if (attempt >= attempts)
        throw network(`cannot be fetched: ${error.message}, given up after ${attempt} attempts`, error);
      await pause(retryPause * attempt);
    }
  }
}
