/**
 * A process that stands still, told to a trace. What happens meanwhile is told when it is over: the process may be the one
 * that reads it, a terminal for example, and nothing is to make the standstill longer.
 */
import { type Frozen, freeze } from '../checkpoint/capture.ts';
import { type Trace, type TraceEvent, tell, timedNow } from '../trace.ts';

export interface Standstill {
  readonly frozen: Frozen;
  /** For what is done while it lasts. */
  readonly trace: Trace | undefined;
  /** To be called when the process goes on, or has ended, after a standstill of so many milliseconds. */
  over(milliseconds: number, afterwards: 'run' | 'stop' | 'kill'): void;
}

/** Throws what `freeze` does. */
export function standStill(
  trace: Trace | undefined,
  pid: number,
  options: Parameters<typeof freeze>[1],
): Standstill {
  const events: TraceEvent[] = [];
  const later = trace && ((event: TraceEvent) => void events.push(event));
  const tellAll = () => {
    for (const event of events.splice(0)) trace?.(event);
  };
  try {
    const frozen = timedNow(later, { event: 'freeze', pid }, () => freeze(pid, options));
    return {
      frozen,
      trace: later,
      over(milliseconds, afterwards) {
        tellAll();
        tell(trace, { event: 'thaw', pid, afterwards, stood_still_ms: milliseconds });
      },
    };
  } catch (cause) {
    tellAll();
    throw cause;
  }
}
