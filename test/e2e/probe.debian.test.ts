/**
 * Everything a process can see of itself (test/programs/probe), started by execve and by us, for every way of
 * linking and in unusual states (test/programs/unusual.c). Writes the first table of docs/fidelity.md.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DIFFERENCES } from '../../src/launch/differences.ts';
import { expectSection, table } from '../support/fidelity.ts';
import { COMMAND, inParallel, NODE_PATH, run, temporary } from '../support/run.ts';
import { compile, LINKINGS } from './compile.ts';
import {
  EXCEPTIONS,
  expectedFacts,
  type Fact,
  OBSERVABLES,
  observableOf,
  parseFacts,
  vdsoApart,
} from './observables.ts';

const directory = temporary();
afterAll(() => directory.remove());
const at = (name: string) => join(directory.path, name.replaceAll(' ', '-'));

beforeAll(async () => {
  await inParallel(LINKINGS, ({ title, flags }) => compile('probe', flags, at(title)), 2);
  await compile('unusual.c', [], at('unusual'));
});

const ENVIRONMENT = { PATH: NODE_PATH, PARENT: String(process.pid), EMPTY: '', Z: 'a\x01b' };
const ARGS = ['', 'one', '--two=\x7f', '-'];
/** A fact of each kind that was met. */
const seen = new Map<string, Fact>();

/** The facts of a program, started by `command`, whose last word is the program. */
async function factsOf(command: readonly string[]): Promise<Fact[]> {
  const [file = '', ...words] = command;
  const { status, stdout, stderr } = await run(file, [...words, ...ARGS], { env: ENVIRONMENT, cwd: '/usr' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return parseFacts(stdout);
}

async function expectSame(program: string, prefix: readonly string[] = [], maySetExe = true): Promise<void> {
  const native = await factsOf([...prefix, program]);
  const foreign = await factsOf([...prefix, COMMAND, program]);
  const random = (facts: readonly Fact[]) =>
    facts.find(({ observable }) => observable === 'AT_RANDOM')?.value;
  expect(random(foreign)).not.toBe(random(native));
  const rest = (facts: readonly Fact[]) =>
    vdsoApart(facts.filter(({ observable }) => observable !== 'AT_RANDOM'));
  expect(rest(foreign)).toEqual(rest(expectedFacts(native, maySetExe)));
  for (const fact of native) seen.set(`${fact.observable}\t${fact.detail}`, fact);
}

describe.each(LINKINGS)('$title', ({ title }) => {
  test('sees of itself what it sees under execve', () => expectSame(at(title)));

  test('and without randomisation', () => expectSame(at(title), ['setarch', '-R']));
});

const STATES = [
  'signals',
  'SIGCHLD ignored',
  'process',
  'limits',
  'unlimited stack',
  'descriptors',
  'closed',
  'nonblocking',
  'strings',
];

describe.each(['64-bit dynamic PIE', '64-bit static', '32-bit dynamic non-PIE'])('%s', (title) => {
  test.each(STATES)('in the state "%s" sees what it sees under execve', (state) =>
    expectSame(at(title), [at('unusual'), state]),
  );

  test.each([
    ['a session of its own', ['setsid', '-w']],
    ['an old address space layout', ['setarch', '--addr-compat-layout']],
    ['the personality of Linux 2.6', ['setarch', '--uname-2.6']],
    ['a page at address 0', ['setarch', '--mmap-page-zero']],
    ['ambient capabilities', ['setpriv', '--inh-caps=+net_raw,+kill', '--ambient-caps=+net_raw,+kill']],
  ])('with %s sees what it sees under execve', (_, prefix) => expectSame(at(title), prefix));

  test.each([
    ['no capability', ['setpriv', '--bounding-set=-all', '--inh-caps=-all']],
    ['securebits', ['setpriv', '--securebits=+noroot,+no_setuid_fixup']],
  ])('with %s sees what it sees under execve, but for its file', (_, prefix) =>
    expectSame(at(title), prefix, false),
  );
});

test('READ_IMPLIES_EXEC is what it is for 64-bit programs, and lost for 32-bit ones', async () => {
  const prefix = ['setarch', '--read-implies-exec'];
  await expectSame(at('64-bit dynamic PIE'), prefix);
  const program = at('32-bit dynamic non-PIE');
  const personality = (facts: readonly Fact[]) =>
    facts.find(({ observable }) => observable === '/proc/self/personality')?.value;
  expect(personality(await factsOf([...prefix, program]))).toBe('00400000');
  expect(personality(await factsOf([...prefix, COMMAND, program]))).toBe('00000000');
});

test('the page of differences says what was compared and what was found', () => {
  const facts = [...seen.values()];
  expect(facts.filter((fact) => OBSERVABLES[observableOf(fact)] === undefined)).toEqual([]);
  const rows = Object.entries(OBSERVABLES).map(([observable, compared]) => {
    const differences = EXCEPTIONS.filter(({ matches }) =>
      facts.some((fact) => observableOf(fact) === observable && matches(fact)),
    );
    const texts = new Set(differences.map(({ difference }) => difference.what));
    return [observable, compared, texts.size === 0 ? 'equal' : `equal, but ${[...texts].join('; ')}`];
  });
  const reasons = Object.values(DIFFERENCES).map(({ what, why }) => `- ${what}: ${why}.`);
  expectSection(
    'observables',
    `${table(['observable', 'what is compared', 'result'], rows)}\n\nWhat cannot be equal:\n\n${reasons.join('\n')}`,
  );
});
