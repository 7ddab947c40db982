/** What a start costs: every program in every way of starting it that there is. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { COMMAND } from '../../test/support/run.ts';
import { compiled } from '../compiler.ts';
import { findCommand } from '../find.ts';
import { type StartedProgram, startedPrograms } from '../programs.ts';
import type { Budget, Column, Contender, Grid, Group, Line } from '../row.ts';
import { atOnce, foreignSpawn, nodeSpawn, oneByOne, type Spawn } from '../spawns.ts';
import { ENVIRONMENT, type Starts, startsIn } from '../starts.ts';
import { closeAll, type Stub, stubOf } from '../stub.ts';

const NATIVE = 'posix_spawn';
/** The same once more: what two things differ by that are the same. */
const AGAIN = 'posix_spawn again';
const STUB = 'stub';
const COMPILED = 'compiled';
const FOREIGN = 'spawnForeign';
const CHILD_PROCESS = 'child_process.spawn';
const RUN_FOREIGN = 'run-foreign';
/** The same with an option, for which it reads options, and keeps no start. */
const WITH_OPTION = 'run-foreign --max-size';
/** The command once more, for which a start before has left a stub. */
const KEPT = 'run-foreign again';
const NODE = 'node -e 0';
const QEMU = 'qemu-x86_64';
const LD_SO = 'ld.so';
const MEMFD = 'memfd, execveat';

const COLUMNS: readonly Column[] = [
  { name: NATIVE },
  { name: AGAIN, against: NATIVE },
  ...[STUB, COMPILED].map((name) => ({ name, against: NATIVE, ours: true })),
  { name: FOREIGN, against: CHILD_PROCESS, ours: true },
  { name: CHILD_PROCESS, against: NATIVE },
  { name: RUN_FOREIGN, against: NODE, difference: true, ours: true },
  { name: WITH_OPTION, against: RUN_FOREIGN, difference: true, ours: true },
  { name: KEPT, against: NATIVE, ours: true },
  ...[NODE, QEMU, LD_SO, MEMFD].map((name) => ({ name, against: NATIVE })),
];

const LOADER = '/lib64/ld-linux-x86-64.so.2';
const WITH_THREADS = { processors: 'any-cpu' } as const;
const CONCURRENT = 64;
/** The most that spawnForeign may take, of what child_process.spawn takes. */
const FOREIGN_BUDGET = 1.1;
/** Milliseconds that the command may take longer than Node. */
const COMMAND_BUDGET = 5;
/** The most that a kept start may take, of what posix_spawn takes. */
const KEPT_BUDGET = 3;
/** The command keeps no start of a file that was changed less than two seconds ago. Milliseconds. */
const SETTLING_TIME = 2200;
const NO_FOREIGN = `${FOREIGN}: the library has none yet`;

/** What there is on this machine to start programs with. */
interface Ways {
  readonly starts: Starts;
  readonly foreign: Spawn | undefined;
  readonly qemu: string | undefined;
  readonly fromMemory: string;
  /** Where starts are kept; undefined where they cannot be. */
  readonly kept: Readonly<Record<string, string>> | undefined;
  /** The file that `run-foreign compile` makes of a program; undefined, when it has been said why, where it makes none. */
  readonly compile: (program: StartedProgram) => string | undefined;
}

export async function starts(directory: string): Promise<Group> {
  const programs = startedPrograms(directory);
  const left: string[] = [];
  const ways: Ways = {
    starts: startsIn(directory),
    foreign: await foreignSpawn(),
    qemu: findCommand('qemu-x86_64', 'qemu-x86_64-static'),
    fromMemory: compiled(directory, 'from-memory', 'native/from-memory.c', ['-static']),
    compile: compileIn(directory, left),
    kept: await keepStarts(directory, programs, left),
  };
  if (ways.foreign === undefined) left.push(NO_FOREIGN);
  if (ways.qemu === undefined) left.push(`${QEMU}: there is none; apt-get install qemu-user`);
  if (!existsSync(LOADER)) left.push(`${LD_SO}: there is no ${LOADER}`);
  const stubs: Stub[] = [];
  const lines: Line[] = [];
  for (const program of programs) {
    const [file, ...args] = program.command;
    const stub = await stubOf(file, args, ENVIRONMENT);
    stubs.push(stub);
    lines.push(line(program, stub, ways));
  }
  const grids = [
    { name: 'start', unit: 'ms' as const, picture: 'ways' as const, columns: COLUMNS, lines, left },
    together(programs, ways),
  ];
  return { grids, close: () => closeAll(stubs) };
}

function line(program: StartedProgram, stub: Stub, ways: Ways): Line {
  const { name, command, budget, dynamic } = program;
  const [file, ...args] = command;
  const { starts, foreign, qemu, fromMemory, kept } = ways;
  const form = ways.compile(program);
  const cells: readonly (Contender | undefined)[] = [
    starts.command(NATIVE, command),
    starts.command(AGAIN, command),
    starts.stub(STUB, stub),
    form === undefined ? undefined : starts.command(COMPILED, [form, ...args]),
    foreign === undefined ? undefined : oneByOne(FOREIGN, foreign, command),
    oneByOne(CHILD_PROCESS, nodeSpawn, command),
    starts.command(RUN_FOREIGN, [COMMAND, ...command], WITH_THREADS),
    starts.command(WITH_OPTION, [COMMAND, '--max-size=1G', ...command], WITH_THREADS),
    kept === undefined ? undefined : starts.command(KEPT, [COMMAND, ...command], { env: kept }),
    starts.command(NODE, [process.execPath, '-e', '0'], WITH_THREADS),
    qemu === undefined ? undefined : starts.command(QEMU, [qemu, ...command]),
    dynamic && existsSync(LOADER) ? starts.command(LD_SO, [LOADER, file, ...args]) : undefined,
    starts.command(MEMFD, [fromMemory, ...command]),
  ];
  const budgets: Budget[] = [
    ...(budget === undefined ? [] : [{ column: STUB, ratio: budget }]),
    { column: FOREIGN, ratio: FOREIGN_BUDGET },
    { column: RUN_FOREIGN, difference: COMMAND_BUDGET },
    { column: KEPT, ratio: KEPT_BUDGET },
  ];
  return { name, cells: cells.filter((cell) => cell !== undefined), budgets };
}

/** Starts each program once, as a user with a cache; returns that user's environment. */
async function keepStarts(
  directory: string,
  programs: readonly StartedProgram[],
  left: string[],
): Promise<Ways['kept']> {
  await setTimeout(SETTLING_TIME);
  const cache = join(directory, 'cache');
  const env = { ...ENVIRONMENT, XDG_CACHE_HOME: cache };
  for (const { command } of programs) spawnSync(COMMAND, command, { env });
  const kept = join(cache, 'run-foreign/starts');
  if (existsSync(kept) && readdirSync(kept).length === programs.length) return env;
  left.push(`${KEPT}: not every start was kept in ${kept}`);
  return undefined;
}

/** Compiles programs, and starts each once; `left` is told the first time that does not work. */
function compileIn(directory: string, left: string[]): Ways['compile'] {
  return ({ name, command: [file, ...args] }) => {
    const form = join(directory, `compiled-${name.replaceAll(/\W+/g, '-')}`);
    const run = (command: string, words: readonly string[]) =>
      spawnSync(command, words, { env: ENVIRONMENT, encoding: 'utf8' });
    const made = run(COMMAND, ['compile', file, '-o', form]);
    const tried = made.status === 0 ? run(form, args) : made;
    if (tried.status === 0) return form;
    const why = tried.stderr.trim().split('\n')[0] ?? '';
    if (!left.some((each) => each.startsWith(COMPILED))) left.push(`${COMPILED}: ${name}: ${why}`);
    return undefined;
  };
}

function together(programs: readonly StartedProgram[], { foreign }: Ways): Grid {
  const lines = programs.map(({ name, command }) => ({
    name,
    cells: [
      ...(foreign === undefined ? [] : [atOnce(FOREIGN, foreign, command, CONCURRENT)]),
      atOnce(CHILD_PROCESS, nodeSpawn, command, CONCURRENT),
    ],
    budgets: [{ column: FOREIGN, ratio: FOREIGN_BUDGET }],
  }));
  const columns = [{ name: FOREIGN, against: CHILD_PROCESS }, { name: CHILD_PROCESS }];
  return {
    name: `${CONCURRENT} starts at once`,
    unit: 'ms',
    columns,
    lines,
    left: foreign === undefined ? [NO_FOREIGN] : [],
  };
}
