/**
 * The contract between run-foreign and a loader plugin. A loader looks at a Source and says one of
 * three things: not mine (`probe` returns null), mine (`load` returns something), or mine but broken
 * (`load` throws a FormatError with file offset, field and value). There is no fourth.
 */
import type { ProgramImage } from '../image/image.ts';
import type { Source } from '../source/source.ts';

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

export interface LoadContext {
  /** Opens another program by path, as execve would: an ELF interpreter. Throws ForeignError. */
  open(path: Uint8Array): Source;
  /** Whether this path, or this bare command name, is run-foreign itself. */
  isSelf(command: Uint8Array): boolean;
  readonly limits: Limits;
}

export type Loaded =
  | { readonly kind: 'image'; readonly image: ProgramImage }
  /** What was inside: it is probed again. */
  | { readonly kind: 'unwrap'; readonly source: Source }
  /** Another program runs this file: `path args… file`. */
  | { readonly kind: 'interpreter'; readonly path: Uint8Array; readonly args: readonly Uint8Array[] };

export interface LoaderPlugin {
  /** One lower-case word: what `--format` takes. */
  readonly name: string;
  readonly apiVersion: 1;
  /** `wrapper`s hold or name another program, and are taken off before `--format` is looked at. */
  readonly kind: 'program' | 'wrapper';
  /** For people: what it accepts, in one sentence. */
  readonly description: string;
  readonly magics: readonly Magic[];
  /** Cheap, deterministic, reads only the beginning. */
  probe(source: Source): Verdict | Promise<Verdict>;
  /** From here on an error is final. */
  load(source: Source, context: LoadContext): Loaded | Promise<Loaded>;
}

/** Types a loader and says it meets the contract. */
export function defineLoader(loader: LoaderPlugin): LoaderPlugin {
  return loader;
}
