/** docs/library.md is what the comments say. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { libraryPage } from '../../src/build/docs.ts';
import { ROOT } from '../support/run.ts';

const page = readFileSync(join(ROOT, 'docs/library.md'), 'utf8');
test('docs/library.md is up to date: npm run docs', () => {
  expect(page).toBe(libraryPage(ROOT));
});
