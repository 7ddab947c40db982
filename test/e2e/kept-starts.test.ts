/**
 * The second start of a program that has not changed does without Node, and nothing else about it is different. Whenever something
 * speaks against what was kept, Node is asked as ever.
 */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startName } from '../../src/launcher/start-file.ts';
import { KeptStarts, settle } from '../support/kept-starts.ts';
import { inParallel, run, SAMPLES, sh, temporary } from '../support/run.ts';

const directory = temporary();
afterAll(directory.remove);
const kept = new KeptStarts(directory);
const at = (name: string) => join(directory.path, name);
const sample = (name: string) => join(SAMPLES, name);
const HELLO = sample('elf/x86_64/hello-static');

/** Files that are old enough to be kept, however new the checkout is. */
const copies = [
  'elf/x86_64/hello-static',
  'elf/x86_64/tally-static',
  'elf/x86_64/tally-static-pie',
  'elf/i386/tally-static',
  'aout/tally-qmagic',
  'aout/tally-zmagic',
  'flat/hello',
];
const copy = (name: string) => at(name.replaceAll('/', '-'));
const copyAs = (name: string, from = HELLO) => {
  copyFileSync(from, at(name));
  chmodSync(at(name), 0o755);
  return at(name);
};
const program = at('program');
const words = sample('inputs/words.txt');

beforeAll(async () => {
  for (const name of copies) copyAs(name.replaceAll('/', '-'), sample(name));
  copyAs('program');
  copyAs('other', sample('elf/x86_64/tally-static'));
  directory.file('script', '#!/bin/sh\nexit 0\n');
  directory.file('packed.gz', gzipSync(readFileSync(HELLO)));
  directory.file('manifest.json', '{ "run-foreign": 1, "program": "program" }');
  directory.file(
    'behind-line',
    Buffer.concat([Buffer.from(`#!${kept.command}\n`), readFileSync(sample('aout/tally-qmagic'))]),
  );
  await settle();
});
beforeEach(() => rmSync(join(kept.home, '.cache'), { recursive: true, force: true }));

/** The one file that is kept for `path`. */
const keptFor = (path: string) => {
  const { dev, ino } = statSync(path, { bigint: true });
  return join(kept.directory, startName({ dev, ino }));
};

describe('the second start', () => {
  test.each(copies.filter((name) => name !== 'flat/hello'))(
    'of %s needs no Node and does the same',
    async (name) => {
      const [first, second] = [await kept.start([copy(name), words]), await kept.start([copy(name), words])];
      expect(first.node).toBe(true);
      expect(second).toEqual({ ...first, node: false });
      expect(kept.files).toEqual([keptFor(copy(name))]);
    },
  );

  test('hands on every argument, the environment and the exit status', async () => {
    const native = await run('/bin/sh', ['-c', 'echo "$0|$1|$2|$#"; env; exit 77', '', 'ä ', '-x'], {
      env: kept.env,
    });
    const args = ['/bin/sh', '-c', 'echo "$0|$1|$2|$#"; env; exit 77', '', 'ä ', '-x'];
    await kept.keep(args);
    expect(await kept.start(args)).toEqual({ ...native, node: false });
    expect(native.status).toBe(77);
  });

  test('leaves no descriptor open, and closes none', async () => {
    const script = 'ls -l /proc/self/fd | sed "s/.* //" | sort; echo $PPID > /dev/null';
    const list = ['/bin/sh', '-c', script];
    await kept.keep(list);
    const open = (command: string) =>
      sh(`exec 7</dev/null; ${command} /bin/sh -c 'cd /proc/self/fd; echo *'`, [], { env: kept.env });
    const outcome = await kept.counted(() => open(kept.command));
    expect(outcome).toEqual({ ...(await open('')), node: false });
    expect(outcome.stdout).toMatch(/ 7( |$)/m);
    const closed = (command: string) =>
      sh(`${command} /bin/sh -c 'cd /proc/self/fd; echo * >&2' <&- >&-`, [], { env: kept.env });
    expect(await kept.counted(() => closed(kept.command))).toEqual({ ...(await closed('')), node: false });
  });

  test('gives the program the name it is called by, whatever it was kept as', async () => {
    const link = (name: string) => {
      symlinkSync('/bin/sh', at(name));
      return at(name);
    };
    const [one, another] = [link('one-name'), link('another-name')];
    const args = ['-c', 'echo $0; read -r name < /proc/$$/comm; echo $name'];
    await kept.keep([one, ...args]);
    const { stdout, node } = await kept.start([another, ...args]);
    expect({ stdout, node }).toEqual({ stdout: `${another}\nanother-name\n`, node: false });
  });

  test('counts a relative path from the current directory', async () => {
    await kept.keep(['./program'], { cwd: directory.path });
    expect((await kept.start(['program/../program'], { cwd: directory.path })).status).toBe(127);
    expect(await kept.start(['dist/../program'], { cwd: directory.path })).toMatchObject({
      status: 0,
      node: false,
    });
    // Nothing is there.
    expect(await kept.start(['./program'], { cwd: kept.home })).toMatchObject({ status: 127, node: true });
  });

  test('of a program behind a line that names us may be made by the kernel', async () => {
    const [first, second] = [
      await kept.keep([at('behind-line'), words]),
      await kept.counted(() => run(at('behind-line'), [words], { env: kept.env })),
    ];
    expect(second).toEqual({ ...first, node: false });
    expect(first.stdout).toContain('words.txt');
  });

  test.each(['maps', 'auxv', 'comm', 'cmdline', 'environ'])(
    'finds in /proc/self/%s what execve would have put there',
    async (name) => {
      // No address is random, so they can be compared; what is kept under setarch -R is of no use to others, so nothing is.
      const look = ['/bin/cat', `/proc/self/${name}`];
      const fixed = (...command: string[]) =>
        kept.counted(() => run('setarch', ['-R', ...command], { env: kept.env }));
      expect((await fixed(kept.command, ...look)).node).toBe(true);
      expect((await fixed(kept.command, ...look)).node).toBe(true);
      await kept.keep(look);
      expect(await fixed(kept.command, ...look)).toEqual({ ...(await fixed(...look)), node: false });
    },
  );

  test('may come at the same time as the first', async () => {
    const outcomes = await inParallel(Array.from({ length: 12 }), () => kept.start([program]), 6);
    for (const { node: _, ...outcome } of outcomes) expect(outcome).toEqual(await run(program));
    expect(kept.files).toEqual([keptFor(program)]);
    expect((await kept.start([program])).node).toBe(false);
  });
});

describe('nothing is kept', () => {
  test.each<[string, readonly string[], Readonly<Record<string, string>>]>([
    ['with an option', ['--format', 'elf', program], {}],
    ['with --no-cache', ['--no-cache', program], {}],
    ['with RUN_FOREIGN_NO_CACHE', [program], { RUN_FOREIGN_NO_CACHE: '1' }],
    ['with any variable of ours', [program], { RUN_FOREIGN_UNKNOWN: '' }],
    ['of what is found in PATH', ['hello-static'], { PATH: `${sample('elf/x86_64')}:/usr/bin:/bin` }],
    ['of a script', [at('script')], {}],
    ['of a packed program', [at('packed.gz')], {}],
    ['of a manifest', [at('manifest.json')], {}],
    ['without a home', [program], { HOME: '' }],
    ['in a home that is not there', [program], { HOME: at('nowhere') }],
    ['in a relative home', [program], { HOME: 'home' }],
  ])('%s', async (_, args, env) => {
    const options = { env: { ...kept.env, ...env }, cwd: directory.path };
    for (const __ of [1, 2]) {
      const { status, node } = await kept.start(args, options);
      expect({ status, node }).toEqual({ status: 0, node: true });
    }
    expect(readdirSync(kept.home)).toEqual([]);
    expect(readdirSync(directory.path)).not.toContain('nowhere');
  });

  test('and nothing that was kept is used with an option or a variable', async () => {
    await kept.keep([program]);
    expect((await kept.start(['--no-cache', program])).node).toBe(true);
    expect((await kept.start([program], { env: { ...kept.env, RUN_FOREIGN_NO_CACHE: '' } })).node).toBe(true);
    expect((await kept.start([program])).node).toBe(false);
  });

  test('of a file that was changed just now', async () => {
    const fresh = copyAs('fresh');
    expect((await kept.start([fresh])).node).toBe(true);
    expect(readdirSync(kept.home)).toEqual([]);
  });

  test('where the user has a configuration, and what was kept before is not used', async () => {
    await kept.keep([program]);
    const configuration = join(kept.home, '.config/run-foreign');
    mkdirSync(configuration, { recursive: true });
    expect((await kept.start([program])).node).toBe(true);
    rmSync(join(kept.home, '.config'), { recursive: true });
    expect((await kept.start([program])).node).toBe(false);
    const XDG_CONFIG_HOME = at('config');
    mkdirSync(join(XDG_CONFIG_HOME, 'run-foreign'), { recursive: true });
    expect((await kept.start([program], { env: { ...kept.env, XDG_CONFIG_HOME } })).node).toBe(true);
  });
});

test('XDG_CACHE_HOME says where, and relative ones say nothing', async () => {
  const XDG_CACHE_HOME = at('cache');
  await kept.keep([program], { env: { ...kept.env, XDG_CACHE_HOME } });
  expect(readdirSync(join(XDG_CACHE_HOME, 'run-foreign/starts'))).toEqual([basename(keptFor(program))]);
  expect(readdirSync(kept.home)).toEqual([]);
  await kept.keep([program], { env: { ...kept.env, XDG_CACHE_HOME: 'cache' } });
  expect(kept.files).toEqual([keptFor(program)]);
});

describe('a program that has changed is noticed', () => {
  const changes: [string, (path: string) => void, object][] = [
    [
      'other contents of the same size, with the old time',
      (path) => {
        const bytes = readFileSync(path);
        const { atime, mtime, size } = statSync(path);
        const text = bytes.indexOf('hello');
        expect(text).toBeGreaterThan(0);
        bytes.write('HELLO', text);
        writeFileSync(path, bytes);
        utimesSync(path, atime, mtime);
        expect(statSync(path).size).toBe(size);
      },
      { status: 0, stdout: expect.stringContaining('HELLO') },
    ],
    [
      'another file in its place',
      (path) => {
        renameSync(copyAs('replacement', sample('elf/x86_64/tally-static')), path);
      },
      { status: 0, stdout: expect.stringContaining('words.txt') },
    ],
    ['no right to execute it', (path) => chmodSync(path, 0o644), { status: 126 }],
    ['nothing there', (path) => rmSync(path), { status: 127 }],
    [
      'a directory',
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
      { status: 126 },
    ],
    ['garbage', (path) => writeFileSync(path, 'garbage'), { status: 126 }],
  ];
  const paths = changes.map((_, index) => at(`changing-${index}`));
  beforeAll(async () => {
    for (const path of paths) copyAs(basename(path));
    await settle();
  });
  test.each(changes.map(([what, ...rest], index) => [what, index, ...rest] as const))(
    '%s',
    async (_, index, change, then) => {
      const path = paths[index] as string;
      await kept.keep([path, words]);
      change(path);
      expect(await kept.start([path, words])).toMatchObject({ ...then, node: true });
    },
  );

  test('a file that somebody writes to', async () => {
    await kept.keep([program]);
    const { stderr, node } = await kept.counted(() =>
      sh(`exec 5>>${program}; ${kept.command} ${program}`, [], { env: kept.env }),
    );
    expect({ stderr, node }).toEqual({ stderr: expect.stringContaining('open for writing'), node: true });
  });
});

describe('what is kept is not used', () => {
  const spoil: [string, (path: string) => void][] = [
    ['when it is cut off', (path) => truncateSync(path, statSync(path).size - 8)],
    ['when it is empty', (path) => truncateSync(path, 0)],
    ['when it is longer', (path) => writeFileSync(path, Buffer.alloc(8), { flag: 'a' })],
    ['when a byte of its code is another', (path) => flip(path, 4000)],
    [
      'when the machine has lost a page of it',
      (path) => {
        const bytes = readFileSync(path);
        bytes.fill(0, 4096, 8192);
        writeFileSync(path, bytes);
      },
    ],
    ['when it was made by another build', (path) => flip(path, statSync(path).size - 256 + 20, true)],
    ['when it was made under another kernel', (path) => flip(path, statSync(path).size - 256 + 104, true)],
    ['when it has another name, too', (path) => linkSync(path, at(`link-${process.hrtime.bigint()}`))],
    ['when others may write to it', (path) => chmodSync(path, 0o722)],
    ['when its group may write to it', (path) => chmodSync(path, 0o720)],
    [
      'when it is a symbolic link',
      (path) => {
        renameSync(path, `${path}.moved`);
        symlinkSync(`${path}.moved`, path);
      },
    ],
    [
      'when it is a directory',
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
    ],
    [
      'when it is for another program',
      (path) => {
        copyFileSync(keptFor(at('other')), path);
      },
    ],
    ['when others may write to the directory', () => chmodSync(kept.directory, 0o777)],
    [
      'when the directory is a symbolic link',
      () => {
        renameSync(kept.directory, `${kept.directory}.moved`);
        symlinkSync(`${kept.directory}.moved`, kept.directory);
      },
    ],
  ];
  test.each(spoil)('%s', async (_, change) => {
    const native = await run(program);
    await kept.keep([at('other')]);
    await kept.keep([program]);
    change(keptFor(program));
    expect(await kept.start([program])).toEqual({ ...native, node: true });
  });

  test.runIf(process.getuid?.() === 0)('when it is another user’s', async () => {
    await kept.keep([program]);
    chownSync(keptFor(program), 12345, 12345);
    expect((await kept.start([program])).node).toBe(true);
    await kept.keep([program]);
    chownSync(kept.directory, 12345, 12345);
    expect((await kept.start([program])).node).toBe(true);
  });

  test('and what is wrong is made anew', async () => {
    await kept.keep([program]);
    flip(keptFor(program), 4000);
    expect((await kept.start([program])).node).toBe(true);
    expect((await kept.start([program])).node).toBe(false);
  });

  /** Changes a bit; `checked` makes the sums fit again. */
  function flip(path: string, offset: number, checked = false): void {
    const bytes = readFileSync(path);
    bytes[offset] = (bytes[offset] ?? 0) ^ 1;
    if (checked) {
      let [sum, sums] = [0n, 0n];
      const end = bytes.length - 16;
      for (let word = 0; word < end; word += 8) {
        sum = BigInt.asUintN(64, sum + bytes.readBigUInt64LE(word));
        sums = BigInt.asUintN(64, sums + sum);
      }
      bytes.writeBigUInt64LE(sum, end);
      bytes.writeBigUInt64LE(sums, end + 8);
    }
    writeFileSync(path, bytes);
  }
});

test('what is kept is the user’s own, and nobody else can look into it', async () => {
  await kept.keep([program]);
  for (const path of [kept.directory, keptFor(program)]) {
    expect(statSync(path)).toMatchObject({ uid: process.getuid?.() });
    expect(statSync(path).mode & 0o777).toBe(0o700);
  }
});

test('no more than so many are kept, and the oldest go', async () => {
  await kept.keep([program]);
  for (let index = 0; index < 256; index++) {
    const path = join(kept.directory, `old-${index}`);
    writeFileSync(path, '');
    utimesSync(path, index, index);
  }
  await kept.keep([at('other')]);
  expect(kept.files).toHaveLength(192);
  expect(kept.files).toEqual(expect.arrayContaining([keptFor(program), keptFor(at('other'))]));
  expect(kept.files).not.toContain(join(kept.directory, 'old-0'));
});

test.runIf(process.getuid?.() === 0)(
  'a user without privileges keeps starts, and root keeps none in their home',
  async () => {
    const own = mkdtempSync('/tmp/run-foreign-test-');
    try {
      chmodSync(own, 0o755);
      const home = join(own, 'home');
      mkdirSync(home);
      chownSync(home, 12345, 12345);
      chmodSync(directory.path, 0o755);
      chmodSync(at('log'), 0o666);
      const env = { ...kept.env, HOME: home };
      const start = (...prefix: string[]) =>
        kept.counted(() => run('setpriv', [...prefix, kept.command, program], { env }));
      expect((await kept.start([program], { env })).node).toBe(true);
      expect(readdirSync(home)).toEqual([]);
      const user = ['--reuid=12345', '--regid=12345', '--clear-groups', '--inh-caps=-all'];
      const [first, second] = [await start(...user), await start(...user)];
      expect(first).toEqual({ ...(await run(program)), node: true });
      expect(second).toEqual({ ...first, node: false });
      // What is theirs root does not execute.
      expect((await kept.start([program], { env })).node).toBe(true);
      // In a namespace that does not know them they could be anybody.
      expect((await start('--reuid=65534', '--regid=65534', '--clear-groups')).node).toBe(true);
    } finally {
      rmSync(own, { recursive: true });
    }
  },
);
