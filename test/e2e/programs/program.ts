/**
 * A real program as data, and the test that starts it twice, by execve and by run-foreign, each time in the same
 * directory with the same files, and compares everything that comes of it.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { COMMAND, NODE_PATH, type Outcome, ROOT, run, temporary } from '../../support/run.ts';
import type { Variation } from './variations.ts';

export interface Program {
  /** Names it in the table. */
  readonly title: string;
  /** What it does, for the table. */
  readonly does: string;
  /** An absolute path, or one in the directory it is started in. */
  readonly file: string;
  readonly args?: readonly string[];
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Files of its directory: name and contents. */
  readonly files?: Readonly<Record<string, string>>;
  /** Shell commands that make the rest of the directory, once; `$SOURCES` is test/programs. */
  readonly prepare?: string;
  /** A bash script that starts the program, `"$@"`, where it is not simply run; it has `$SOURCES` too. */
  readonly start?: string;
  /** Files it writes that are compared too. */
  readonly produces?: readonly string[];
  /** What differs between any two runs of it. */
  readonly varies?: readonly Variation[];
  /** 0 unless given: two failures alike are no proof. */
  readonly status?: number | string;
  /** A part of the output that shows that it did its work. */
  readonly shows: string | RegExp;
}

/** What a program `shows` that has nothing to say: its work is in its files. */
export const SILENCE = /^$/;

/** Milliseconds for one run; a test is two of them, and what must be built before. */
const TIME_LIMIT = 50_000;

const SOURCES = join(ROOT, 'test/programs');

/** One test a program. */
export function describePrograms(title: string, programs: readonly Program[]): void {
  describe(title, () => {
    test.each(programs.map((program) => [`${program.title} ${program.does}`, program] as const))(
      '%s',
      (_, program) => expectTheSame(program),
      3 * TIME_LIMIT,
    );
  });
}

async function expectTheSame(program: Program): Promise<void> {
  const directory = temporary();
  try {
    await compareRuns(program, directory.path);
  } finally {
    directory.remove();
  }
}

async function compareRuns(program: Program, directory: string): Promise<void> {
  const template = join(directory, 'template');
  prepare(program, template, environment(program, directory));
  const words = [program.file, ...(program.args ?? [])];
  const native = await outcome(program, directory, words);
  const foreign = await outcome(program, directory, [COMMAND, ...words]);
  expect(native).toMatchObject({ status: program.status ?? 0 });
  expect(native.stdout + native.stderr).toMatch(program.shows);
  expect(foreign).toEqual(native);
}

function environment(program: Program, directory: string): Record<string, string> {
  return { PATH: NODE_PATH, HOME: directory, LC_ALL: 'C.UTF-8', TZ: 'UTC', ...program.env };
}

function prepare({ files = {}, prepare }: Program, template: string, env: Record<string, string>): void {
  mkdirSync(template);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(template, name), text);
  if (prepare === undefined) return;
  execFileSync('/bin/sh', ['-euc', prepare], { cwd: template, env: { ...env, SOURCES }, stdio: 'pipe' });
}

interface Whole extends Outcome {
  /** Mode and contents of what it wrote, by name. */
  readonly files: Readonly<Record<string, readonly [mode: number, contents: string]>>;
}

/** Runs the command line `words` in a fresh copy of the template and takes everything that varies out. */
async function outcome(program: Program, directory: string, words: readonly string[]): Promise<Whole> {
  const cwd = join(directory, 'work');
  rmSync(cwd, { recursive: true, force: true });
  cpSync(join(directory, 'template'), cwd, { recursive: true, preserveTimestamps: true });
  const { input, start, produces = [], varies = [] } = program;
  const options = {
    cwd,
    env: { ...environment(program, directory), ...(start !== undefined && { SOURCES }) },
    timeout: TIME_LIMIT,
    ...(input !== undefined && { input }),
  };
  const [file = '', ...args] = start === undefined ? words : ['/bin/bash', '-c', start, 'bash', ...words];
  const { status, stdout, stderr } = await run(file, args, options);
  const steady = (text: string) => varies.reduce((rest, { pattern, to }) => rest.replace(pattern, to), text);
  const files = produces.map((name) => {
    const path = join(cwd, name);
    return [name, [statSync(path).mode, steady(readFileSync(path, 'latin1'))]] as const;
  });
  return { status, stdout: steady(stdout), stderr: steady(stderr), files: Object.fromEntries(files) };
}

/** What the table says was compared. */
export function compared({ produces = [], varies = [] }: Program): string {
  const parts = ['output, errors, status', ...produces.map((name) => `\`${name}\``)];
  const but = new Set(varies.map(({ what, why }) => `${what} (${why})`));
  return parts.join(', ') + (but.size > 0 ? `; but for ${[...but].join(', ')}` : '');
}
