import type { Emitter } from '../emit/emitter.ts';
import type { Failures } from '../emit/failure.ts';

/** What both halves of the launcher are emitted with. */
export interface LauncherContext {
  /** Whether it is the one that binfmt_misc starts. */
  readonly forBinfmt: boolean;
  readonly emitter: Emitter;
  /** Failures of ours. */
  readonly failures: Failures;
  /** Programs that cannot be started. */
  readonly refusals: Failures;
  /** Puts bytes into the file and returns their address. */
  readonly store: (bytes: Uint8Array) => bigint;
  /** Puts a NUL-terminated string into the file and returns its address. */
  readonly text: (text: string) => bigint;
  /** Options of Node's that stand before the script. */
  readonly nodeOptions: readonly string[];
}
