/** What is started to see what a start costs, from the least to the largest. */
import { join } from 'node:path';
import { BARE, compiled } from './compiler.ts';
import { findCommand } from './find.ts';
import { writeSparseProgram } from './program.ts';
import { Missing } from './row.ts';

export interface StartedProgram {
  readonly name: string;
  /** The file, by its path, and arguments. */
  readonly command: readonly [string, ...string[]];
  /** Whether ld.so loads it. */
  readonly dynamic: boolean;
  /** The most that the stub's ratio to posix_spawn may be. */
  readonly budget?: number;
}

const LARGE = 200_000_000;

/** The three that the bench compiles. Throws Missing. */
export function compiledPrograms(directory: string): readonly StartedProgram[] {
  return made(directory, '', []);
}

/** The same, but they stay when they have said something. Throws Missing. */
export function stayingPrograms(directory: string): readonly StartedProgram[] {
  return made(directory, '-staying', ['-DPAUSE']);
}

function made(directory: string, suffix: string, flags: readonly string[]): readonly StartedProgram[] {
  const make = (name: string, source: string, own: readonly string[]): [string] => [
    compiled(directory, `${name}${suffix}`, `programs/${source}`, [...own, ...flags]),
  ];
  return [
    { name: 'no libc', command: make('bare', 'bare.c', BARE), dynamic: false, budget: 1.2 },
    { name: 'static glibc', command: make('static', 'hello.c', ['-static']), dynamic: false, budget: 1.08 },
    { name: 'dynamic', command: make('dynamic', 'hello.c', []), dynamic: true, budget: 1.05 },
  ];
}

/** Those, an interpreter, and a large one. Throws Missing. */
export function startedPrograms(directory: string): readonly StartedProgram[] {
  const python = findCommand('python3');
  if (python === undefined) throw new Missing('there is no python3; apt-get install python3');
  return [
    ...compiledPrograms(directory),
    { name: 'python3 -c pass', command: [python, '-c', 'pass'], dynamic: true },
    {
      name: 'static, 200 MB',
      command: [writeSparseProgram(join(directory, 'large'), LARGE)],
      dynamic: false,
    },
  ];
}
