/** Which process a command is about, and what of it may be left out. */
import { SKIPPABLE, type Skippable } from '../checkpoint/findings.ts';
import { usageError } from './usage-error.ts';

/** PID_MAX_LIMIT of include/linux/threads.h. */
const MAX_PID = 2 ** 22;

/** The one argument of a command. Throws USAGE. */
export function processId(rest: readonly Uint8Array[], command: string): number {
  const help = `see run-foreign ${command} --help`;
  const [given = new Uint8Array(0)] = rest;
  if (rest.length > 1) throw usageError(`${command} takes one PID`, help);
  const text = Buffer.from(given).toString();
  const pid = /^[1-9]\d{0,6}$/.test(text) ? Number(text) : 0;
  if (pid < 1 || pid > MAX_PID) throw usageError(`${command} takes a process ID, not '${text}'`, help);
  return pid;
}

export function skippedKinds(given: readonly string[]): ReadonlySet<Skippable> {
  const kinds = given.map((text) => {
    const kind = SKIPPABLE.find((each) => each === text);
    if (kind !== undefined) return kind;
    throw usageError(`--skip takes one of ${SKIPPABLE.join(', ')}, not '${text}'`);
  });
  return new Set(kinds);
}
