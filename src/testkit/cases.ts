/** What a plugin author writes down about a loader, for testLoader. */

/** Bytes, a `file:` URL, a path (a relative one counts from the directory that the tests are run in), or a function that makes bytes. */
export type Sample = Uint8Array | URL | string | (() => Uint8Array | Promise<Uint8Array>);

/** Samples by a name for people; it becomes part of the names of tests and golden files. */
export type Samples = Readonly<Record<string, Sample>>;

/** A file that is the loader's own and broken, and what its FormatError must say about it. */
export interface BrokenFile {
  readonly file: Sample;
  /** FormatError's `location.field`. */
  readonly field: string;
  /** FormatError's `location.offset`: bytes from the start of the file. */
  readonly offset: number;
}

/** A program that is run as a process of its own, and what it must do. */
export interface ProgramCase {
  readonly name: string;
  /** A file that lies somewhere is run where it lies, and must be executable. argv[0] is its path. */
  readonly file: Sample;
  /** Without argv[0]. */
  readonly args?: readonly string[];
  /** The program's environment: these variables, and PATH as the tests have it unless it is among them. */
  readonly env?: Readonly<Record<string, string>>;
  /** Empty unless given. */
  readonly stdin?: string | Uint8Array;
  readonly stdout: string | Uint8Array;
  /** Empty unless given. */
  readonly stderr?: string;
  /** 0 unless given. */
  readonly status?: number;
  /** What ends the program, instead of a status. */
  readonly signal?: NodeJS.Signals;
}

/** What a loader is to be tested with. */
export interface LoaderCases {
  /** Files that the loader takes, and that load without an error. */
  readonly accepts: Samples;
  /** Files that are not its own. The empty file, one byte and the samples of the built-in loaders are tried besides. */
  readonly rejects?: Samples;
  /** Files that are its own, and broken. */
  readonly broken?: Readonly<Record<string, BrokenFile>>;
  readonly programs?: readonly ProgramCase[];
  /** What a user would give with --loader-opt, without the loader's name: `{ base: '0x1000' }`. */
  readonly options?: Readonly<Record<string, string>>;
  /** What a user would give with --identity: files of keys, for loaders that ask for `secrets`. */
  readonly identities?: readonly Sample[];
}
