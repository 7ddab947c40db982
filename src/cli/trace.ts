/**
 * `--trace`: what is done, with times, on standard error. Each event is written at once, so that all of it stands there when the
 * program takes over; and whoever reads it slowly, or not at all, stops no program from starting.
 */
import { constants, fstatSync, openSync, readlinkSync, writeSync } from 'node:fs';
import { errorLine, ForeignError } from '../errors.ts';
import { launched } from '../launch/launched.ts';
import { readText, statFields } from '../native/proc.ts';
import { sinceStart, type Trace, type TraceEvent, tell } from '../trace.ts';
import { beforeEnd } from './ending.ts';
import { clearForOthers } from './output.ts';
import { eventJson, traceLines } from './trace-text.ts';

export type TraceFormat = 'text' | 'json';

/** A pipe that nobody empties is waited for so long in all. Milliseconds. */
const PATIENCE = 500;
const NAP = 5;
/** USER_HZ, in which /proc counts: times(2), always 100 on x86. */
const TICK_MS = 10;
const START_TIME_FIELD = 22;

/** Tells at once what was before us, and from then on what it is told. The end is told by itself. */
export function startTrace(format: TraceFormat): Trace {
  const began = sinceStart();
  const lines = format === 'json' ? (event: TraceEvent) => [eventJson(event)] : traceLines();
  const writer = new Writer();
  const trace: Trace = (event) =>
    writer.write(
      lines(event)
        .map((line) => `${line}\n`)
        .join(''),
    );
  tellBefore(trace, began);
  beforeEnd((status, error) => {
    if (error === undefined) return tell(trace, { event: 'end', status });
    const known = error instanceof ForeignError;
    const message = known ? errorLine(error).replace(/^run-foreign: /, '') : 'internal error';
    tell(trace, { event: 'error', code: known ? error.code : 'INTERNAL', status, message });
  });
  return trace;
}

/** The launcher and Node, as far as the kernel and Node know it. */
function tellBefore(trace: Trace, now: number): void {
  const age = launched() === undefined ? undefined : ageOf(process.ppid);
  if (age !== undefined) {
    const event: TraceEvent = {
      event: 'launcher',
      at_ms: Math.min(0, Math.round(now - age)),
      duration_ms: 0,
      pid: process.ppid,
      resolution_ms: TICK_MS,
    };
    trace(event);
  }
  const { bootstrapComplete } = performance.nodeTiming;
  const ready = Math.min(now, Math.round(bootstrapComplete * 1000) / 1000);
  trace({ event: 'node', at_ms: 0, duration_ms: ready, pid: process.pid, version: process.version });
  tell(trace, { event: 'command' }, ready);
}

/** How long ago a process began, milliseconds, as exact as /proc is; undefined where /proc is of other processes. */
function ageOf(pid: number): number | undefined {
  try {
    if (Number(readlinkSync('/proc/self')) !== process.pid) return undefined;
  } catch {
    return undefined;
  }
  const uptime = Number.parseFloat(readText('/proc/uptime') ?? '');
  const started = Number(statFields(`/proc/${pid}/stat`)(START_TIME_FIELD)) * TICK_MS;
  return started > 0 && Number.isFinite(uptime) ? uptime * 1000 - started : undefined;
}

/** Standard error, without waiting for whoever should empty it: others who have the same pipe may want to wait. */
function ownStandardError(): number {
  try {
    if (fstatSync(2).isFIFO()) return openSync('/proc/self/fd/2', constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    // It is not open, nobody reads it any more, or it is somebody else's.
  }
  return 2;
}

/** Standard error, until it cannot be written to. */
class Writer {
  readonly #fd = ownStandardError();
  #open = true;
  #patience = PATIENCE;

  write(text: string): void {
    if (!this.#open) return;
    clearForOthers();
    const bytes = Buffer.from(text);
    for (let done = 0; done < bytes.length; ) {
      try {
        done += writeSync(this.#fd, bytes, done);
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === 'EAGAIN' && this.#patience > 0) this.#wait();
        else {
          this.#open = false;
          return;
        }
      }
    }
  }

  #wait(): void {
    this.#patience -= NAP;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, NAP);
  }
}
