/** Loaders from elsewhere that misbehave: each is reported by its name, and harms nothing. */
import { afterAll, describe, expect, test } from 'vitest';
import { COMMAND, type Outcome, quote, sh, temporary } from '../support/run.ts';
import { keyPair, sealFor } from '../support/sealed.ts';
import {
  expectFailure,
  loaderWriter,
  plainLoader,
  runAt,
  shellLoader,
  TOY_LOADER,
  TOY_RUN,
  toyProgram,
  wrappedShell,
  writeFiles,
} from '../support/toy.ts';

const directory = temporary();
afterAll(directory.remove);
const cwd = directory.path;
writeFiles(cwd, { prog: toyProgram(), shell: wrappedShell() });

const written = loaderWriter(cwd);

/** Starts the wrapped shell, which would say `started`, with such a loader. */
function startShell(source: string, ...options: string[]): Promise<Outcome> {
  return runAt({ cwd }, '--loader', written(source), ...options, './shell', '-c', 'echo started');
}

test('the loader that the following are made of works', async () => {
  expect(await startShell(shellLoader())).toEqual({ status: 0, stdout: 'started\n', stderr: '' });
});

describe('a loader that throws', () => {
  const broken = "throw new TypeError('oh no');";

  test('when it is loaded: where, by file and line', async () => {
    expectFailure(
      await startShell(shellLoader({ atImport: broken })),
      /loader-\d+\.ts: fails: TypeError: oh no \(.*loader-\d+\.ts:2:7\)\n$/,
    );
  });

  test('in load: where, by the line of the TypeScript', async () => {
    expectFailure(
      await startShell(shellLoader({ inLoad: `const x: number = 1;\n${broken}` })),
      /^run-foreign: \.\/shell: the loader wrapped failed: TypeError: oh no \(.*loader-\d+\.ts:\d+:7\)\n$/,
    );
  });

  test('in probe has said "not mine": others are asked, and the program starts', async () => {
    const throwing = written(shellLoader({ inProbe: broken }));
    const toy = written(TOY_LOADER);
    const { status, stdout, stderr } = await runAt({ cwd }, '--loader', throwing, '--loader', toy, './prog');
    expect({ status, stdout }).toEqual({ status: TOY_RUN.status, stdout: TOY_RUN.stdout });
    expect(stderr).toMatch(/^run-foreign: \.\/prog: the loader wrapped failed: TypeError: oh no \(.*\)\n$/);
  });

  test.each([
    ['a string', "throw 'oh no'", 'it threw string oh no'],
    ['nothing', 'throw undefined', 'it threw undefined undefined'],
    [
      'what only looks like an error of ours',
      "throw { [Symbol.for('run-foreign.error')]: true, exitCode: 0, message: 'fine' }",
      'returned nonsense: the error that it threw.code is none of',
    ],
    [
      'an error that would end well',
      "const e = new (await import('run-foreign/loader')).ForeignError('BAD_FORMAT', 'x'); e.exitCode = 0; throw e;",
      'the error that it threw.exitCode is none of 126',
    ],
  ])('%s', async (_, statement, text) => {
    const source = shellLoader({ inLoad: statement }).replace('load(source)', 'async load(source)');
    expectFailure(await startShell(source), text);
  });
});

describe('a loader that hangs', () => {
  const LIMIT = ['--loader-timeout', '3'];
  const AFTER =
    'it has not ended after 3 s of its own time; if it only needs longer, --loader-timeout gives it more';

  test.each([
    ['for ever at the import', { atImport: 'for (;;);' }, /the loader in \/.*loader-\d+\.ts hangs/],
    ['for ever in probe', { inProbe: 'for (;;);' }, /the loader wrapped hangs/],
    ['for ever in load', { inLoad: 'for (;;);' }, /the loader wrapped hangs/],
    ['in load on a promise', { inLoad: 'return new Promise(() => {});' }, /the loader wrapped hangs/],
    [
      'in what it has made',
      { inLoad: "return { kind: 'unwrap', source: { ...source, file: undefined, read() { for (;;); } } };" },
      /the loader wrapped hangs/,
    ],
  ])('%s is ended', async (_, when, text) => {
    const outcome = await startShell(shellLoader(when), ...LIMIT);
    expectFailure(outcome, text);
    expect(outcome.stderr).toContain(AFTER);
  });

  test('in probe on a promise has said "not mine": the others are asked', async () => {
    const hanging = written(shellLoader({ inProbe: 'await new Promise(() => {});' }));
    const toy = written(TOY_LOADER);
    const outcome = await runAt({ cwd }, ...LIMIT, '--loader', hanging, '--loader', toy, './prog');
    expect({ ...outcome, stderr: '' }).toEqual(TOY_RUN);
    expect(outcome.stderr).toBe(`run-foreign: ./prog: the loader wrapped hangs: ${AFTER}\n`);
  });
});

describe('the process is not the loader’s', () => {
  test.each([
    ['ends it', { inLoad: 'process.exit(0);' }, 'a loader may not end the process ('],
    ['ends it at the import', { atImport: 'process.exit(0);' }, 'a loader may not end the process ('],
    ['goes elsewhere', { inLoad: "process.chdir('/');" }, 'a loader may not change the current directory ('],
    ['changes the umask', { inLoad: 'process.umask(0o777);' }, 'a loader may not change the umask ('],
  ])('who %s fails', async (_, when, text) => {
    const { status, stdout, stderr } = await startShell(shellLoader(when));
    expect(stderr).toContain(text);
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
  });

  test('who ends it later fails, too', async () => {
    const source = shellLoader({
      atImport: 'setTimeout(() => process.exit(0), 0);',
      inLoad: 'await new Promise((done) => setTimeout(done, 20_000));',
    });
    expectFailure(
      await startShell(source.replace('load(source)', 'async load(source)')),
      'a loader failed after it had ended: Error: a loader may not end the process',
    );
  });

  test('what it prints does not come before what the program does', async () => {
    const source = shellLoader({ atImport: "console.log('noise');" });
    expect(await startShell(source)).toEqual({ status: 0, stdout: 'started\n', stderr: 'noise\n' });
  });

  test('what it leaves open, sets or waits for is gone when the program starts', async () => {
    const left = `import { openSync } from 'node:fs';
import { createServer } from 'node:net';
openSync('/etc/passwd');
createServer().listen(0);
setInterval(() => {}, 10);
process.on('SIGTERM', () => {});
process.env['LEFT'] = 'x';
process.title = 'left';`;
    const loader = written(shellLoader({ atImport: left }));
    const look =
      'pwd; umask; env | sort; grep -e SigIgn -e SigCgt /proc/$$/status; cat /proc/$$/comm; echo /proc/$$/fd/*';
    const strip = ({ status, stdout, stderr }: Outcome) =>
      `${status} ${stdout.replace(/\/proc\/\d+/g, '/proc/N')} ${stderr}`;
    // A variable of the shell's own, which names the program by the way it was started.
    const start = (command: string) =>
      sh(`umask 027; exec ${command} -c ${quote(look)} 5</dev/null`, [], {
        cwd,
        env: { PATH: '/usr/bin:/bin' },
      });
    const node = quote(process.execPath.replace(/\/[^/]*$/, ''));
    const direct = strip(await start('/bin/sh'));
    const ours = await start(
      `/usr/bin/env PATH=${node}:/usr/bin:/bin ${quote(COMMAND)} --argv0 /bin/sh --env PATH=/usr/bin:/bin --loader ${loader} ./shell`,
    );
    expect(strip(ours).replace('\nshell\n', '\nsh\n')).toBe(direct);
  });

  test('a loader that stays behind does not keep an error from ending the command', async () => {
    const source = shellLoader({ atImport: 'setInterval(() => {}, 10);' });
    const outcome = await runAt({ cwd }, '--loader', written(source), '/etc/passwd');
    expect(outcome.status).toBe(126);
    expect((await runAt({ cwd }, 'formats', '--loader', written(source))).status).toBe(0);
  });
});

/** The toy loader, with something else in its image. */
const toyWith = (changes: string) =>
  TOY_LOADER.replace(
    "kind: 'image',\n      image: {",
    `kind: 'image',\n      image: {...image(), ${changes} }};\n function image() { return {`,
  ).replace('      },\n    };\n  },\n});', '      }; }\n  },\n});');
const SEGMENT = `{ name: 'code', address: base, size, content: { source, offset: 16, size: Number(size) },
  protection: { read: true, write: false, execute: true } }`;
const toyWithSegment = (changes: string) => toyWith(`segments: [{ ...${SEGMENT}, ${changes} }]`);
const toyWithSource = (changes: string) =>
  toyWithSegment(
    `content: { source: { ...source, file: undefined, ${changes} }, offset: 16, size: Number(size) }`,
  );

describe('a loader that returns nonsense', () => {
  test('the loader that the following are made of works', async () => {
    const loader = written(toyWithSegment(''));
    expect(await runAt({ cwd }, '--loader', loader, './prog')).toEqual(TOY_RUN);
  });

  test.each([
    [
      'a verdict',
      TOY_LOADER.replace("'exact' : null", 'true : false'),
      126,
      'returned nonsense: its verdict is none of',
    ],
    [
      'nothing',
      TOY_LOADER.replace("return {\n      kind: 'image'", "return;\n ({\n      kind: 'image'").replace(
        '    };\n  },',
        '    });\n  },',
      ),
      125,
      'returned nonsense: it is no object (undefined)',
    ],
    [
      'a number for an address',
      toyWithSegment('address: 0x10000000'),
      125,
      'image.segments[0].address is no bigint (number)',
    ],
    ['another format', toyWith("format: 'elf'"), 125, "image.format is not the loader's name, 'toy'"],
    [
      'no end of segments',
      toyWith('segments: Object.assign([], { length: 2 ** 32 - 1 })'),
      125,
      'image.segments has more than',
    ],
    [
      'a list that is none',
      toyWith('segments: { length: 2 ** 40 }'),
      125,
      'image.segments is no array (object)',
    ],
    ['an image that throws', toyWith("get entry() { throw new Error('ha'); }"), 125, 'failed: Error: ha'],
    ['fewer bytes', toyWithSource('read: () => new Uint8Array(3)'), 125, 'source gives 3 bytes where'],
    ['no bytes', toyWithSource("read: () => 'text'"), 125, 'source.read() is no Uint8Array (string)'],
    [
      'a source that throws',
      toyWithSource("read() { throw new Error('gone'); }"),
      125,
      'failed: Error: gone',
    ],
    [
      'a source that rejects',
      toyWithSource("read: async () => { throw new Error('gone'); }"),
      125,
      'failed: Error: gone',
    ],
    [
      'a file that it was not given',
      toyWithSegment(
        "content: { source: { ...source, file: { fd: 0, path: Buffer.from('x'), offset: 0 } }, offset: 16, size: 1 }",
      ),
      125,
      'source.file is no part of a file that the loader was given',
    ],
    [
      'a file larger than it is',
      toyWithSegment('content: { source: { ...source, size: 2 ** 40 }, offset: 16, size: 1 }'),
      125,
      'source.file is no part of a file that the loader was given',
    ],
  ])('%s', async (_, source, status, text) => {
    const { stdout, stderr, ...outcome } = await runAt({ cwd }, '--loader', written(source), './prog');
    expect(stderr).toContain('the loader toy');
    expect(stderr).toContain(text);
    expect({ stdout, status: outcome.status }).toEqual({ stdout: '', status });
  });

  test('a source whose size changes counts as it was', async () => {
    const growing = toyWithSource('get size() { return this.n = (this.n ?? 1) * 2000; }');
    expect(await runAt({ cwd }, '--loader', written(growing), './prog')).toEqual(TOY_RUN);
  });
});

describe('a loader with a hostile image', () => {
  test.each([
    [
      'in the kernel',
      toyWithSegment('address: 0xffff_8000_0000_0000n'),
      'reaches past the last user address',
    ],
    ['below zero', toyWithSegment('address: -4096n'), 'negative address'],
    ['of no size', toyWithSegment('size: 0n'), 'is empty'],
    ['of a negative size', toyWithSegment('size: -1n'), 'is empty'],
    ['larger than memory', toyWithSegment('size: 2n ** 80n'), 'reaches past the last user address'],
    [
      'more in the file than in memory',
      toyWithSegment('size: 1n'),
      'has more bytes in the file than in memory',
    ],
    [
      'bytes past the end',
      toyWithSegment('content: { source, offset: 2 ** 40 + 1, size: 1 }'),
      "needs the file's bytes",
    ],
    [
      'a negative offset',
      toyWithSegment('content: { source, offset: -1, size: 1 }'),
      "needs the file's bytes",
    ],
    ['half an offset', toyWithSegment('content: { source, offset: 0.5, size: 1 }'), 'is no whole number'],
    [
      'too many segments',
      toyWith(`segments: Array.from({ length: 5000 }, () => (${SEGMENT}))`),
      'more than 4096',
    ],
    ['no segments', toyWith('segments: []'), 'has no segments'],
    ['an entry nowhere', toyWith('entry: 0x1234_5678n'), 'lies in no executable segment'],
    [
      'an entry in data',
      toyWithSegment('protection: { read: true, write: true, execute: false }'),
      'lies in no executable segment',
    ],
    ['ranges backwards', toyWith('code: { start: 2n, end: 1n }'), 'is not a range of user addresses'],
    ['an odd alignment', toyWith("placement: { kind: 'pie', align: 3n }"), 'not a power of two'],
  ])('%s is refused, and the loader named', async (_, source, text) => {
    const outcome = await runAt({ cwd }, '--loader', written(source), './prog');
    expectFailure(outcome, /cannot be run: .* \(says the loader toy\)\n$/, 126);
    expect(outcome.stderr).toContain(text);
  });

  test('cannot change after it was looked at', async () => {
    const changing = toyWith(`get entry() { return this.n++ ? 0n : base; }, n: 0`);
    expect(await runAt({ cwd }, '--loader', written(changing), './prog')).toEqual(TOY_RUN);
  });
});

describe('a sealed program', async () => {
  const { secret, recipient } = await keyPair();
  writeFiles(cwd, { 'key.txt': secret, sealed: await sealFor(toyProgram('words of wisdom'), recipient) });
  const start = (source: string) => runAt({ cwd }, '-i', 'key.txt', '--loader', written(source), './sealed');
  const telling = 'throw new Error(Buffer.from(await source.read(0, source.size)).toString());';

  test('is run by a loader from elsewhere', async () => {
    expect(await start(TOY_LOADER)).toEqual({ ...TOY_RUN, stdout: 'words of wisdom' });
  });

  test.each([
    ['load', /is confidential, and what is inside cannot be run \(LOADER_FAILED\)/, 125],
    ['probe', /is confidential, and what is inside cannot be run \(LOADER_FAILED\)/, 126],
  ])('is not shown by what is thrown in %s', async (method, text, status) => {
    const probe = "probe: async (source) => (String(await source.read(0, 4)) === 'TOY1' ? 'exact' : null),";
    const source = plainLoader('telling', `${probe} async ${method}(source) { ${telling} }`);
    const outcome = await start(source);
    expectFailure(outcome, text, status);
    expect(outcome.stderr).not.toContain('wisdom');
  });

  test('and nonsense about it names the loader all the same', async () => {
    expectFailure(
      await start(toyWith('variant: 1')),
      'the loader toy returned nonsense: image.variant is no string',
    );
  });
});
