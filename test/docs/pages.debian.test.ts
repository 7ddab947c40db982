/** README and docs, carried out: each shell block of each page, in a checkout, and what it prints is what the page says. */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ROOT, temporary } from '../support/run.ts';
import { blocksIn } from './blocks.ts';
import { reader } from './reader.ts';

const markdownIn = (directory: string): string[] =>
  readdirSync(join(ROOT, directory)).flatMap((name) => (name.endsWith('.md') ? [join(directory, name)] : []));
const PAGES = [...markdownIn('.'), ...markdownIn('docs')];
/** Begins in an empty directory: test/docs/writing-a-loader.test.ts. */
const ELSEWHERE = ['docs/writing-a-loader.md'];
/** Too long for once more: .ci/run does them on a clean clone, by these very lines. */
const BY_CI = ['npm ci && npx run-foreign samples/aout/hello-qmagic', 'npm test'];

const read = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

/** A checkout after the README's first command, in which run-foreign is also installed as a package. */
function checkout(): string {
  const { path, remove } = temporary();
  onTestFinished(remove);
  cpSync(join(ROOT, 'samples'), join(path, 'samples'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(path, 'package.json'));
  const modules = join(path, 'node_modules');
  mkdirSync(join(modules, '.bin'), { recursive: true });
  const links = (from: string, to: string, but: readonly string[]) => {
    for (const each of readdirSync(from).filter((name) => !but.includes(name)))
      symlinkSync(join(from, each), join(to, each));
  };
  const own = readdirSync(ROOT).filter((name) => name.startsWith('.'));
  links(ROOT, path, [...own, 'samples', 'package.json', 'node_modules']);
  links(join(ROOT, 'node_modules'), modules, ['.bin']);
  links(join(ROOT, 'node_modules/.bin'), join(modules, '.bin'), []);
  symlinkSync(join(ROOT, 'dist/run-foreign'), join(modules, '.bin/run-foreign'));
  symlinkSync(ROOT, join(modules, 'run-foreign'));
  return path;
}

const followed = PAGES.filter((page) => !ELSEWHERE.includes(page) && blocksIn(read(page)).length > 0);

test.each(followed)('%s can be followed', { timeout: 300_000 }, async (page) => {
  const home = checkout();
  const instead = Object.fromEntries(BY_CI.map((each) => [`(set -e\n${each}\n)`, () => {}]));
  const { follow, close } = reader(home, { instead, path: [join(home, 'dist')] });
  onTestFinished(close);
  for (const block of blocksIn(read(page))) await follow(block);
});

test('what CI does for the README is what stands there', () => {
  const ci = read('.ci/run').split('\n');
  for (const command of BY_CI) {
    expect(read('README.md')).toContain(`\`\`\`sh\n${command}\n\`\`\``);
    expect(ci).toContain(command);
  }
});

test.each(PAGES)('every block of %s says what it is, so that none is left out', (page) => {
  const fences = [...read(page).matchAll(/^(`{3,})([^`\n]*)\n(.*?)^\1$/gms)];
  for (const [, , info = '', text = ''] of fences) {
    expect(info, text).not.toBe('');
    // Those with a path are files.
    if (!info.startsWith('console') && !info.includes(' '))
      expect(text).not.toMatch(/^[$#] \S*run-foreign|^\$ /m);
  }
});
