/** The time limit of the kit: a loader that hangs ends the tests with words that say on what. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TimeLimit } from '../loader/time-limit.ts';
import { watchedLimit } from '../plugins/watchdog.ts';

/** For one call, which takes milliseconds: a hang, and nothing less. */
const MOST_MILLISECONDS = 10_000;

/** In dist/, and from the sources. */
const THREAD = ['./watchdog.cjs', '../../dist/watchdog.cjs']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find(existsSync);

/** `file` says what the loader is looking at. */
export function describedLimit(file: () => string): TimeLimit {
  return watchedLimit(MOST_MILLISECONDS, {
    thread: THREAD,
    line: (what) =>
      `run-foreign/testkit: ${what} hangs on ${file()}: it has not ended after ${MOST_MILLISECONDS / 1000} s, and nothing but ending the process can stop it`,
  });
}
