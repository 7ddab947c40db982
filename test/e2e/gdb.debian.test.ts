/** `--gdb`: programs under gdb, from before their first instruction on, beside the same programs that gdb itself has started. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { debugForeign, GDB_ENV, typed, withoutNumbers } from '../support/gdb.ts';
import { behindLine, COMMAND, NODE_PATH, run, runForeign, SAMPLES, sh, temporary } from '../support/run.ts';
import { compile } from './compile.ts';
import { samples } from './sample-runs.ts';

const directory = temporary();
afterAll(directory.remove);
const at = (name: string) => join(directory.path, name);
const sample = (name: string) => join(SAMPLES, name);

beforeAll(async () => {
  await compile('debugged.c', ['-g'], at('pie'));
  await compile('debugged.c', ['-g', '-no-pie'], at('fixed'));
  await compile('debugged.c', ['-g', '-static'], at('static'));
  await compile('debugged.c', ['-g', '-static-pie'], at('static-pie'));
  await compile('debugged.c', ['-g', '-m32'], at('pie32'));
});

function sampleCalled(name: string): { file: string; options: readonly string[] } {
  const found = samples.find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no sample ${name}`);
  return { file: found.file, options: found.options ?? [] };
}

const BUILDS = ['pie', 'fixed', 'static', 'static-pie', 'pie32'];
/** Everything that execve decides, and gdb can show. */
const LOOKS = [
  'info registers',
  'info float',
  'info auxv',
  'info proc mappings',
  'info sharedlibrary',
  'x/40wx $sp',
  'x/2i $pc',
  'info symbol $pc',
  'info address __vdso_gettimeofday',
];

/** As gdb starts it by itself, with our environment and no other. */
function native(program: string, args: readonly string[], commands: readonly string[]) {
  const environment = Object.entries(GDB_ENV).map(([name, value]) => `${name}=${value}`);
  return run(
    'gdb',
    [
      '-q',
      ...['-ex', `set exec-wrapper env -i ${environment.join(' ')}`, '-ex', 'starti'],
      ...['--args', program, ...args],
    ],
    { env: GDB_ENV, input: typed(commands) },
  );
}

describe.each(BUILDS)('%s', (build) => {
  test('it stands at its first instruction, as execve has made it, to the bit', async () => {
    const [theirs, ours] = await Promise.all([
      native(at(build), ['one', 'two'], LOOKS),
      debugForeign([at(build), 'one', 'two'], LOOKS),
    ]);
    expect(ours.stdout).toContain('Program stopped.');
    // What the kernel takes at random.
    const comparable = (text: string) => withoutNumbers(text).replace(/^.*AT_RANDOM.*$/m, '');
    expect(comparable(ours.stdout)).toBe(comparable(theirs.stdout));
  });

  test('breakpoints by name, backtraces with lines, variables, the end', async () => {
    const commands = ['break innermost', 'continue', 'backtrace', 'print answer', 'finish', 'continue'];
    const { stdout } = await debugForeign([at(build), 'one'], commands);
    expect(stdout).toMatch(/Breakpoint 1, innermost \(value=3\) at .*debugged\.c:\d+/);
    expect(stdout).toMatch(
      /#1 .* in outer \(value=.*\)\s+at .*debugged\.c:25\n#2 .* in main \(argc=2, .*\)\s+at/,
    );
    expect(stdout).toContain('$1 = 42');
    expect(stdout).toContain('Value returned is $2 = 45');
    expect(stdout).toContain('1 arguments, 46\n[Inferior 1 (process ');
    expect(stdout).toContain('exited with code 03]');
  });
});

test('run, start and starti begin from the beginning, as often as one likes', async () => {
  const { stdout } = await debugForeign([at('pie'), 'one'], ['start', 'run', 'continue', 'starti', 'kill']);
  expect(stdout.match(/^(?:\(gdb\) )*Starting program: /gm)).toHaveLength(4);
  expect(stdout.match(/Temporary breakpoint 1, main \(argc=2/g)).toHaveLength(1);
  expect(stdout.match(/1 arguments, 46/g)).toHaveLength(1);
  expect(stdout.match(/^Program stopped\.$/gm)).toHaveLength(2);
});

test('redirections of run, and the directory that gdb is told, are as with any program', async () => {
  const commands = [
    'run >redirected',
    'shell cat redirected',
    'set cwd /usr',
    'break main',
    'run',
    'info proc',
  ];
  const { stdout } = await debugForeign([at('pie')], commands, directory.path);
  expect(stdout).toContain('(gdb) 0 arguments, 45\n');
  expect(stdout).toContain("cwd = '/usr'");
});

test('--verbose says what it says of any start', async () => {
  const { stderr } = await run(COMMAND, ['--verbose', '--gdb', at('pie')], { env: GDB_ENV });
  expect(stderr).toContain(`run-foreign: ${at('pie')}: elf (dynamic PIE), x86_64, entry 0x`);
});

test('the program has none of the descriptors that gdb was given', async () => {
  copyFileSync(at('pie'), at('descriptors'));
  const list = ['shell ls /proc/$(pgrep -n -x descriptors)/fd | tr "\\n" " "', 'kill'];
  const ours = await debugForeign([at('descriptors')], list);
  const theirs = await native(at('descriptors'), [], list);
  const numbers = (text: string) => /\(gdb\) (0 1 2 (?:\d+ )*)/.exec(text)?.[1];
  expect(numbers(theirs.stdout)).toBeDefined();
  expect(numbers(ours.stdout)).toBe(numbers(theirs.stdout));
});

describe('where gdb cannot read the program itself', () => {
  const COMMANDS = ['break innermost', 'continue', 'backtrace 2', 'continue'];
  const expectSymbols = (stdout: string) => {
    expect(stdout).toMatch(/Breakpoint 1, innermost \(value=2\) at .*debugged\.c:\d+/);
    expect(stdout).toContain('0 arguments, 45');
  };

  test('packed', async () => {
    directory.file('packed.gz', gzipSync(readFileSync(at('pie'))));
    expectSymbols((await debugForeign([at('packed.gz')], COMMANDS)).stdout);
  });

  test('behind a #! line', async () => {
    directory.file('behind', behindLine(readFileSync(at('pie'))));
    expectSymbols((await debugForeign([at('behind')], COMMANDS)).stdout);
  });

  test('through a descriptor, deleted meanwhile', async () => {
    copyFileSync(at('pie'), at('deleted'));
    const script = 'exec 5<"$2"; rm "$2"; exec "$1" --gdb fd:5';
    const { stdout } = await sh(script, [COMMAND, at('deleted')], {
      env: GDB_ENV,
      input: typed(COMMANDS),
    });
    expectSymbols(stdout);
  });

  test('a.out has its symbols, and stops at its first instruction', async () => {
    const looks = ['info symbol $pc', 'print/x $eflags', 'info symbol 0x40', 'continue'];
    const { stdout } = await debugForeign([sample('aout/hello-omagic')], looks);
    expect(stdout).toContain('Program stopped.\n0x00000000 in _start ()');
    expect(stdout).toContain('_start in section .text');
    expect(stdout).toContain('message in section .text');
    expect(stdout).toContain('$1 = 0x202');
    expect(stdout).toContain('hello from a.out OMAGIC\n[Inferior 1 (process ');
  });

  test.each(['aout-tally-qmagic', 'ape-tally', 'flat-tally-x86_64', 'flat-tally-i386'])(
    '%s stops at its entry and runs to its end',
    async (wanted) => {
      const { file, options } = sampleCalled(wanted);
      const { stdout: shown } = await runForeign(['inspect', ...options, sample(file)]);
      const entry = /^entry +0x([0-9a-f]+)/m.exec(shown)?.[1];
      const looks = ['info registers', 'continue'];
      const { stdout } = await debugForeign([...options, sample(file), 'inputs/words.txt'], looks);
      expect(stdout).toMatch(new RegExp(`Program stopped\\.\\n0x0*${entry} in `));
      expect(stdout).toMatch(/^\(gdb\) \(gdb\) [er]ax +0x0 /m);
      expect(stdout).toContain('3 6 30 inputs/words.txt\n');
      expect(stdout).toContain('exited normally]');
    },
  );

  test('an APE has what its compiler wrote beside it', async () => {
    copyFileSync(sample('ape/tally'), at('tally.com'));
    copyFileSync(sample('elf/x86_64/tally-static'), at('tally.com.dbg'));
    const { stdout } = await debugForeign([at('tally.com')], ['info inferiors']);
    expect(stdout).toContain(`Reading symbols from ${at('tally.com.dbg')}`);
    expect(stdout).toMatch(/Program stopped\.\n0x0*401247 in /);
  });
});

test('a script is debugged as its interpreter', async () => {
  directory.file('script', `#!${at('pie')} word\n`);
  const { stdout } = await debugForeign([at('script'), 'more'], ['break main', 'run', 'print argv[2]']);
  expect(stdout).toContain(`"${at('script')}"`);
  expect(stdout).toContain('main (argc=4');
});

test('what is to be changed for the program is changed for the program only', async () => {
  const args = ['--argv0', 'other', '--env', 'NEW=value', '--unset-env', 'HOME', at('pie')];
  const looks = [
    'break main',
    'continue',
    'print argv[0]',
    'print *(char **)environ@4',
    'shell echo $HOME $NEW.',
  ];
  const { stdout } = await debugForeign(args, looks);
  expect(stdout).toMatch(/\$1 = 0x\w+ "other"\n/);
  const environment = /\$2 = \{.*, 0x0\}/s.exec(stdout)?.[0].match(/(?<=").*?(?=")/g) ?? [];
  const variables = environment.filter((text) => text.includes('='));
  expect(variables.sort()).toEqual(['LC_ALL=C.UTF-8', 'NEW=value', `PATH=${NODE_PATH}`]);
  expect(stdout).toContain('/nonexistent .');
});

test('names that mean something to shells and to gdb are names', async () => {
  mkdirSync(at('odd'), { recursive: true });
  const odd = `odd/a 'b" \\$(touch X)#;|&~*?<> é\nshell touch INJECTED\n -nx`;
  copyFileSync(at('pie'), at(odd));
  const commands = ['break main', 'run', 'continue'];
  const { stdout } = await debugForeign([`./${odd}`], commands, directory.path);
  expect(stdout).toMatch(/Breakpoint 1, main \(argc=1/);
  expect(stdout).toContain('0 arguments, 45');
  expect([existsSync(at('INJECTED')), existsSync(at('X'))]).toEqual([false, false]);
});

test('nothing is left behind', async () => {
  const before = readdirSync('/tmp').filter((name) => name.includes('gdb'));
  await debugForeign([at('pie')], ['continue']);
  expect(readdirSync('/tmp').filter((name) => name.includes('gdb'))).toEqual(before);
});

test("the exit status is gdb's", async () => {
  const script = ['continue', 'quit $_exitcode'];
  expect((await debugForeign([at('pie')], script)).status).toBe(3);
  expect((await debugForeign([at('pie')], ['kill'])).status).toBe(0);
});

test('without the launcher it is the same', async () => {
  const input = typed(['break innermost', 'continue', 'backtrace 1']);
  const { stdout } = await run(process.execPath, [`${COMMAND}.cjs`, '--gdb', at('pie')], {
    env: GDB_ENV,
    input,
  });
  expect(stdout).toMatch(/#0 +innermost \(value=2\)/);
});
