/**
 * The kit itself: the built package, in a project of a plugin author's, with loaders that break one promise each. What
 * vitest then says is what the author reads.
 */
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NODE_PATH, type Outcome, run, temporary } from '../support/run.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const directory = temporary();

/** A test file: `changes` to the toy loader, in JavaScript, and what is said of it beside `accepts`. */
interface Project {
  readonly changes?: string;
  readonly cases?: string;
}

/** What went wrong, by the name of the test; and the rest of what vitest wrote. */
interface Report {
  readonly failures: ReadonlyMap<string, string>;
  readonly passed: number;
  readonly output: string;
  readonly status: number | string;
}

beforeAll(() => {
  const modules = join(directory.path, 'node_modules');
  mkdirSync(modules);
  symlinkSync(ROOT, join(modules, 'run-foreign'));
  symlinkSync(join(ROOT, 'node_modules/vitest'), join(modules, 'vitest'));
  writeFileSync(join(directory.path, 'package.json'), JSON.stringify({ type: 'module' }));
  copyFileSync(new URL('./toy/toy.js', import.meta.url), join(directory.path, 'toy.js'));
});
afterAll(() => directory.remove());

/** Runs vitest on one folder, as an author does. */
function vitest(folder: string, ...options: string[]): Promise<Outcome> {
  const command = join(ROOT, 'node_modules/vitest/vitest.mjs');
  return run(
    process.execPath,
    [command, 'run', '--root', directory.path, '--dir', folder, '--pool', 'forks', ...options],
    { env: { PATH: NODE_PATH, NO_COLOR: '1' }, cwd: directory.path },
  );
}

/** Makes a folder with one such test file. */
function project(name: string, { changes = '', cases = '' }: Project): string {
  const folder = join(directory.path, name);
  mkdirSync(folder);
  const file = `
    import { memorySource } from 'run-foreign/loader';
    import { testLoader } from 'run-foreign/testkit';
    import { readFileSync } from 'node:fs';
    import { toy, toyProgram } from '../toy.js';
    const elf = readFileSync(${JSON.stringify(join(ROOT, 'samples/elf/x86_64/tally-static'))});
    testLoader({ ...toy, ${changes} }, { accepts: { hello: toyProgram() }, ${cases} });
  `;
  writeFileSync(join(folder, 'toy.test.js'), file);
  return folder;
}

async function runProject(name: string, described: Project): Promise<Report> {
  const folder = project(name, described);
  const report = join(folder, 'report.json');
  const reporters = ['--reporter', 'default', '--reporter', 'json', '--outputFile.json', report];
  const { status, stdout, stderr } = await vitest(folder, ...reporters);
  return { ...readReport(report), output: `${stdout}${stderr}`, status };
}

function readReport(path: string): Pick<Report, 'failures' | 'passed'> {
  const { testResults } = JSON.parse(readFileSync(path, 'utf8')) as {
    testResults: {
      assertionResults: { title: string; status: string; failureMessages: string[] }[];
    }[];
  };
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = results.filter(({ status }) => status === 'failed');
  return {
    failures: new Map(failed.map(({ title, failureMessages }) => [title, failureMessages.join('\n')])),
    passed: results.filter(({ status }) => status === 'passed').length,
  };
}

const PROGRAM = "name: 'hello', file: toyProgram('hello, toy\\n', 3)";

test('a loader that keeps its promises passes, and its plan is written down', {
  timeout: 120_000,
}, async () => {
  const { failures, passed, status, output } = await runProject('good', {
    cases: `
      rejects: { 'another toy': Buffer.from('TOY2') },
      broken: { 'no code': { file: Buffer.from('TOY1\\0\\0\\0\\0'), field: 'size', offset: 4 } },
      programs: [
        { ${PROGRAM}, stdout: 'hello, toy\\n', status: 3 },
        { name: 'one that crashes', file: Buffer.from('TOY1\\x02\\0\\0\\0\\x0f\\x0b', 'latin1'), stdout: '', signal: 'SIGILL' },
      ],`,
  });
  expect([...failures], output).toEqual([]);
  expect(status).toBe(0);
  expect(passed).toBe(12);
  const plan = readFileSync(join(directory.path, 'good/__plans__/hello.txt'), 'utf8');
  expect(plan).toMatch(/^program {2}\/samples\/hello\n/);
  expect(plan).not.toContain(directory.path);
});

/** What a loader or its author does, the test that fails, and the words that it fails with. */
const BROKEN: readonly (Project & {
  readonly name: string;
  readonly fails: string;
  readonly says: RegExp;
})[] = [
  {
    name: 'has no sound name',
    changes: "name: 'Toy loader'",
    fails: 'is a loader',
    says: /it is no loader: name is no name: up to 64 lower-case letters/,
  },
  {
    name: 'has no such option',
    cases: "options: { base: '1' },",
    fails: 'is a loader',
    says: /the loader toy has no option 'base'/,
  },
  {
    name: 'claims everything',
    changes: "probe: () => 'likely'",
    fails: 'probe claims no sample of another built-in loader',
    says: /probe must say null of run-foreign's own samples, and says 'likely' of aout\/hello-omagic/,
  },
  {
    name: 'claims nothing',
    changes: 'probe: () => null',
    fails: 'probe claims hello, the same each time and reading little',
    says: /probe says null of hello, which is in accepts/,
  },
  {
    name: 'claims what is rejected',
    cases: "rejects: { other: Buffer.from('TOY1') },",
    fails: 'probe does not claim other',
    says: /probe says 'exact' of other, and must say null/,
  },
  {
    name: 'reads 100 MB in probe',
    changes:
      'async probe(source) { await source.read(0, Math.min(source.size, 1e8)); return toy.probe(source); }',
    fails: 'probe claims hello, the same each time and reading little',
    says: /probe fails on hello with zeros behind it, .*it has read more than 65536 bytes, 100000000/,
  },
  {
    name: 'reads past the end in probe',
    changes:
      "async probe(source) { return (await source.read(0, 4)).toString() === 'TOY1' ? 'exact' : null; }",
    fails: 'probe does not claim an empty file',
    says: /probe fails on an empty file: it asks for 4 bytes at the file offset 0x0, past the end of 0 bytes/,
  },
  {
    name: 'changes its mind',
    changes: "probe: ((times) => () => (times++ % 2 ? 'exact' : 'likely'))(0)",
    fails: 'probe claims hello, the same each time and reading little',
    says: /probe says likely, then exact, then likely of the same bytes, hello/,
  },
  {
    name: 'refuses what it accepts',
    cases: "accepts: { hello: Buffer.from('TOY1') },",
    fails: 'hello comes to what __plans__/ says',
    says: /hello, which is in accepts, is refused: BAD_FORMAT: is no toy program/,
  },
  {
    name: 'throws a TypeError for a short file',
    changes: `load: (source, context) => {
      if (source.size === 21) throw new TypeError('oh no');
      return toy.load(source, context);
    }`,
    fails: 'hello may be cut short anywhere',
    says: /load fails on hello cut to its first 21 of 55 bytes: LOADER_FAILED: the loader toy failed: TypeError: oh no/,
  },
  {
    name: 'throws for a flipped bit',
    changes: `async load(source, context) {
      if ((await source.read(0, source.size))[5] === 0x40) throw 'no error';
      return toy.load(source, context);
    }`,
    fails: 'any bit of hello may be flipped',
    says: /load fails on hello with bit 6 of the byte at file offset 0x5 flipped, 0x0 to 0x40 \(flip 46\): .* it threw string no error/,
  },
  {
    name: 'names another field',
    cases: "broken: { none: { file: Buffer.from('TOY1\\0\\0\\0\\0'), field: 'magic', offset: 0 } },",
    fails: 'none is refused for its magic',
    says: /what none is refused for: has more code than file[\s\S]*size at file offset 0x4/,
  },
  {
    name: 'takes what is broken',
    cases: "broken: { none: { file: toyProgram(), field: 'size', offset: 4 } },",
    fails: 'none is refused for its size',
    says: /none is broken in size, and load does not say so: it comes to a plan/,
  },
  {
    name: 'loads something else each time',
    changes: `load: ((times) => async (source, context) => {
      const loaded = await toy.load(source, context);
      const { segments: [segment] } = loaded.image;
      return { ...loaded, image: { ...loaded.image, segments: [{ ...segment, name: String(times++) }] } };
    })(0)`,
    fails: 'hello comes to what __plans__/ says',
    says: /load makes different things of the same file, hello/,
  },
  {
    name: 'makes a confidential program',
    changes: `kind: 'wrapper', async load(source) {
      const read = await source.read(0, source.size);
      return { kind: 'unwrap', source: memorySource(Uint8Array.from(read.subarray(4)), 'inside', true) };
    }`,
    cases: `accepts: {}, programs: [{ name: 'hello', file: Buffer.concat([Buffer.from('TOY1'), elf]), stdout: '' }],`,
    fails: 'runs hello',
    says: /the program is confidential, and is not run by the testkit/,
  },
  {
    name: 'never ends',
    changes: `load: (source, context) => (source.size === 54 ? new Promise(() => {}) : toy.load(source, context))`,
    fails: 'hello may be cut short anywhere',
    says: /load fails on hello cut to its first 54 of 55 bytes: LOADER_FAILED: the loader toy hangs/,
  },
  {
    name: 'prints something else',
    cases: `programs: [{ ${PROGRAM}, stdout: 'bye', status: 3 }],`,
    fails: 'runs hello',
    says: /how hello ran/,
  },
  {
    name: 'ends otherwise',
    cases: `programs: [{ ${PROGRAM}, stdout: 'hello, toy\\n' }],`,
    fails: 'runs hello',
    says: /how hello ran/,
  },
];

test.each(BROKEN)(
  'a loader that $name fails',
  { timeout: 120_000 },
  async ({ name, fails, says, ...project }) => {
    const { failures, status, output } = await runProject(name.replaceAll(' ', '-'), project);
    expect(status, output).toBe(1);
    expect([...failures.keys()], output).toContain(fails);
    expect(failures.get(fails)).toMatch(says);
  },
);

test('a loader that plans otherwise than its golden file says fails', { timeout: 120_000 }, async () => {
  const folder = project('plan', {});
  expect(await vitest(folder)).toMatchObject({ status: 0 });
  const file = join(folder, '__plans__/hello.txt');
  writeFileSync(file, readFileSync(file, 'utf8').replace('r-x', 'rwx'));
  const { status, stdout, stderr } = await vitest(folder);
  expect(status).toBe(1);
  expect(`${stdout}${stderr}`).toMatch(/hello comes to what __plans__\/ says/);
  expect(`${stdout}${stderr}`).toMatch(/- .*rwx[\s\S]*\+ .*r-x/);
});

test('a loader that hangs on a flipped bit ends the run, which says on what', {
  timeout: 180_000,
}, async () => {
  const folder = project('hang', {
    changes: `async load(source, context) {
      if (source.size === 55 && (await source.read(0, 55))[5] === 0x40) for (;;);
      return toy.load(source, context);
    }`,
  });
  const { status, stdout, stderr } = await vitest(folder);
  expect(status).toBe(1);
  expect(`${stdout}${stderr}`).toMatch(
    /the loader toy hangs on hello with bit 6 of the byte at file offset 0x5 flipped, .*, in load: it has not ended after 10 s/,
  );
});

/** Other things that a loader may be and do, each of which passes. */
const SOUND: readonly (Project & { readonly name: string })[] = [
  {
    name: 'is asked last, and has an option',
    changes: `order: 'post', probe: () => 'likely', options: { base: { type: 'integer', help: 'where' } },
    load(source, context) {
      if (context.options.base !== 0x1000n) throw new Error('no option');
      return toy.load(source, context);
    }`,
    cases: `options: { base: '0x1000' }, programs: [{ ${PROGRAM}, stdout: 'hello, toy\\n', status: 3 }],`,
  },
  {
    name: 'names an interpreter',
    changes: `load: () => ({ kind: 'interpreter', path: Buffer.from('/bin/sh'), args: [Buffer.from('-e')] })`,
    cases: `programs: [{
      name: 'a script', file: Buffer.from('TOY1=x\\necho $1 $TOY1 $-'), args: ['first'], stdout: 'first x e\\n'
    }],`,
  },
  {
    name: 'names another program',
    changes: `load: () => ({
      kind: 'program', name: Buffer.from('/bin/sh'), args: ['-c', 'echo $0 $GREETING'].map((each) => Buffer.from(each)),
      env: [Buffer.from('GREETING=hi')], identities: [], argv0: Buffer.from('shell'),
    })`,
    cases: `programs: [{ name: 'another', file: toyProgram(), args: ['zero'], stdout: 'zero hi\\n' }],`,
  },
  {
    name: 'unwraps',
    changes: `kind: 'wrapper', async load(source) {
      const read = await source.read(0, source.size);
      return { kind: 'unwrap', source: memorySource(Uint8Array.from(read.subarray(4)), 'inside') };
    }`,
    cases: `accepts: { hello: Buffer.concat([Buffer.from('TOY1'), Buffer.from('#!run-foreign\\n'), elf]) },
    programs: [{ name: 'an ELF inside', file: Buffer.concat([Buffer.from('TOY1'), elf]), stdin: 'x', stdout: '0 1 1 -\\n' }],`,
  },
];

test.each(SOUND)('a loader that $name passes', { timeout: 120_000 }, async ({ name, ...described }) => {
  const { failures, status, output } = await runProject(name.replaceAll(/[ ,]+/g, '-'), described);
  expect([...failures], output).toEqual([]);
  expect(status, output).toBe(0);
});
