/**
 * The contract between run-foreign and a loader plugin. A loader looks at a Source and says one of
 * three things: not mine (`probe` returns null), mine (`load` returns something), or mine but broken
 * (`load` throws a FormatError with file offset, field and value). There is no fourth.
 */
import type { ProgramImage } from '../image/image.ts';
import type { OnProgress, Source } from '../source/source.ts';
import type { OptionSpecs, OptionValues } from './options.ts';

/** Bytes that tell a format; `mask` has a 0 bit where any bit will do. */
export interface Magic {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly mask?: Uint8Array;
  /** For people: `OMAGIC, i386`. */
  readonly name: string;
}

/** null is "not mine"; `exact` beats `likely` when two loaders claim a file. */
export type Verdict = null | 'likely' | 'exact';

/** What the user allows a loader to do with a file that may be hostile. */
export interface Limits {
  /**
   * The most a wrapper may unpack to, bytes (`--max-size`). `Unpacked` holds to it, and to a ratio; a loader that
   * does not use it must stop with TOO_BIG itself, and before it has used the memory.
   */
  readonly maxSize: number;
}

/** A file of keys that the user has named, whole. Its bytes are overwritten before the program starts. */
export interface IdentityFile {
  /** For messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * What sealed files are opened with. From the first call on nobody but the superuser can look into this process. A
 * loader overwrites what it makes of these bytes.
 */
export interface Secrets {
  /** In the order in which they are to be tried. Throws USAGE where one cannot be read. */
  identities(): Promise<readonly IdentityFile[]>;
  /** Asks the user, who is told what it is for. Throws KEY_NEEDED where there is nobody to ask. */
  passphrase(purpose: string): Promise<Uint8Array>;
}

/** What a probe may know beside the file. */
export interface ProbeContext<Options extends OptionSpecs = OptionSpecs> {
  /** What the user gave of the loader's own options (`--loader-opt NAME.KEY=VALUE`); the others are missing. */
  readonly options: OptionValues<Options>;
}

export interface LoadContext<Options extends OptionSpecs = OptionSpecs> extends ProbeContext<Options> {
  /** What the program is to be called with, argv[0] first, as far as that is known by now. */
  readonly argv: readonly Uint8Array[];
  /** Opens another program by path, as execve would: an ELF interpreter. Throws ForeignError. */
  open(path: Uint8Array): Source;
  /**
   * Where a command lies, as the shell of the user would find it: a path as it is, anything else by PATH. Undefined
   * where there is none that may be executed: throw INTERPRETER_MISSING, with a hint that says how to get it.
   */
  find(command: string): Uint8Array | undefined;
  /** Whether this path, or this bare command name, is run-foreign itself. */
  isSelf(command: Uint8Array): boolean;
  readonly limits: Limits;
  readonly secrets: Secrets;
  /** Whether what is decrypted is confidential; false with --not-confidential. */
  readonly confidential: boolean;
  /** Tells people what is being done, when it is long. */
  readonly progress: OnProgress;
}

/** A file of keys that a file names: by its path, or as one of systemd's credentials. */
export type IdentityName =
  | { readonly kind: 'file'; readonly path: Uint8Array }
  | { readonly kind: 'credential'; readonly name: string };

/** What a file names to be run in its place, and how. What the user says wins, then what an outer file says. */
export interface NamedProgram {
  /** An http(s) URL or a path; a relative one counts from the directory of the file that names it. */
  readonly name: Uint8Array;
  /** What its bytes must be, hex digits. */
  readonly sha256?: string | undefined;
  /** The public key of minisign that must have signed it. */
  readonly verifyKey?: string | undefined;
  readonly format?: string | undefined;
  readonly argv0?: Uint8Array | undefined;
  /** They stand before the user's. */
  readonly args: readonly Uint8Array[];
  /** `NAME=VALUE`: what the program gets where the caller's environment has no such variable. */
  readonly env: readonly Uint8Array[];
  /** What it is opened with if it is sealed; relative paths as in `name`. */
  readonly identities: readonly IdentityName[];
}

/** What `load` found: an image, what was wrapped, an interpreter, or another program. */
export type Loaded =
  | { readonly kind: 'image'; readonly image: ProgramImage }
  /** What was inside: it is probed again. */
  | { readonly kind: 'unwrap'; readonly source: Source }
  /** Another program is meant, and how it is to be run. */
  | ({ readonly kind: 'program' } & NamedProgram)
  /** Another program runs this file: `path args… file`. */
  | { readonly kind: 'interpreter'; readonly path: Uint8Array; readonly args: readonly Uint8Array[] };

/** A name of a place in a program, for debuggers. */
export interface ProgramSymbol {
  /** Not empty, and without a NUL. */
  readonly name: Uint8Array;
  /** Link-time address, as those of the image. */
  readonly address: bigint;
  readonly kind: 'code' | 'data' | 'other';
  /** Whether it means the same place in the whole program; else there may be several of the name. */
  readonly global: boolean;
}

/** A loader: what `docs/loader-contract.md` describes. */
export interface LoaderPlugin<Options extends OptionSpecs = OptionSpecs> {
  /** What `--format` and `--loader-opt` take: up to 64 lower-case letters, digits and `-`, a letter first. */
  readonly name: string;
  /** The version of this contract. It grows without a new one as long as loaders written before go on working. */
  readonly apiVersion: 1;
  /** `wrapper`s hold or name another program, and are taken off before `--format` is looked at. */
  readonly kind: 'program' | 'wrapper';
  /** For people: what it accepts, in one sentence. */
  readonly description: string;
  /** What its files begin with, for people and for binfmt_misc; only `probe` decides. */
  readonly magics: readonly Magic[];
  /** Asked only when all other loaders have said "not mine": for formats that nothing in the file tells. */
  readonly order?: 'post';
  /** What the user may set, by key. */
  readonly options?: Options;
  /**
   * Whether this loader takes the file. Cheap and deterministic: reads only the beginning, has no effects. The source
   * may be empty, or shorter than any header.
   */
  probe(source: Source, context: ProbeContext<Options>): Verdict | Promise<Verdict>;
  /**
   * What the file holds. An error is final, and means that no other loader is asked: a FormatError with file offset,
   * field and value where the file is broken, a ForeignError with the code UNSUPPORTED where it is sound and cannot
   * be run. May be called more than once for a start.
   */
  load(source: Source, context: LoadContext<Options>): Loaded | Promise<Loaded>;
  /**
   * The names in a file that `load` has made an image of, when somebody debugs it (`--gdb`). Not asked of ELF files, which
   * debuggers read themselves.
   */
  symbols?(
    source: Source,
    context: ProbeContext<Options>,
  ): readonly ProgramSymbol[] | Promise<readonly ProgramSymbol[]>;
}

/** The version of the contract that this is. */
export const API_VERSION = 1;

/** Types a loader, its options and what it is given of them; returns it as it is. */
export function defineLoader<const Options extends OptionSpecs>(
  loader: LoaderPlugin<Options>,
): LoaderPlugin<Options> {
  return loader;
}
