/** docs/command.md and the README know every option and every command that the command itself knows. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RUN_TOPIC, TOPICS } from '../../src/cli/help.ts';
import { optionSpec, twinName } from '../../src/cli/option-specs.ts';
import { ROOT } from '../support/run.ts';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const rows = read('docs/command.md')
  .split('\n')
  .filter((line) => /^\| `-/.test(line))
  .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));
/** They start nothing. */
const ASKING = ['help', 'version'];

test.each(RUN_TOPIC.options.filter((name) => !ASKING.includes(name)))('--%s', (name) => {
  const own = new RegExp(`\`--${name}[ =\`[]`);
  const [, option = '', twin = ''] = rows.find(([, first = '']) => own.test(first)) ?? [];
  const { short, kind } = optionSpec(name);
  expect(option).not.toBe('');
  if (short !== undefined) expect(option).toContain(`\`-${short}\``);
  const named = twinName(name);
  expect(twin).toBe(named === undefined ? '' : `\`${named}\`${kind === 'list' ? ' (one a line)' : ''}`);
});

test('no option that there is not', () => {
  const names = rows.map(([, option = '']) => /`--([a-z0-9-]+)/.exec(option)?.[1]);
  expect(names.filter((name) => !RUN_TOPIC.options.some((each) => each === name))).toEqual([]);
});

test('every command is in the README, and leads somewhere from docs/command.md', () => {
  const listed = [...read('README.md').matchAll(/^run-foreign ([a-z-]+) /gm)].map(([, name = '']) => name);
  expect([...new Set(listed)].sort()).toEqual(Object.keys(TOPICS).sort());
  for (const name of Object.keys(TOPICS)) expect(read('docs/command.md')).toContain(`\`${name}\``);
});
