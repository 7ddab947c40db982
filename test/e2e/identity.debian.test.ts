/**
 * The identity of programs that gcc has just built, linked in every way and for both word sizes: see
 * identity-checks.ts.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inParallel, NODE_PATH, run, runForeign, temporary } from '../support/run.ts';
import { compile, LINKINGS } from './compile.ts';
import { describeFixedIdentity, describeIdentity, type Program } from './identity-checks.ts';

const directory = temporary();
const pathOf = (title: string) => join(directory.path, `wait-${title.replaceAll(' ', '-')}`);

beforeAll(async () => {
  await inParallel(LINKINGS, ({ title, flags }) => compile('wait.c', flags, pathOf(title)), 2);
});
afterAll(() => directory.remove());

const programs: Program[] = LINKINGS.map(({ title, bits }) => ({ title, bits, file: () => pathOf(title) }));

for (const program of programs) describeIdentity(program);
for (const program of programs) describeFixedIdentity(program);

describe.each(['entry-x86_64.S', 'entry-i386.S'])('%s', (source) => {
  const is32 = source === 'entry-i386.S';

  test('is entered with the registers, flags and segments of execve', async () => {
    const links = is32 ? [['-m32', '-static']] : [['-static'], ['-static-pie']];
    for (const [index, flags] of links.entries()) {
      const file = await compile(source, ['-nostdlib', ...flags], join(directory.path, `${source}-${index}`));
      const options = { env: { PATH: NODE_PATH } };
      const native = await run(file, [], options);
      expect(native.stdout).toHaveLength((is32 ? 17 : 27) * 8);
      const foreign = await runForeign([file], options);
      expect(words(foreign.stdout)).toEqual(words(native.stdout));
      expect(foreign.status).toBe(0);
    }
  });
});

function words(output: string): string[] {
  const bytes = Buffer.from(output, 'latin1');
  return Array.from({ length: bytes.length / 8 }, (_, index) =>
    bytes.readBigUInt64LE(index * 8).toString(16),
  );
}
