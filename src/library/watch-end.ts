/** What is known of a child's end before anybody asks for a result. */
import type { ChildProcess, SpawnOptions } from 'node:child_process';

/** `performance.now()` where it is a time. */
export interface End {
  readonly started: number;
  readonly ended: number | undefined;
  /** Whether all its streams have come to their end, too. */
  readonly closed: boolean;
  readonly timedOut: boolean;
  readonly isCanceled: boolean;
}

interface Watched extends ChildProcess {
  [END]: { -readonly [Key in keyof End]: End[Key] } & {
    readonly signal: AbortSignal | undefined;
    readonly timer: NodeJS.Timeout | undefined;
  };
}

const END = Symbol('end');

/**
 * Kills the child after `timeout` as child_process.spawn would, and knows of it. Of a signal that is aborted Node kills the
 * child itself.
 */
export function watchEnd(
  child: ChildProcess,
  { timeout = 0, killSignal, signal }: Pick<SpawnOptions, 'timeout' | 'killSignal' | 'signal'>,
  started: number,
): End {
  const timer = timeout > 0 ? setTimeout(() => endInTime(child, killSignal), timeout) : undefined;
  const end = { started, ended: undefined, closed: false, timedOut: false, isCanceled: false, signal, timer };
  Object.defineProperty(child, END, { value: end });
  // The same functions for all children: closures of its own for each cost more than the rest of this.
  child.on('exit', noteExit);
  child.on('close', noteClose);
  return end;
}

function endInTime(child: ChildProcess, killSignal: SpawnOptions['killSignal']): void {
  (child as Watched)[END].timedOut = child.kill(killSignal);
}

function noteExit(this: ChildProcess): void {
  const end = (this as Watched)[END];
  clearTimeout(end.timer);
  end.ended = performance.now();
  end.isCanceled = end.signal?.aborted === true;
}

function noteClose(this: ChildProcess): void {
  (this as Watched)[END].closed = true;
}
