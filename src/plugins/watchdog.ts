/**
 * Loaders that never let go of the thread: nothing in this thread can stop them, so another one looks at the clock, and
 * when time is up says so and ends the process. Nothing has been started by then.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { EXIT, printable } from '../errors.ts';
import { HANG_HINT, hangMessage } from '../loader/call.ts';
import type { TimeLimit } from '../loader/time-limit.ts';
import { monotonic } from '../monotonic.ts';
import type { WatchData } from './watch-data.ts';

/** How much later than the loader's own thread it acts, which can say it better; milliseconds. */
const GRACE = 500;
/** Bytes. */
const MAX_MESSAGE = 4096;

/** The other thread's program, beside the command; from the sources there is none. */
const WATCHDOG_FILE = join(import.meta.dirname, 'watchdog.cjs');

export interface WatchdogOptions {
  /** The other thread's program; without one nobody watches. */
  readonly thread?: string | undefined;
  /** What is said when `what` hangs, a line. */
  readonly line: (what: string) => string;
}

/** A time limit that holds for every loader. The thread begins with the first of them. */
export function watchedLimit(
  milliseconds: number,
  { thread, line }: WatchdogOptions = {
    thread: WATCHDOG_FILE,
    line: (what) => `run-foreign: ${hangMessage(what, milliseconds)}; ${HANG_HINT}`,
  },
): TimeLimit {
  let data: WatchData | undefined;
  return {
    milliseconds,
    watch(what, left) {
      if (left === undefined && data === undefined) return;
      data ??= startThread(thread);
      if (left !== undefined) setMessage(data, line(what));
      data.deadline[0] = left === undefined ? 0 : monotonic() + left + GRACE;
      Atomics.add(data.generation, 0, 1);
      Atomics.notify(data.generation, 0);
    },
  };
}

function startThread(thread: string | undefined): WatchData {
  const data: WatchData = {
    generation: new Int32Array(new SharedArrayBuffer(4)),
    deadline: new Float64Array(new SharedArrayBuffer(8)),
    message: new Uint8Array(new SharedArrayBuffer(MAX_MESSAGE)),
    status: EXIT.ours,
  };
  if (thread !== undefined && existsSync(thread)) new Worker(thread, { workerData: data, env: {} }).unref();
  return data;
}

function setMessage({ message }: WatchData, line: string): void {
  message.fill(0);
  message.set(Buffer.from(`${printable(line).slice(0, MAX_MESSAGE / 4)}\n`));
}
