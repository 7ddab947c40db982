/** `npm run site` ends with an error where these find something: typedoc is not needed to try them. */
import { afterEach, expect, test } from 'vitest';
import { brokenLinks } from '../../docs/site/check-site.ts';
import { codeBlocks } from '../../docs/site/code-blocks.ts';
import { pagesOf } from '../../docs/site/pages.ts';
import { type Temporary, temporary } from '../support/run.ts';

let directory: Temporary | undefined;
afterEach(() => directory?.remove());

function siteOf(files: Readonly<Record<string, string>>): readonly string[] {
  directory = temporary();
  for (const [name, text] of Object.entries(files)) directory.file(name, text);
  return brokenLinks(directory.path);
}

test('links that lead to a file or an anchor are well', () => {
  const links =
    '<h1 id="top"></h1><a href="#top">1</a><a href="b/b.html#in">2</a><a href="https://example.org/">3</a>';
  expect(
    siteOf({
      'a.html': `<link rel="stylesheet" href="a.css"/>${links}<img src="data:image/gif;base64,AA"/>`,
      'b/b.html': '<p id="in"></p><a href="../a.html?x#top">1</a>',
      'a.css': 'p { background: url(data:image/gif;base64,AA) }',
    }),
  ).toEqual([]);
});

test.each([
  ['a file that is not there', '<a href="c.html">x</a>', 'c.html'],
  ['an anchor that is not there', '<a href="#bottom">x</a>', '#bottom'],
  ['an anchor of another file', '<a href="b.html#bottom">x</a>', 'b.html#bottom'],
  ['a directory', '<a href="d">x</a>', 'd'],
  ['the root of a server', '<a href="/b.html">x</a>', '/b.html'],
  ['a file above the site', '<a href="../b.html">x</a>', '../b.html'],
  [
    'a script from elsewhere',
    '<script defer src="https://cdn.example/x.js"></script>',
    'https://cdn.example/x.js',
  ],
  ['a style from elsewhere', '<link rel="stylesheet" href="//cdn.example/x.css"/>', '//cdn.example/x.css'],
])('%s', (_, html, named) => {
  expect(siteOf({ 'a.html': html, 'b.html': '', 'd/e.html': '' })).toEqual([
    `a.html: ${named} leads nowhere`,
  ]);
});

test('a font from elsewhere', () => {
  expect(siteOf({ 'a.css': '@import "https://fonts.example/f.css";' })).toEqual([
    'a.css: https://fonts.example/f.css leads nowhere',
  ]);
});

test('groups and pages are those of docs/README.md', () => {
  const index =
    '# All\n\n## One\n\n- [A page](a.md): of a kind\n\n## Two\n\nText [b](b.md).\n\n- [Other](../OTHER.md)\n';
  expect(pagesOf(index)).toEqual([
    { group: 'One', title: 'A page', path: 'docs/a.md' },
    { group: 'Two', title: 'Other', path: 'OTHER.md' },
  ]);
});

test('a session shows what is typed, a file its name', () => {
  const rules = { fence: () => '<pre>code</pre>' };
  const escapeHtml = (text: string) => text.replaceAll('<', '&lt;');
  codeBlocks({ renderer: { rules }, utils: { escapeHtml } });
  const show = (info: string, content: string) =>
    (rules.fence as (tokens: unknown, index: number) => string)([{ info, content }], 0);
  expect(show('console', '$ cat <a\n1 $ 2\n')).toBe(
    '<pre><code class="console"><span class="command">$ cat &lt;a</span>\n1 $ 2\n</code></pre>\n',
  );
  expect(show('js <a>.mjs', '')).toBe('<p class="file-name">&lt;a>.mjs</p>\n<pre>code</pre>');
  expect(show('js', '')).toBe('<pre>code</pre>');
});
