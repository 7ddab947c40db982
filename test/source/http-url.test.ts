/** URLs of programs: what is sent, what pins them, and what of them may be shown. */
import { describe, expect, test } from 'vitest';
import { isHttpUrl, parseHttpUrl, parseSha256, shownUrl } from '../../src/source/http-url.ts';
import { foreignError } from '../support/errors.ts';

const PIN = 'Ab'.repeat(32);

test('a name is a URL by its scheme, in any case', () => {
  for (const name of ['http://h/x', 'https://h/x', 'HTTPS://h/x', 'hTTp://'])
    expect(isHttpUrl(name)).toBe(true);
  for (const name of ['http:/h/x', 'http', './http://h', 'ftp://h/x', '/http://', ' http://h', 'file:///x'])
    expect(isHttpUrl(name)).toBe(false);
});

test('the pin is taken off, in lower case', () => {
  const { url, sha256, file } = parseHttpUrl(`https://host:8443/dir/tally?key=1#sha256=${PIN}`);
  expect(url.href).toBe('https://host:8443/dir/tally?key=1');
  expect(sha256).toBe(PIN.toLowerCase());
  expect(file).toBe('tally');
});

test('a program without a name in the path is called as its host', () => {
  expect(parseHttpUrl('http://host/').file).toBe('host');
  expect(parseHttpUrl('http://host').file).toBe('host');
  expect(parseHttpUrl('http://host/a/b%2Fc').file).toBe('b%2Fc');
});

describe('wrong', () => {
  test.each([
    ['a short pin', 'http://h/x#sha256=abcd'],
    ['a long pin', `http://h/x#sha256=${PIN}0`],
    ['another fragment', 'http://h/x#top'],
    ['a mistyped pin', `http://h/x#sha265=${PIN}`],
    ['a pin with a second one', `http://h/x#sha256=${PIN}&sha256=${PIN}`],
    ['no host', 'http://'],
    ['a bad port', 'http://h:99999/x'],
    ['a line break', 'http://h/x\ny'],
    ['a blank', 'http://h/x y'],
    ['a password', 'http://user:secret@h/x'],
    ['a user', 'http://secret@h/x'],
  ])('%s', async (_, text) => {
    const error = await foreignError(() => parseHttpUrl(text));
    expect(error).toMatchObject({ code: 'USAGE', exitCode: 2 });
    expect(`${error.subject} ${error.message} ${error.hint}`).not.toContain('secret');
  });

  test('a digest', async () => {
    expect((await foreignError(() => parseSha256('g'.repeat(64)))).code).toBe('USAGE');
  });
});

test('secrets are not shown', () => {
  expect(shownUrl(`http://u:secret@h/x?token=secret#sha256=${PIN}`)).toBe('http://h/x?...');
  expect(shownUrl('http://u:secret@[bad/x')).toBe('a malformed URL');
});
