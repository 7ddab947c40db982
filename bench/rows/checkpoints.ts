/** How long a process stands still for a checkpoint, how long going on from one takes, and how large one is. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ALONE } from '../../test/support/restored.ts';
import { COMMAND, NODE_PATH } from '../../test/support/run.ts';
import { command } from '../commands.ts';
import { compiled } from '../compiler.ts';
import type { Contender, Grid, Group, Line } from '../row.ts';

const MIB = 512;
const THREADS = 100;
const ALLOWED = 'allowed';
const OURS = 'run-foreign checkpoint';
const NODE = 'node -e 0';
const RESTORE = 'run-foreign FILE';
const MAPPED = 'with --map-memory';
/** Milliseconds, and KiB. */
const BUDGET = { still: 10, restore: 5, size: 119, factor: 1.3 };

interface Held {
  readonly name: string;
  readonly child: ChildProcess;
  readonly stop: string;
  readonly core: string;
}

export async function checkpoints(directory: string): Promise<Group> {
  const program = compiled(directory, 'held', 'programs/held.c', ['-static', '-pthread']);
  const memcopy = compiled(directory, 'memcopy', 'programs/memcopy.c');
  const counter = await hold(directory, program, 'a small program', 0, 0);
  const large = await hold(directory, program, `${MIB} MiB touched`, MIB, 0);
  const threads = await hold(directory, program, `${THREADS} threads`, 0, THREADS);
  const all = [counter, large, threads];
  for (const held of all) takeCheckpoint(held);
  const still: Grid = {
    name: 'how long a process stands still for a checkpoint',
    unit: 'ms',
    columns: [{ name: ALLOWED }, { name: OURS, against: ALLOWED }],
    lines: [
      stillLine(counter, fixed(ALLOWED, BUDGET.still)),
      stillLine(large, copied(memcopy)),
      { name: threads.name, cells: [stillTime(threads)] },
    ],
  };
  return { grids: [still, restoreGrid(all), sizeGrid(all)], close: () => all.forEach(release) };
}

async function hold(
  directory: string,
  program: string,
  name: string,
  mebibytes: number,
  threads: number,
): Promise<Held> {
  const path = join(directory, name.replaceAll(' ', '-'));
  const stop = `${path}.stop`;
  const child = spawn('bash', ['-c', ALONE, 'bash', program, String(mebibytes), String(threads), stop], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: NODE_PATH },
  });
  if (child.stdout !== null) await once(child.stdout, 'data');
  return { name, child, stop, core: `${path}.core` };
}

/** Its standard output leads to us, and is not there when it goes on. */
function takeCheckpoint({ child, core }: Held): string {
  const args = ['checkpoint', String(child.pid), '-o', core, '--force', '--verbose'];
  const script = 'exec "$@" 2>&1';
  return execFileSync('/bin/sh', ['-c', script, 'sh', COMMAND, ...args], {
    encoding: 'utf8',
    env: { PATH: NODE_PATH },
  });
}

function stillTime(held: Held): Contender {
  return {
    name: OURS,
    measure() {
      rmSync(held.core, { force: true });
      const said = takeCheckpoint(held);
      const milliseconds = /stood still for ([\d.]+) ms/.exec(said)?.[1];
      if (milliseconds === undefined) throw new Error(said);
      return Number(milliseconds);
    },
  };
}

function stillLine(held: Held, allowed: Contender): Line {
  return { name: held.name, cells: [allowed, stillTime(held)], budgets: [{ column: OURS, ratio: 1 }] };
}

const fixed = (name: string, value: number): Contender => ({ name, measure: () => value });

/** 1.3 times a memcpy of as much, and 10 ms. */
function copied(memcopy: string): Contender {
  return {
    name: ALLOWED,
    measure() {
      const milliseconds = Number(execFileSync(memcopy, [String(MIB)], { encoding: 'utf8' }));
      return BUDGET.factor * milliseconds + BUDGET.still;
    },
  };
}

/** The file that the program waits for is there, so it ends as soon as it goes on. */
function restoreGrid(all: readonly Held[]): Grid {
  return {
    name: 'going on from a checkpoint, until the program ends',
    unit: 'ms',
    columns: [
      { name: NODE },
      { name: 'cat FILE', against: NODE },
      { name: RESTORE, against: NODE, difference: true },
      { name: MAPPED, against: NODE, difference: true },
    ],
    lines: all.map(({ name, core, stop }) => ({
      name,
      cells: [
        command(NODE, [process.execPath, '-e', '0']),
        command('cat FILE', ['/bin/cat', core]),
        going(RESTORE, stop, [COMMAND, core]),
        going(MAPPED, stop, [COMMAND, '--map-memory', core]),
      ],
      budgets: name.includes('MiB') ? [] : [{ column: RESTORE, difference: BUDGET.restore }],
    })),
  };
}

/** Those that are held end with it, too: nobody needs them any more. */
function going(name: string, stop: string, words: readonly string[]): Contender {
  const { measure } = command(name, words);
  return {
    name,
    async measure() {
      writeFileSync(stop, '');
      try {
        return await measure();
      } finally {
        rmSync(stop);
      }
    },
  };
}

function sizeGrid(all: readonly Held[]): Grid {
  const file = 'the file';
  return {
    name: 'how large a checkpoint is',
    unit: 'KiB',
    columns: [{ name: ALLOWED }, { name: file, against: ALLOWED }],
    lines: all.map(({ name, core }, index) => ({
      name,
      cells: [
        ...(index === 0 ? [fixed(ALLOWED, BUDGET.size)] : []),
        { name: file, measure: () => statSync(core).size / 1024 },
      ],
      budgets: index === 0 ? [{ column: file, ratio: 1 }] : [],
    })),
  };
}

function release({ child }: Held): void {
  child.kill('SIGKILL');
}
