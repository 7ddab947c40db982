/** docs/library.md is what the comments say, and it and the README's part on the library can be followed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { libraryPage } from '../../build-docs.ts';
import { project } from '../library/built.ts';
import { ROOT } from '../support/run.ts';
import { blocksIn } from './blocks.ts';
import { reader } from './reader.ts';

const own = project();
afterAll(own.remove);
const page = readFileSync(join(ROOT, 'docs/library.md'), 'utf8');
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');

test('docs/library.md is up to date: npm run docs', () => {
  expect(page).toBe(libraryPage(ROOT));
});

test.each([
  ['docs/library.md', page, 8],
  ['docs/trace.md', readFileSync(join(ROOT, 'docs/trace.md'), 'utf8'), 2],
  ['the README', `## As a library${readme.split('## As a library')[1]?.split(/^## /m)[0]}`, 4],
])('%s can be followed', async (_, text, least) => {
  const blocks = blocksIn(text);
  expect(blocks.length).toBeGreaterThanOrEqual(least);
  const { follow } = reader(own.path);
  for (const block of blocks) await follow(block);
});
