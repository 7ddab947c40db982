/**
 * What samples.json holds: the list the tests iterate. The expected outputs are written down here by hand
 * and never recorded from a run, so a wrong program cannot become its own proof.
 */

export interface Run {
  readonly args: readonly string[]; // argv[1] and on; paths are relative to samples/, the working directory
  readonly env: Readonly<Record<string, string>>; // the whole environment
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

/**
 * i386-libc: the dynamic linker and libc of i386.
 * low-address: pages below 64 KiB can be mapped (vm.mmap_min_addr, or CAP_SYS_RAWIO).
 */
export type Need = 'i386-libc' | 'low-address';

export type Packer = 'gzip' | 'xz' | 'zstd';

export interface Sample {
  readonly name: string;
  readonly file: string; // relative to samples/
  readonly format: 'elf' | 'aout' | 'ape' | 'flat';
  readonly magic?: 'OMAGIC' | 'NMAGIC' | 'ZMAGIC' | 'QMAGIC'; // a.out only
  readonly packed?: Packer; // `file` is the program as this leaves it
  readonly options?: readonly string[]; // of run-foreign: what it must be told, because the file does not say
  readonly arch: 'i386' | 'x86_64';
  readonly needs?: readonly Need[];
  readonly runs: readonly Run[];
}

/** A run with no arguments, an empty environment and nothing to read, unless told otherwise. */
export function expectRun(expected: Partial<Run>): Run {
  return { args: [], env: {}, stdin: '', stdout: '', stderr: '', status: 0, ...expected };
}

/** What tally does, whatever it is built as. `program` is the last part of its argv[0]. */
export function tallyRuns(program: string): Run[] {
  const words = '3 6 30 inputs/words.txt\n';
  return [
    expectRun({ args: ['inputs/words.txt'], stdout: words }),
    expectRun({
      args: ['inputs/words.txt', 'inputs/empty.txt', 'inputs/numbers.txt'],
      stdout: `${words}0 0 0 inputs/empty.txt\n20000 20000 108894 inputs/numbers.txt\n20003 20006 108924 total\n`,
    }),
    expectRun({ stdin: 'alpha beta\ngamma\n', stdout: '2 3 17 -\n' }),
    expectRun({
      args: ['-e', 'GREETING', '-', 'inputs/words.txt'],
      env: { GREETING: 'hello = there', TALLY_LABEL: 'count' },
      stdin: 'x',
      stdout: `hello = there\ncount: 0 1 1 -\ncount: ${words}count: 3 7 31 total\n`,
    }),
    expectRun({
      args: ['-e', 'GREET'],
      env: { GREETING: 'hello' },
      stderr: `${program}: GREET: not set in the environment\n`,
      status: 1,
    }),
    expectRun({
      args: ['inputs/none.txt', 'inputs/words.txt'],
      stdout: `${words}3 6 30 total\n`,
      stderr: `${program}: inputs/none.txt: cannot open (errno 2)\n`,
      status: 1,
    }),
    expectRun({ args: ['inputs'], stderr: `${program}: inputs: cannot read (errno 21)\n`, status: 1 }),
    expectRun({ args: ['-x'], stderr: `usage: ${program} [-e NAME] [FILE...]\n`, status: 2 }),
  ];
}
