/** The error that a program which failed becomes, and the words for it. */
import { printable } from '../errors.ts';
import type { ForeignResult } from './foreign-result.ts';

/** signal(7), for people. */
const SIGNAL_DESCRIPTIONS: Readonly<Record<string, string>> = {
  SIGHUP: 'Terminal closed',
  SIGINT: 'Interrupted from the keyboard',
  SIGQUIT: 'Quit from the keyboard',
  SIGILL: 'Illegal instruction',
  SIGTRAP: 'Trap of a debugger',
  SIGABRT: 'Aborted itself',
  SIGBUS: 'Memory access that cannot be served',
  SIGFPE: 'Arithmetic error',
  SIGKILL: 'Killed',
  SIGUSR1: 'User-defined signal 1',
  SIGSEGV: 'Segmentation fault',
  SIGUSR2: 'User-defined signal 2',
  SIGPIPE: 'Wrote to a pipe that nobody reads',
  SIGALRM: 'Timer ran out',
  SIGTERM: 'Terminated',
  SIGSTKFLT: 'Stack fault',
  SIGXCPU: 'Limit of processor time exceeded',
  SIGXFSZ: 'Limit of file size exceeded',
  SIGVTALRM: 'Virtual timer ran out',
  SIGPROF: 'Profiling timer ran out',
  SIGPOLL: 'Input or output is possible',
  SIGIO: 'Input or output is possible',
  SIGPWR: 'Power failure',
  SIGSYS: 'System call that is forbidden or unknown',
};

/** For people: what a signal that ended a program means. */
export function signalDescription(signal: NodeJS.Signals): string {
  return SIGNAL_DESCRIPTIONS[signal] ?? 'Signal';
}

/** Why a result is no success, beside what it says itself. */
export interface Failure {
  /** An error of Node's: the program could not be killed, or a stream could not be read. */
  readonly cause: unknown;
  /** Bytes, and the stream that had more. */
  readonly overflow: { readonly stream: 'stdout' | 'stderr'; readonly maxBuffer: number } | undefined;
}

/**
 * A program failed: it ended with another status than 0, or by a signal, or was ended because of a timeout, an AbortSignal or
 * `maxBuffer`. It has all that a result has.
 */
export class ForeignProcessError<Output extends string | Buffer = string | Buffer>
  extends Error
  implements ForeignResult<Output>
{
  override readonly name = 'ForeignProcessError';
  /** What happened, with the command, in one line. */
  readonly shortMessage: string;
  /** What Node says of it, if it does. */
  readonly originalMessage: string | undefined;
  readonly command!: string;
  readonly escapedCommand!: string;
  readonly cwd!: string;
  readonly pid!: number;
  readonly durationMs!: number;
  readonly failed!: true;
  readonly timedOut!: boolean;
  readonly isCanceled!: boolean;
  readonly isMaxBuffer!: boolean;
  readonly isTerminated!: boolean;
  readonly exitCode!: number | undefined;
  readonly signal!: NodeJS.Signals | undefined;
  readonly signalDescription!: string | undefined;
  readonly stdout!: Output | undefined;
  readonly stderr!: Output | undefined;

  /** @internal */
  constructor(result: ForeignResult<Output>, failure: Failure) {
    const shortMessage = `${whatHappened(result, failure)}: ${result.escapedCommand}`;
    const output = [result.stderr, result.stdout].flatMap((each) =>
      each === undefined || each.length === 0 ? [] : [each.toString()],
    );
    super([shortMessage, ...output].join('\n'), failure.cause === undefined ? undefined : failure);
    Object.assign(this, result);
    this.shortMessage = shortMessage;
    this.originalMessage = failure.cause instanceof Error ? failure.cause.message : undefined;
  }
}

function whatHappened(result: ForeignResult<string | Buffer>, { overflow, cause }: Failure): string {
  const { signal, exitCode, durationMs } = result;
  if (result.timedOut) return `Command timed out after ${Math.round(durationMs)} milliseconds`;
  if (result.isCanceled) return 'Command was canceled';
  if (overflow !== undefined)
    return `Command wrote more than ${overflow.maxBuffer} bytes to ${overflow.stream}`;
  if (signal !== undefined) return `Command was killed with ${signal} (${result.signalDescription})`;
  if (exitCode !== 0) return `Command failed with exit code ${exitCode}`;
  return `Command failed: ${printable(cause instanceof Error ? cause.message : String(cause))}`;
}
