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

/**
 * Kills the child after `timeout` as child_process.spawn would, and knows of it. Of a signal that is aborted Node kills the
 * child itself.
 */
export function watchEnd(
  child: ChildProcess,
  { timeout = 0, killSignal, signal }: Pick<SpawnOptions, 'timeout' | 'killSignal' | 'signal'>,
  started: number,
): End {
  const end = {
    started,
    ended: undefined as number | undefined,
    closed: false,
    timedOut: false,
    isCanceled: false,
  };
  let timer: NodeJS.Timeout | undefined;
  if (timeout > 0) {
    timer = setTimeout(() => {
      end.timedOut = child.kill(killSignal);
    }, timeout);
  }
  child.once('exit', () => {
    clearTimeout(timer);
    end.ended = performance.now();
    end.isCanceled = signal?.aborted === true;
  });
  child.once('close', () => {
    end.closed = true;
  });
  return end;
}
