/** Pages that are wrong are found to be wrong, by the line. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { temporary } from '../support/run.ts';
import { blocksIn } from './blocks.ts';
import { reader } from './reader.ts';

const directory = temporary();
afterAll(directory.remove);

async function followed(page: string): Promise<void> {
  const { follow, close } = reader(directory.path);
  onTestFinished(close);
  for (const block of blocksIn(page)) await follow(block);
}

const block = (info: string, ...lines: string[]) =>
  `# A page\n\n\`\`\`${info}\n${lines.join('\n')}\n\`\`\`\n`;
const session = (...lines: string[]) => block('console', ...lines);
const varying = (...lines: string[]) => block('console varying', ...lines);

test('files are written where the shell is, and gone on with', async () => {
  const page = `${session('$ mkdir -p a/b', '$ cd a')}
\`\`\`ts b/c.ts
one
\`\`\`

\`\`\`ts
not to be written
\`\`\`

\`\`\`\`ts b/c.ts, continued
\`\`\`
\`\`\`\`
`;
  await followed(page);
  expect(readFileSync(join(directory.path, 'a/b/c.ts'), 'utf8')).toBe('one\n```\n');
});

test.each([
  ['what is printed', session('$ echo one', 'one', '$ echo a; echo b >&2', 'a', 'b')],
  ['lines that are left out', session('$ seq 9', '1', '...', '8', '9', '$ true', '...')],
  ['text that is left out', session('$ echo "one (two, three)"', 'one (two, ...)')],
  ['a failure that is shown', session('$ (echo broken; exit 3)', 'broken')],
  ['a command of two lines', session("$ echo 'a", "> b'", 'a', 'b')],
  ['what the shell is left with', session('$ a=1', '$ cd /', '$ echo $a $PWD', '1 /')],
  ['other numbers, other space', varying('$ echo "12345  of 1"', '7 of 99')],
  ['a number seen before', varying('$ echo 12345', '7777', '$ test 7777 = 12345', '$ echo 12345', '7777')],
  ['a script', block('sh', 'echo any', 'test 1 = 1')],
  ['what runs in the background', session('$ sleep 60 &', '$ echo one', 'one')],
])('right: %s', async (_, page) => {
  await followed(page);
});

test.each([
  ['another line', session('$ true', '$ echo one', 'two'), 'line 5'],
  ['a line too many', session('$ echo one', 'one', 'two'), 'line 4'],
  ['a line too few', session('$ seq 2', '1'), 'line 4'],
  ['no output', session('$ echo one'), 'line 4'],
  ['a sign that means something in patterns', session('$ echo ab', 'a.'), 'line 4'],
  ['the end after lines left out', session('$ seq 9', '...', '8'), 'line 4'],
  ['a failure among lines left out', session('$ echo one; false', '...'), 'line 4'],
  ['another word where only numbers vary', varying('$ echo one 2', 'two 2'), 'line 4'],
  ['another number than before', varying('$ echo 12345', '7777', '$ echo 54321', '7777'), 'line 6'],
  ['a script that fails', block('sh', 'false', 'true'), 'line 3'],
])('wrong: %s', async (_, page, line) => {
  await expect(followed(page)).rejects.toThrow(`${line}: $ `);
});
