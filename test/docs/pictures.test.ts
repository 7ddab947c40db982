/** The pictures in docs/ are what the commands draw today. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { docsPictures } from '../../src/build/pictures.ts';
import { ROOT } from '../support/run.ts';

test('docs/pictures is up to date: npm run docs', async () => {
  for (const [path, svg] of await docsPictures(ROOT))
    expect(readFileSync(join(ROOT, path), 'utf8')).toBe(svg);
});
