/**
 * What became of a file: execve's word and run-foreign's. A native start is refused with an errno, or
 * killed before the program said anything, or runs; what of the three it is decides what we must do.
 */
import { COMMAND, type Outcome, run } from '../../support/run.ts';
import type { Start } from './case.ts';

export type Native =
  | { readonly kind: 'refused'; readonly errno: string }
  /** After the kernel's point of no return: a signal, and not a word from the program. */
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'ran'; readonly outcome: Outcome };

/** What our one line must say where the kernel answers with an errno: the same, in words. */
export const MEANING: Readonly<Record<string, RegExp>> = {
  ENOENT: /: no such file$|an empty name is no program/,
  ENOTDIR: /a part of the path is not a directory/,
  EACCES: /permission denied|is a directory|is not a regular file/,
  ELOOP: /too many symbolic links|\(ELOOP\)/,
  ENAMETOOLONG: /the name is too long/,
  ETXTBSY: /is open for writing/,
  ENOEXEC: /\(file offset 0x|is in no format|is empty/,
  // The file ends before what its headers name.
  EIO: /(past the end of the file|too short).*\(file offset 0x/,
  EINVAL: /past the end of the file.*\(file offset 0x/,
  ELIBBAD: /interp.*\(file offset 0x/,
  E2BIG: /E2BIG/,
};

/** 127 is "not found", 126 "found and cannot be run", as in shells. */
export function statusFor(errno: string): number {
  return errno === 'ENOENT' || errno === 'ENOTDIR' ? 127 : 126;
}

/** `starter` is test/programs/start.c, compiled. */
export async function nativeOutcome(start: Start, starter: string): Promise<Native> {
  const { path, args = [], argv0 = path, direct = false } = start;
  const words = direct ? [path, ...args] : [starter, path, ...(argv0 === null ? [] : [argv0, ...args])];
  const outcome = await command(start, words);
  if (outcome === TOO_BIG) return { kind: 'refused', errno: 'E2BIG' };
  const errno = /^execve: (\w+)\n$/.exec(outcome.stdout)?.[1];
  if (errno !== undefined) return { kind: 'refused', errno };
  const silent = outcome.stdout === '' && outcome.stderr === '';
  if (typeof outcome.status === 'string' && silent) return { kind: 'killed', signal: outcome.status };
  return { kind: 'ran', outcome };
}

export function foreignOutcome(start: Start): Promise<Outcome> {
  const { path, args = [], argv0 = path } = start;
  // Without an argv[0] Linux makes it an empty one.
  const options = argv0 === path ? [] : ['--argv0', argv0 ?? ''];
  return command(start, [COMMAND, ...options, '--', path, ...args]);
}

/** The arguments are more than any program can be started with, a starter and Node included. */
const TOO_BIG: Outcome = {
  status: 126,
  stdout: '',
  stderr: 'run-foreign: cannot be started itself with so many arguments: E2BIG\n',
};

async function command({ before = [], cwd }: Start, words: readonly string[]): Promise<Outcome> {
  const [file = '', ...args] = [...before, ...words];
  try {
    return await run(file, args, cwd === undefined ? {} : { cwd });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'E2BIG') return TOO_BIG;
    throw error;
  }
}
