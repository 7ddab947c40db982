/** Every relative link in every Markdown page leads to a file, and to a heading of it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { INDEX, pagesOf } from '../../docs/site/pages.ts';
import { ROOT } from '../support/run.ts';
import { anchorsIn, linksIn } from './links.ts';

/** What is made, and pages with blanks in them. */
const NOT_OURS = /(^|\/)(node_modules|dist|dist-site|dist\.new|\.[^/]+)\/|^src\/cli\/new-loader\/package\//;

function pagesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (NOT_OURS.test(`${relative(ROOT, path)}${entry.isDirectory() ? '/' : ''}`)) return [];
    if (entry.isDirectory()) return pagesBelow(path);
    return path.endsWith('.md') ? [path] : [];
  });
}

const pages = pagesBelow(ROOT);
const read = (path: string) => readFileSync(path, 'utf8');

test.each(pages.map((path) => relative(ROOT, path)))('%s', (name) => {
  const page = join(ROOT, name);
  const wrong = linksIn(read(page)).filter(({ path, anchor }) => {
    const target = path === '' ? page : resolve(dirname(page), decodeURIComponent(path));
    if (!existsSync(target)) return true;
    return anchor !== undefined && target.endsWith('.md') && !anchorsIn(read(target)).has(anchor);
  });
  expect(wrong).toEqual([]);
});

describe('docs/README.md', () => {
  const listed = pagesOf(read(join(ROOT, INDEX))).map(({ path }) => path);

  test('lists every page of docs/, once; so the site has it in its navigation', () => {
    const all = readdirSync(join(ROOT, 'docs'))
      .map((name) => `docs/${name}`)
      .filter((path) => path.endsWith('.md') && path !== INDEX);
    expect(listed.filter((path) => path.startsWith('docs/')).sort()).toEqual(all.sort());
  });

  test('lists nothing that is not there', () => {
    expect(listed.filter((path) => !pages.includes(join(ROOT, path)))).toEqual([]);
  });
});

test('what stands in code is no link; a heading that comes twice has a number', () => {
  const page =
    '# A `b` c!\n\n`[x](y)` [a](b.md#c "title")\n\n```sh\n[z](z)\n# no\n```\n\n## A b c\n[e](https://e)\n';
  expect(linksIn(page)).toEqual([{ line: 3, path: 'b.md', anchor: 'c' }]);
  expect([...anchorsIn(page)]).toEqual(['a-b-c', 'a-b-c-1']);
});
