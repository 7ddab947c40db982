/** The same start by child_process.spawn and by spawnForeign, and what is seen of each from outside. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { type SpawnForeignOptions, spawnForeign } from '../../src/index.ts';

export interface Seen {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** By descriptor, from 1 on. */
  readonly output: readonly (string | undefined)[];
  readonly spawnfile: string;
  readonly spawnargs: readonly string[];
  readonly events: readonly string[];
}

/** What is done with a child once it is there. */
export type Treatment = (child: ChildProcess) => void;

export async function watch(child: ChildProcess, treat: Treatment = () => {}): Promise<Seen> {
  const events: string[] = [];
  for (const event of ['spawn', 'error', 'exit', 'close'] as const)
    child.on(event, (error) => events.push(event === 'error' ? `error ${error.name} ${error.code}` : event));
  const output = child.stdio.slice(1).map((stream) => {
    if (!stream || !('on' in stream)) return undefined;
    const pieces: Buffer[] = [];
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    return pieces;
  });
  child.stdin?.on('error', () => {});
  treat(child);
  const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.on('close', (...how) => resolve(how));
  });
  return {
    status,
    signal,
    output: output.map((pieces) => pieces && Buffer.concat(pieces).toString('latin1')),
    spawnfile: child.spawnfile,
    spawnargs: child.spawnargs,
    events,
  };
}

/** Both, one after the other. `options` are made anew for each. */
export async function both(
  program: string,
  args: readonly string[],
  options: () => SpawnForeignOptions = () => ({}),
  treat?: Treatment,
): Promise<{ native: Seen; foreign: Seen }> {
  const native = await watch(spawn(program, [...args], options() as SpawnOptions), treat);
  const foreign = await watch(await spawnForeign(program, args, options()), treat);
  return { native, foreign };
}
