/** What an answer says about the content, believed no further than it can be checked. */
import { ForeignError } from '../errors.ts';
import { type Answer, Interrupted, network, quoted } from './http-client.ts';

/** What tells one version of the content from another. */
export interface Version {
  readonly etag: string | undefined;
  readonly modified: string | undefined;
}

export interface ContentRange {
  readonly from: number;
  /** After the last byte. */
  readonly end: number;
  readonly total: number;
}

/** Throws unless the answer is a success with the content's own bytes: NETWORK, PROGRAM_NOT_FOUND, Interrupted. */
export function checkAnswer(answer: Answer): void {
  const { status, headers, body } = answer;
  const encoding = headers['content-encoding'];
  try {
    if (status === 404 || status === 410)
      throw new ForeignError('PROGRAM_NOT_FOUND', `the server does not have it (status ${status})`);
    if (status === 408 || status === 429 || status >= 500)
      throw new Interrupted(`the server is in trouble (status ${status})`);
    if (status !== 200 && status !== 206) throw network(`the server does not give it out (status ${status})`);
    if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
      throw network(`the server encodes it (Content-Encoding ${quoted(encoding)}), which was not asked for`);
  } catch (error) {
    body.destroy();
    throw error;
  }
}

/** `Content-Range: bytes 0-99/1000` of an answer 206. Throws NETWORK. */
export function contentRange({ headers }: Answer): ContentRange {
  const text = headers['content-range'];
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(text ?? '');
  if (match === null) throw network(`the server's Content-Range is ${quoted(text)}`);
  const [from, last, total] = match.slice(1).map(Number) as [number, number, number];
  if (from > last || last >= total) throw network(`the server's Content-Range is ${quoted(text)}`);
  return { from, end: last + 1, total };
}

/** Whether a 416 says that there is nothing at all to give. */
export function isEmpty({ status, headers }: Answer): boolean {
  return status === 416 && headers['content-range'] === 'bytes */0';
}

export function versionOf({ headers }: Answer): Version {
  return { etag: headers.etag, modified: headers['last-modified'] };
}

/** What If-Range may hold: a strong ETag, else a date (RFC 9110, 13.1.5). */
export function ifRange({ etag, modified }: Version): Record<string, string> {
  const strong = etag?.startsWith('"') === true ? etag : undefined;
  const value = strong ?? (etag === undefined ? modified : undefined);
  return value === undefined ? {} : { 'If-Range': value };
}

/** Throws NETWORK when a later answer is about other content. Several servers of one name may differ in dates. */
export function checkSame(before: Version, after: Version): void {
  const field = before.etag === undefined ? 'modified' : 'etag';
  if (before[field] === after[field]) return;
  const name = field === 'etag' ? 'ETag' : 'Last-Modified';
  throw changed(`${name} was ${quoted(before[field])} and is ${quoted(after[field])}`);
}

export function changed(how: string): ForeignError {
  return new ForeignError('NETWORK', `changed on the server while it was read (${how})`, {
    hint: 'try again',
  });
}
