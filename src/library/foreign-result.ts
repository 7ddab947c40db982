/** What a program's result is, and what one may wish of it. */

/** What becomes of a program's result. */
export interface ResultWishes {
  /** `buffer` gives what the program wrote as it is; `utf8`, unless given, as text. */
  readonly encoding?: 'utf8' | 'buffer' | undefined;
  /** The most that is kept of each stream, bytes; a program that writes more is killed. 100 MB unless given. */
  readonly maxBuffer?: number | undefined;
  /** Whether one newline at the end of the text is left out; true unless given. */
  readonly stripFinalNewline?: boolean | undefined;
  /** Whether a program that fails makes `result` reject; true unless given. If not, the error is what it gives. */
  readonly reject?: boolean | undefined;
}

/** How a program ended, and what it wrote. */
export interface ForeignResult<Output extends string | Buffer = string | Buffer> {
  /** The name as it was given, and the arguments; for messages. */
  readonly command: string;
  /** The same, quoted as a shell wants it. */
  readonly escapedCommand: string;
  /** The directory that it started in. */
  readonly cwd: string;
  readonly pid: number;
  /** From the call of `spawnForeign` to the program's end. */
  readonly durationMs: number;
  /** Whether it ended otherwise than with status 0. */
  readonly failed: boolean;
  /** Whether `timeout` ended it. */
  readonly timedOut: boolean;
  /** Whether `signal` was aborted before it ended. */
  readonly isCanceled: boolean;
  /** Whether it wrote more than `maxBuffer`. */
  readonly isMaxBuffer: boolean;
  /** Whether a signal ended it. */
  readonly isTerminated: boolean;
  /** Undefined when a signal ended it. 126 is also what is left of a program that the kernel refused memory at its start: see `stderr`. */
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** What that signal means. */
  readonly signalDescription: string | undefined;
  /** What it wrote, if that came through a pipe. */
  readonly stdout: Output | undefined;
  readonly stderr: Output | undefined;
}
