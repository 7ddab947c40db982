/** What spawnForeign takes and gives. */
import type { ChildProcess, ChildProcessWithoutNullStreams, IOType, SpawnOptions } from 'node:child_process';
import type { Stream } from 'node:stream';
import type { ForeignResult, ResultWishes } from './foreign-result.ts';
import type { LoadOptions } from './options.ts';
import type { ForeignProcessError } from './result-error.ts';

/** One entry of it. */
export type StdioEntry = Exclude<IOType, 'ipc'> | Stream | number | null | undefined;

/** What is made of the child's standard streams, and of further descriptors: as child_process has it, but for `ipc`. */
export type ForeignStdio = Exclude<IOType, 'ipc'> | readonly StdioEntry[];

/**
 * What can be said about a start: what child_process.spawn takes, what `loadImage` takes, and what becomes of the result.
 * `shell`, and `ipc` in `stdio`, are refused: what they need is not there in a program of another format.
 */
export interface SpawnForeignOptions
  extends LoadOptions,
    ResultWishes,
    Pick<SpawnOptions, 'detached' | 'gid' | 'killSignal' | 'signal' | 'timeout' | 'uid' | 'windowsHide'> {
  /** `pipe` unless given. */
  readonly stdio?: ForeignStdio | undefined;
}

/** A child with the promise of its result. */
export interface WithResult<Result> {
  /**
   * How the program ended, and what it wrote from the moment on at which this is first asked for: ask at once, or
   * what has been read elsewhere is missing. Rejects with a ForeignProcessError where the program failed, unless `reject`
   * is false.
   */
  readonly result: Promise<Result>;
}

/** The text type of a result, for options of this type. */
export type OutputOf<Options> = Options extends { readonly encoding: 'buffer' }
  ? Buffer
  : 'encoding' extends keyof Options
    ? Options['encoding' & keyof Options] extends 'utf8' | undefined
      ? string
      : string | Buffer
    : string;

/** What `child.result` gives for options of this type. */
export type ResultOf<Options> = 'reject' extends keyof Options
  ? Options extends { readonly reject: true }
    ? ForeignResult<OutputOf<Options>>
    : ForeignResult<OutputOf<Options>> | ForeignProcessError<OutputOf<Options>>
  : ForeignResult<OutputOf<Options>>;

/** What `spawnForeign` gives for options of this type: without `stdio` all three streams are there. */
export type ForeignChild<Options = SpawnForeignOptions> = (Options extends { readonly stdio: 'pipe' }
  ? ChildProcessWithoutNullStreams
  : 'stdio' extends keyof Options
    ? ChildProcess
    : ChildProcessWithoutNullStreams) &
  WithResult<ResultOf<Options>>;
