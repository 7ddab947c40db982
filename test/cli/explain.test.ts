/** `run-foreign explain`: by code, by exit status, all of them, and what is no code. */
import { describe, expect, test } from 'vitest';
import { ERROR_CODES, exitStatus } from '../../src/errors.ts';
import { expectRefusal } from '../support/refusal.ts';
import { NODE_PATH, runForeign } from '../support/run.ts';

const explain = async (...words: string[]) => {
  const { status, stdout, stderr } = await runForeign(['explain', ...words]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
};

test('without an argument lists every code with its exit status, a line each', async () => {
  const lines = (await explain()).trimEnd().split('\n');
  expect(lines.map((line) => line.split(/ +/, 2))).toEqual(
    ERROR_CODES.map((code) => [code, String(exitStatus(code))]),
  );
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
});

test.each(ERROR_CODES)(
  '%s has causes, an example and pages, in 80 columns but for what is to be copied',
  async (code) => {
    const text = await explain(code);
    expect(text.startsWith(`${code}: `)).toBe(true);
    expect(text).toContain(`\nExit status ${exitStatus(code)}: `);
    for (const part of ['Why, and what to do:', '\n    $ ', '\n    run-foreign: ', 'Read on:'])
      expect(text).toContain(part);
    const prose = text.split('\n').filter((line) => !line.startsWith('    '));
    expect(Math.max(...prose.map((line) => line.length))).toBeLessThanOrEqual(80);
  },
);

test.each(['bad_format', 'Bad-Format', 'bad format'])('%s is BAD_FORMAT', async (word) => {
  expect(await explain(word)).toBe(await explain('BAD_FORMAT'));
});

test.each([2, 125, 126, 127])('%i lists the codes that end with it', async (status) => {
  const text = await explain(String(status));
  const listed = ERROR_CODES.filter((code) => new RegExp(`^${code} `, 'm').test(text));
  expect(listed).toEqual(ERROR_CODES.filter((code) => exitStatus(code) === status));
});

test("another exit status is the program's own", async () => {
  expect(await explain('3')).toMatch(/^3 is the program's own exit status; /);
  expect(await explain('139')).toMatch(/^139 is the program's own exit status, as shells [^;]* signal 11 /);
});

describe('what is no code', () => {
  test.each([
    ['BADFORMAT', /did you mean BAD_FORMAT\?/],
    ['UNKOWN_FORMAT', /did you mean UNKNOWN_FORMAT\?/],
    ['netwrok', /did you mean NETWORK\?/],
    ['ENOENT', /there is no error code 'ENOENT'; run-foreign explain lists them/],
    ['__proto__', /there is no error code/],
    ['\x1b[31m', /there is no error code '\?\[31m'/],
    ['x'.repeat(100_000), /there is no error code/],
    ['999', /no process ends with 999/],
  ])('%j', async (word, line) => {
    expectRefusal(await runForeign(['explain', word]), line, 2);
  });

  test('two arguments', async () => {
    expectRefusal(await runForeign(['explain', 'USAGE', 'NETWORK']), /one ERROR_CODE/, 2);
  });
});

describe('--json', () => {
  test('of a code', async () => {
    const document = JSON.parse(await explain('key_needed', '--json')) as Record<string, unknown>;
    expect(document).toMatchObject({ code: 'KEY_NEEDED', exitStatus: 126 });
    expect(Object.keys(document)).toEqual([
      'code',
      'exitStatus',
      'summary',
      'meaning',
      'causes',
      'example',
      'reading',
    ]);
  });

  test('of all, and of a status', async () => {
    const all = JSON.parse(await explain('--json')) as { code: string }[];
    expect(all.map(({ code }) => code)).toEqual(ERROR_CODES);
    expect(JSON.parse(await explain('127', '--json'))).toMatchObject({
      exitStatus: 127,
      codes: [{ code: 'PROGRAM_NOT_FOUND' }, { code: 'PROCESS_NOT_FOUND' }],
    });
  });
});

describe('an error names its code', () => {
  const [missing] = ['./no-such-program'];
  const line = `run-foreign: ${missing}: no such file\n`;
  const more = 'run-foreign: run-foreign explain PROGRAM_NOT_FOUND says more\n';

  test('with --verbose only', async () => {
    expect((await runForeign([missing])).stderr).toBe(line);
    expect((await runForeign(['--verbose', missing])).stderr).toBe(line + more);
    expect((await runForeign(['plan', '--verbose', missing])).stderr).toBe(line + more);
  });

  test('or RUN_FOREIGN_VERBOSE, which an option overrules', async () => {
    const env = { PATH: NODE_PATH, RUN_FOREIGN_VERBOSE: '1' };
    expect((await runForeign([missing], { env })).stderr).toBe(line + more);
    expect((await runForeign(['inspect', missing], { env })).stderr).toBe(line + more);
    expect((await runForeign(['--verbose=false', missing], { env })).stderr).toBe(line);
    expect((await runForeign([missing], { env: { ...env, RUN_FOREIGN_VERBOSE: '0' } })).stderr).toBe(line);
  });
});
