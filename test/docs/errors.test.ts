/** docs/errors.md and docs/check.md are what the command says, and every example in it comes as it stands there. */
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkPage, errorsPage } from '../../src/build/docs.ts';
import { CHECK_IDS } from '../../src/cli/checks/index.ts';
import { EXPLANATIONS } from '../../src/cli/explanations/index.ts';
import { ERROR_CODES, exitStatus } from '../../src/errors.ts';
import { COMMAND, NODE_PATH, ROOT, SAMPLES, sh, temporary } from '../support/run.ts';

const page = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8');

test('docs/errors.md is up to date: npm run docs', () => {
  expect(page).toBe(errorsPage());
});

test('docs/check.md is up to date: npm run docs', () => {
  expect(readFileSync(join(ROOT, 'docs/check.md'), 'utf8')).toBe(checkPage());
});

/** The link that GitHub gives to a heading. */
const anchor = (title: string) =>
  title
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-');

describe.each(ERROR_CODES)('%s', (code) => {
  const { example, reading, causes } = EXPLANATIONS[code];
  const directory = temporary();
  afterAll(directory.remove);
  beforeAll(() => symlinkSync(SAMPLES, join(directory.path, 'samples')));

  test('the example says what the page says, with this code and its exit status', async () => {
    const env = { PATH: `${dirname(COMMAND)}:${NODE_PATH}`, HOME: directory.path };
    const options = { env, cwd: directory.path };
    const { prepare = [], command } = example;
    if (prepare.length > 0) expect(await sh(prepare.join('\n'), [], options)).toMatchObject({ status: 0 });
    const { status, stdout, stderr } = await sh(command, [], options);
    const parts = example.message.split('...').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    // Where only a parent may trace, what a child asks about its shell is refused earlier.
    const untraced = code === 'PROCESS_REFUSED' && stderr.includes('may not be traced');
    if (!untraced) expect(stderr).toMatch(new RegExp(`^${parts.join('[^\\n]*')}\n$`));
    expect({ status, stdout }).toEqual({ status: exitStatus(code), stdout: '' });
    const verbose = await sh(command, [], { ...options, env: { ...env, RUN_FOREIGN_VERBOSE: '1' } });
    expect(verbose).toMatchObject({ status, stdout });
    expect(verbose.stderr.endsWith(`\nrun-foreign: run-foreign explain ${code} says more\n`)).toBe(true);
  });

  test('what it leads to is there', () => {
    expect(causes.length).toBeGreaterThan(0);
    for (const { command = '' } of causes) {
      const [, ids] = /^run-foreign check (.+)$/.exec(command) ?? [];
      for (const id of ids?.split(' ') ?? []) expect(CHECK_IDS).toContain(id);
    }
    for (const link of reading) {
      const [file = '', section] = link.split('#');
      const path = join(ROOT, 'docs', file);
      expect(existsSync(path), path).toBe(true);
      const titles = [...readFileSync(path, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
        anchor(title),
      );
      if (section !== undefined) expect(titles, link).toContain(section);
    }
  });
});
