/** The man page is what man, groff and mandoc take without a word, has everything in it that --help has, and fits a terminal. */
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { RUN_TOPIC, STATUS_MEANINGS, TOPICS, valueShown } from '../../src/cli/help.ts';
import { manPage } from '../../src/cli/man/man-page.ts';
import { optionSpec, twinName } from '../../src/cli/option-specs.ts';
import { NODE_PATH, ROOT, run, sh, temporary } from '../support/run.ts';

const PAGE = join(ROOT, 'dist/run-foreign.1');
const env = { PATH: NODE_PATH, LC_ALL: 'C', MANWIDTH: '80', MANROFFOPT: '' };
/** As people see it, without what makes words bold. */
let shown = '';
/** The same with single blanks and no line breaks. */
let words = '';

beforeAll(async () => {
  shown = (await sh('man -l "$1" | col -b -x', [PAGE], { env })).stdout;
  words = shown.replace(/\s+/g, ' ');
});

test.each([
  ['man', ['-l', '--warnings', PAGE]],
  ['groff', ['-man', '-ww', '-z', PAGE]],
  ['mandoc', ['-T', 'lint', '-W', 'all', PAGE]],
])('%s has nothing to say about it', async (program, args) => {
  const { status, stdout, stderr } = await run(program, args, { env });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  if (program === 'mandoc') expect(stdout).toBe('');
});

test.each(['C', 'C.UTF-8'])('it fits 80 columns and is ASCII where it must be (%s)', async (locale) => {
  const { stdout } = await sh('man -l "$1" | col -b -x', [PAGE], { env: { ...env, LC_ALL: locale } });
  expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  // Hyphens, quotes and tildes that can be copied into a shell.
  expect(stdout).toMatch(/^[\n -~]*$/);
});

test('it has the sections that man-pages(7) has, in that order', () => {
  const titles = shown.split('\n').filter((line) => /^[A-Z]/.test(line) && !line.startsWith('RUN-FOREIGN'));
  expect(titles).toEqual([
    'NAME',
    'SYNOPSIS',
    'DESCRIPTION',
    'COMMANDS',
    'OPTIONS',
    'ENVIRONMENT',
    'EXIT STATUS',
    'FILES',
    'EXAMPLES',
    'NOTES',
    'SEE ALSO',
  ]);
});

test('whatis knows it', async () => {
  const { stdout } = await run('lexgrog', [PAGE], { env });
  expect(stdout).toContain('"run-foreign - run programs');
});

const between = (from: string, to: string) => {
  const [, after = ''] = shown.split(new RegExp(`^ *${from}$`, 'm'));
  return (after.split(new RegExp(`^ *${to}$`, 'm'))[0] ?? '').replace(/\s+/g, ' ');
};

test.each(RUN_TOPIC.options)('--%s: its help, its short form, its variable', (name) => {
  const { help, short } = optionSpec(name);
  const options = between('OPTIONS', 'ENVIRONMENT');
  const left = `${short === undefined ? '' : `-${short}, `}--${name}${valueShown(name)}`;
  expect(options).toContain(` ${left} ${help}.`);
  const twin = twinName(name);
  if (twin !== undefined)
    expect(between('ENVIRONMENT', 'EXIT STATUS')).toContain(` ${twin} stands in for --${name}`);
});

const names = Object.keys(TOPICS) as (keyof typeof TOPICS)[];

test.each(names)('%s: how it is called, what it does, and every option', (name) => {
  const { usage, about, options } = TOPICS[name];
  const next = names[names.indexOf(name) + 1] ?? 'OPTIONS';
  const text = between(name, next);
  expect(between('SYNOPSIS', 'DESCRIPTION')).toContain(usage);
  expect(text).toContain(`${usage} ${about}`);
  for (const option of options.filter((each) => each !== 'help')) expect(text).toContain(`--${option}`);
});

test('the exit statuses', () => {
  for (const [code, meaning] of STATUS_MEANINGS) expect(words).toContain(` ${code} ${meaning}.`);
});

test('what was built is what the source makes', () => {
  expect(readFileSync(PAGE, 'utf8')).toBe(manPage());
});

test('after npm install -g, man finds it by its name', async () => {
  const directory = temporary();
  try {
    const prefix = directory.path;
    const home = { ...env, HOME: prefix, npm_config_cache: join(prefix, 'cache') };
    const install = ['install', '--global', '--offline', '--ignore-scripts', '--prefix', prefix, ROOT];
    const { status, stderr } = await run('npm', install, { env: home });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const found = await run('man', ['-w', 'run-foreign'], {
      env: { ...env, PATH: `${prefix}/bin:${NODE_PATH}` },
    });
    expect(realpathSync(found.stdout.trim())).toBe(realpathSync(PAGE));
  } finally {
    directory.remove();
  }
});
