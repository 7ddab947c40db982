/** Arguments, environment and stack: the limits of execve(2), and a command without argv[0]. */
import { readFileSync } from 'node:fs';
import { NODE_PATH } from '../../support/run.ts';
import type { FileCase, Start } from './case.ts';
import { program } from './program.ts';

const MAX_ARG_STRLEN = 131072;

/** 3 MiB in words of 16 KiB, which only a shell can make that has the higher limit already. */
const MANY = "$(head -c 3145728 /dev/zero | tr '\\0' x | fold -w 16384)";

const shown = (title: string, start: Omit<Start, 'path'>): FileCase => ({
  title,
  make: (box) => ({ path: box.compiled('arguments'), ...start }),
});
const words = (count: number, length: number) => Array.from({ length: count }, () => 'x'.repeat(length));

/** Arguments that make the strings and pointers of a start exactly as large as they may be, and `more`. */
function filling(path: string, more: number): string[] {
  const soft = /^Max stack size\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? '0';
  // A quarter of the stack, between 128 KiB and 6 MiB (bprm_stack_limits in fs/exec.c).
  const limit = Math.max(131072, Math.min(6 * 1024 * 1024, Math.floor(Number(soft) / 4)));
  const cost = (word: string) => word.length + 1 + 8;
  const execfn = path.length + 1;
  let left = limit + more - execfn - cost(path) - cost(`PATH=${NODE_PATH}`);
  const args: string[] = [];
  for (const long = 'x'.repeat(16384); left >= 2 * cost(long); left -= cost(long)) args.push(long);
  return [...args, 'x'.repeat(left - cost(''))];
}

export const limits: readonly FileCase[] = [
  {
    title: 'arguments of exactly as many bytes as there may be',
    make: (box) => {
      const path = box.compiled('arguments');
      return { path, args: filling(path, 0), direct: true };
    },
    reason: 'its own name and Node’s count among the arguments of run-foreign',
  },
  {
    title: 'arguments of a byte more',
    make: (box) => {
      const path = box.compiled('arguments');
      return { path, args: filling(path, 1), direct: true };
    },
  },
  shown('no arguments at all, not even argv[0]', { argv0: null }),
  shown('an empty argv[0]', { argv0: '', args: ['one'] }),
  shown('an argument of 128 KiB less its NUL', { args: words(1, MAX_ARG_STRLEN - 1) }),
  shown('an argument of 128 KiB', { args: words(1, MAX_ARG_STRLEN) }),
  shown('1.5 MiB of arguments', { args: words(96, 16384) }),
  shown('3 MiB of arguments, more than a quarter of the stack limit', { args: words(192, 16384) }),
  shown('3 MiB of arguments with RLIMIT_STACK 64 MiB', {
    before: ['prlimit', '--stack=67108864', 'sh', '-c', `exec "$@" ${MANY}`, 'sh'],
  }),
  shown('240000 empty arguments', { args: words(240_000, 0) }),
  shown('RLIMIT_STACK 1 MiB', { before: ['prlimit', '--stack=1048576'] }),
  shown('RLIMIT_STACK 1 MiB and 200 KiB of arguments', {
    args: words(200, 1024),
    before: ['prlimit', '--stack=1048576'],
  }),
  shown('RLIMIT_STACK unlimited', { before: ['prlimit', '--stack=unlimited:'] }),
  {
    title: 'RLIMIT_STACK unlimited, a static program',
    make: (box) => ({ path: box.file('prog', program()), before: ['prlimit', '--stack=unlimited:'] }),
  },
];
