/**
 * URLs of programs: what is asked for, what it is pinned to, and how it may be shown. Loads nothing, because
 * the plain start path asks here whether a name is a URL at all.
 */
import { ForeignError } from '../errors.ts';

export interface HttpAddress {
  /** What is asked for: without the fragment, which is never sent. */
  readonly url: URL;
  /** From the fragment: 64 lower-case hex digits. */
  readonly sha256: string | undefined;
  /** For messages. */
  readonly shown: string;
  /** The last part of the path: what the program is called. */
  readonly file: string;
}

/** Whether a PROGRAM is a URL and not a path. */
export function isHttpUrl(name: string): boolean {
  return /^https?:\/\//i.test(name);
}

/** Takes a URL apart. Throws USAGE. */
export function parseHttpUrl(text: string): HttpAddress {
  const shown = shownUrl(text);
  const wrong = (message: string, hint?: string) =>
    new ForeignError('USAGE', message, { subject: shown, ...(hint !== undefined && { hint }) });
  // The URL parser would silently drop them.
  if (/[\p{Cc}\s]/u.test(text)) throw wrong('a URL holds no blanks or control characters');
  if (!URL.canParse(text)) throw wrong('is no URL');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '')
    throw wrong('user names and passwords in URLs are not accepted', 'they would be visible in ps');
  const fragment = url.hash.slice(1);
  const pin = /^sha256=(.*)$/s.exec(fragment)?.[1];
  // A mistyped pin must not pass for none.
  if (fragment !== '' && pin === undefined) throw wrong('the part after # can only be sha256=HEX');
  const sha256 = pin === undefined ? undefined : parseSha256(pin, shown);
  url.hash = '';
  const last = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
  return { url, sha256, shown, file: last === '' ? url.hostname : last };
}

/** A digest as sha256sum prints it, in lower case. Throws USAGE. */
export function parseSha256(text: string, subject?: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  throw new ForeignError('USAGE', 'a SHA-256 has 64 hex digits', {
    hint: 'sha256sum FILE prints it',
    ...(subject !== undefined && { subject }),
  });
}

/** How a URL is shown: credentials, queries (which may hold tokens) and fragments are not. */
export function shownUrl(url: string | URL): string {
  const text = String(url);
  if (!URL.canParse(text)) return 'a malformed URL';
  const { origin, pathname, search } = new URL(text);
  return `${origin}${pathname}${search === '' ? '' : '?...'}`;
}
