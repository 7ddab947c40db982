/** docs/formats.md has a row and a section for every loader that comes with us. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { builtinLoaders } from '../../loaders/index.ts';

const page = readFileSync(new URL('../../docs/formats.md', import.meta.url), 'utf8');

test.each(builtinLoaders.map(({ name }) => name))('%s', (name) => {
  const rows = page.split('\n').filter((line) => line.startsWith(`| [${name}](#${name}) |`));
  expect(rows, 'rows of the table').toHaveLength(1);
  const [, section] = page.split(new RegExp(`^##+ ${name}$`, 'm'));
  if (section === undefined) throw new Error('it has no section');
  expect(section.split(/^##/m)[0]).toContain('**Reference**');
});

test('every section that is linked to is there, but for formats that come with another page', () => {
  const anchors = [...page.matchAll(/^##+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  );
  const known = new Set(builtinLoaders.map(({ name }) => name));
  const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor = '']) => anchor);
  expect(
    links.filter((link) => known.has(link) || link.includes('-')).filter((link) => !anchors.includes(link)),
  ).toEqual([]);
});
