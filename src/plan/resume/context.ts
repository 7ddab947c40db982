/** What all parts of a resumption look at: the process as it was, what it is to become here, and the files that steps refer to. */
import type { ObjectExtent, Segment } from '../../image/image.ts';
import type { Mapping, ProcessState } from '../../image/process-state.ts';
import type { ResumeHost } from '../../process/resume-host.ts';
import type { BackingFile } from '../../source/source.ts';
import type { Materials } from '../materials.ts';
import type { Value } from '../resume-plan.ts';
import { cString, pathKey } from './steps.ts';

/** How the process is to go on. */
export interface ResumeInvocation {
  /** For messages: the checkpoint as the user named it. */
  readonly program: string;
  /** What /proc/PID/exe is to name. */
  readonly exe?: BackingFile | undefined;
  /** Whether the stub says what is not as it was. */
  readonly report?: boolean;
  /** Whether it gets a number of its own, without asking for the old one. */
  readonly newPid?: boolean;
  /**
   * Descriptors 0 to 2: the caller's, or what is recorded. Unless given, the caller's for those that were a terminal, a pipe or
   * a socket.
   */
  readonly stdio?: 'inherit' | 'recorded' | undefined;
  /** What is to be descriptor 0 instead. */
  readonly stdin?: BackingFile | undefined;
  /** Descriptors of the caller's that the process does not get. */
  readonly closed?: readonly number[];
  /** Files (pathKey) that are not what they were, and none of whose pages are missing in the image: their mappings get no file. */
  readonly replaced?: ReadonlySet<string>;
  /** Whether large pieces of memory are mapped from the checkpoint instead of read. */
  readonly mapped?: boolean;
  /** Whether another process has the same locks, and keeps them: that they cannot be had is only told. */
  readonly twin?: boolean;
  /** Gets a byte, and is closed, when all memory has been read: whoever has the other end may let the original go on. */
  readonly afterReading?: BackingFile | undefined;
  /** Whether the processor may lack what the process has been told that there is. */
  readonly anyCpu?: boolean;
}

/** Where bytes of memory are. */
export type Content = NonNullable<Segment['content']>;

/** Some of what a mapping holds. */
export interface Piece {
  readonly address: bigint;
  readonly content: Content;
}

export interface ResumeContext {
  readonly state: ProcessState;
  readonly objects: readonly (readonly ObjectExtent[])[];
  readonly invocation: ResumeInvocation;
  readonly host: ResumeHost;
  readonly materials: Materials;
  /** What the image holds of each mapping that is not zero, or a file's. */
  readonly pieces: ReadonlyMap<Mapping, readonly Piece[]>;
  readonly paths: Paths;
  /** The first descriptor number above all that the process has: from here on are those that the steps work with. */
  readonly above: number;
}

/** C strings of paths, each of which the stub holds once. */
export class Paths {
  readonly #known = new Map<string, Uint8Array>();

  of(path: Uint8Array): Value {
    const key = pathKey(path);
    const known = this.#known.get(key) ?? cString(path);
    this.#known.set(key, known);
    return { bytes: known };
  }
}
