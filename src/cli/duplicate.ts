/**
 * `run-foreign duplicate`: copies of a running process, made from its memory while it stands still. They go on by themselves, as
 * a program does that a shell has started with &.
 */
import { ForeignError } from '../errors.ts';
import { type Twin, TwinSource } from '../launch/twin.ts';
import { readText } from '../native/proc.ts';
import { timed } from '../trace.ts';
import { shortUsage, TOPICS } from './help.ts';
import type { ParsedArguments } from './options.ts';
import { write, writeLine } from './output.ts';
import { processId, skippedKinds } from './process-id.ts';
import { traceFor } from './run.ts';
import { standStill } from './standstill.ts';

export async function duplicate({ options, rest }: ParsedArguments): Promise<number> {
  if (rest.length === 0) {
    write(2, shortUsage(TOPICS.duplicate));
    return 2;
  }
  const trace = await traceFor(options);
  const pid = processId(rest, 'duplicate');
  const program = readText(`/proc/${pid}/comm`)?.trim() ?? String(pid);
  const still = standStill(trace, pid, { skip: skippedKinds(options.skip), complete: false });
  const { frozen } = still;
  const twins: Twin[] = [];
  let source: TwinSource | undefined;
  let milliseconds: number;
  try {
    source = new TwinSource(pid, frozen);
    const wishes = { stdio: options.resume?.stdio, report: options.verbose === true };
    const running = source;
    for (let copy = 0; copy < options.copies; copy++) {
      const twin = await timed(
        still.trace,
        { event: 'copy' },
        () => running.start(program, wishes),
        ({ child }) => ({ pid: child.pid ?? 0 }),
      );
      twins.push(twin);
    }
    const read = await Promise.all(twins.map(({ hasRead }) => hasRead));
    if (read.includes(false)) throw notStarted(pid);
  } catch (cause) {
    for (const { child } of twins) child.kill('SIGKILL');
    throw cause;
  } finally {
    source?.close();
    milliseconds = frozen.thaw('run');
    still.over(milliseconds, 'run');
  }
  for (const { child } of twins) writeLine(1, String(child.pid));
  if (options.verbose) {
    writeLine(2, `run-foreign: process ${pid} stood still for ${milliseconds.toFixed(1)} ms`);
  }
  return 0;
}

function notStarted(pid: number): ForeignError {
  return new ForeignError('MACHINE_REFUSED', 'could not be copied: what was in the way stands above', {
    subject: `process ${pid}`,
  });
}
