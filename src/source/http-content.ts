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

export interface ContentOptions {
  /** Bytes of a block of the cache. */
  readonly blockSize: number;
  /** Bytes; larger content is refused. */
  readonly maxSize: number;
  /** How often a range, or content without ranges, is asked for before it is given up. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; it grows with each. */
  readonly retryPause: number;
}

/** Content whose size and version are known. */
export interface HttpContent {
  readonly size: number;
  /** The first blocks: one, or all where the server knows no Range. */
  readonly start: readonly Buffer[];
  /** The bytes from `from` to before `end`. */
  range(from: number, end: number): Promise<Buffer>;
}

/** Asks for the first block, and learns from the answer what the rest is. Throws NETWORK, TOO_BIG, PROGRAM_NOT_FOUND. */
export function openContent(client: HttpClient, url: URL, options: ContentOptions): Promise<HttpContent> {
  return persistently(options, async () => {
    const answer = await client.get(url, { Range: `bytes=0-${options.blockSize - 1}` });
    if (isEmpty(answer)) {
      answer.body.destroy();
      return allOf([]);
    }
    checkAnswer(answer);
    if (answer.status === 200) return allOf(await wholeBody(client, answer, options));
    return inRanges(client, answer, options);
  });
}

function allOf(start: readonly Buffer[]): HttpContent {
  return {
    size: start.reduce((sum, { length }) => sum + length, 0),
    start,
    range: () => Promise.reject(new ForeignError('INTERNAL', 'nothing is left to be fetched')),
  };
}

async function inRanges(client: HttpClient, first: Answer, options: ContentOptions): Promise<HttpContent> {
  const { total: size } = rangeOf(first);
  checkSize(first, size, options);
  const version = versionOf(first);
  const ranges = { client, url: first.url, size, version, options };
  const end = Math.min(size, options.blockSize);
  const start = [await fetchRange(ranges, 0, end, first)];
  return { size, start, range: (from, end) => fetchRange(ranges, from, end) };
}

interface Ranges {
  readonly client: HttpClient;
  readonly url: URL;
  readonly size: number;
  readonly version: Version;
  readonly options: ContentOptions;
}

/** `first` is an answer that is there already and begins at `from`. */
async function fetchRange(ranges: Ranges, from: number, end: number, first?: Answer): Promise<Buffer> {
  const { client, url, size, version, options } = ranges;
  const bytes = Buffer.allocUnsafe(end - from);
  let done = 0;
  let waiting = first;
  await persistently(options, async () => {
    // Cut after the last byte, and before the end of the message.
    if (done === bytes.length) return;
    const wanted = { from: from + done, end, total: size };
    const headers = { Range: `bytes=${wanted.from}-${end - 1}`, ...ifRange(version) };
    const answer = waiting ?? (await client.get(url, headers));
    waiting = undefined;
    checkPart(answer, wanted, version);
    for await (const chunk of client.chunks(answer)) {
      if (chunk.length > bytes.length - done) throw network('the server sends more than it was asked for');
      done += chunk.copy(bytes, done);
    }
    // A server may give less than it was asked for; then the rest is asked for.
    if (done < bytes.length) throw new Interrupted('the server sends less than it was asked for');
  });
  return bytes;
}

/** Throws unless an answer holds the wanted bytes, from the first on, of the same content. */
function checkPart(answer: Answer, wanted: ContentRange, version: Version): void {
  checkAnswer(answer);
  try {
    if (answer.status === 200) throw changed('it answers a request for a part with the whole');
    checkSame(version, versionOf(answer));
    const given = contentRange(answer);
    if (given.total !== wanted.total)
      throw changed(`its size was ${wanted.total} and is ${given.total} bytes`);
    if (given.from !== wanted.from || given.end > wanted.end)
      throw network(
        `the server answers with bytes ${given.from} to ${given.end}, not ${wanted.from} to ${wanted.end}`,
      );
  } catch (error) {
    answer.body.destroy();
    throw error;
  }
}

function rangeOf(answer: Answer): ContentRange {
  try {
    return contentRange(answer);
  } catch (error) {
    answer.body.destroy();
    throw error;
  }
}

/** A whole body in blocks. Its length may be unknown, or a lie. */
async function wholeBody(client: HttpClient, answer: Answer, options: ContentOptions): Promise<Buffer[]> {
  const promised = answer.headers['content-length'];
  if (promised !== undefined) checkSize(answer, Number(promised), options);
  const blocks: Buffer[] = [];
  let block = Buffer.allocUnsafe(options.blockSize);
  let filled = 0;
  for await (const chunk of client.chunks(answer)) {
    for (let at = 0; at < chunk.length; ) {
      const count = chunk.copy(block, filled, at);
      at += count;
      filled += count;
      if (filled < block.length) continue;
      blocks.push(block);
      checkSize(answer, blocks.length * options.blockSize, options);
      block = Buffer.allocUnsafe(options.blockSize);
      filled = 0;
    }
  }
  if (filled > 0) blocks.push(block.subarray(0, filled));
  checkSize(
    answer,
    blocks.reduce((sum, { length }) => sum + length, 0),
    options,
  );
  return blocks;
}

function checkSize(answer: Answer, size: number, { maxSize }: ContentOptions): void {
  if (size <= maxSize) return;
  answer.body.destroy();
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
