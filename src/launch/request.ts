/** What is asked for: a program, and how it is to be found, loaded and started. */
import type { IdentityName, LoaderPlugin, Secrets } from '../loader/contract.ts';
import type { GivenOption } from '../loader/options.ts';
import type { Guests } from '../loader/walk.ts';
import type { ResumeInvocation } from '../plan/resume/context.ts';
import type { OnProgress, Source } from '../source/source.ts';
import type { Trace } from '../trace.ts';
import type { Watch } from './follow.ts';
import type { NameOptions, NetworkOptions } from './names.ts';

/** What is to be run, all of it as bytes: nothing need be text. */
export interface ProgramRequest {
  /** As the user typed it: a path, a name to look up in PATH, or a URL. */
  readonly name: Uint8Array;
  /** The program itself, when its bytes are at hand: `name` is then only what it is known by. */
  readonly source?: Source | undefined;
  /** Without argv[0]. */
  readonly args: readonly Uint8Array[];
  /** argv[0], when it is not to be `name` (of a URL, the last part). */
  readonly argv0?: Uint8Array | undefined;
  /** `NAME=VALUE` strings. */
  readonly envp: readonly Uint8Array[];
  /** Variables that no file may add to it. */
  readonly withheld?: readonly Uint8Array[] | undefined;
  readonly format?: string | undefined;
  readonly loaders: readonly LoaderPlugin[];
  /** What the user gave of the loaders' own options. */
  readonly loaderOptions?: readonly GivenOption[] | undefined;
  /** Which of them are not to be relied on. */
  readonly guests?: Guests | undefined;
  /** The path of run-foreign itself, so that a `#!` line naming it is known. */
  readonly self?: string | undefined;
  /** The most a packed program may unpack to, bytes; 1 GiB unless given. */
  readonly maxSize?: number | undefined;
  /** Whether the stub reports what the kernel refused. */
  readonly report?: boolean;
  /** A file that is to be the program's standard input. */
  readonly stdin?: Uint8Array | undefined;
  readonly network?: NetworkOptions;
  /** What sealed programs are opened with; without it none can be. */
  readonly secrets?: Secrets | undefined;
  /** Those, and what a file names beside them. */
  readonly secretsWith?: ((identities: readonly IdentityName[]) => Secrets) | undefined;
  /** Whether what was decrypted is kept from everybody else; true unless given. */
  readonly confidential?: boolean | undefined;
  readonly progress?: OnProgress | undefined;
  /** Descriptors that keys come from: the program does not get them. */
  readonly keyDescriptors?: readonly number[] | undefined;
  /** What names count from, and what they may mean. */
  readonly names?: NameOptions | undefined;
  readonly watch?: Watch | undefined;
  /** Told of every step. */
  readonly trace?: Trace | undefined;
  /** How a process goes on, if that is what the program is. */
  readonly resume?: ResumeWishes | undefined;
  /** Whether it is to stop for its debugger before its first instruction, at addresses that are not random, as gdb has it. */
  readonly debugged?: boolean | undefined;
}

/** What of a request says how a program that is loaded is run. */
export type StartRequest = Pick<
  ProgramRequest,
  | 'name'
  | 'envp'
  | 'withheld'
  | 'report'
  | 'guests'
  | 'stdin'
  | 'keyDescriptors'
  | 'resume'
  | 'debugged'
  | 'trace'
>;

/** What can be said about how a process goes on. */
export type ResumeWishes = Pick<
  ResumeInvocation,
  'stdio' | 'newPid' | 'anyCpu' | 'mapped' | 'twin' | 'afterReading'
>;
