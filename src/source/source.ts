/**
 * A Source is where a program's bytes come from: random access, of known size, bounded.
 * Reading past the end is an error of the caller, never a short answer.
 */
import { ForeignError, hex } from '../errors.ts';

/** The bytes are (part of) a local file as it stands on disk, so the kernel can map or read it itself. */
export interface BackingFile {
  /** An open, readable descriptor; it stays open until the program has started. */
  readonly fd: number;
  readonly path: Uint8Array;
  /** Where in that file this source begins, bytes. */
  readonly offset: number;
}

/** Random-access bytes of bounded size. */
export interface Source {
  /** For messages. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Exactly `length` bytes from `offset`, not to be written to; throws when they are not all there. */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>;
  /** Set only when the bytes are a local file's own. */
  readonly file?: BackingFile;
  /** Once true, true for everything unwrapped from it: such bytes must not reach a disk or a message. */
  readonly confidential: boolean;
  /**
   * Set when nobody knows yet whether these are the bytes the user wants, because they come from a network. Until
   * it was called they may be looked at, and nothing else may happen because of them. Fetches all of them and
   * throws UNAUTHENTICATED unless they are; every read gives what was checked. May be called any number of times.
   */
  authenticate?(): Promise<void>;
  /**
   * Set when a read checks what it gives and nothing else. Checks all the rest, and what this source lies in; no
   * program starts before that. May be called any number of times.
   */
  checkAll?(): Promise<void>;
  /** As `read`, into memory of the caller's, who can overwrite it later. */
  readInto?(offset: number, target: Uint8Array): void | Promise<void>;
  /** Overwrites what it still holds of a confidential program, and the keys to it. Nothing can be read afterwards. */
  wipe?(): void;
}

/** What windows onto a source, and what is made of all its bytes, inherit from it. */
export function obligations(source: Source): Pick<Source, 'authenticate' | 'checkAll' | 'wipe'> {
  return {
    ...(source.authenticate && { authenticate: () => source.authenticate?.() ?? DONE }),
    ...(source.checkAll && { checkAll: () => source.checkAll?.() ?? DONE }),
    ...(source.wipe && { wipe: () => source.wipe?.() }),
  };
}

const DONE = Promise.resolve();

/** Told how far something long has come: bytes done, and how many there will be, if anybody knows. */
export type OnProgress = (what: string, done: number, total?: number) => void;

/** `--max-size` when nobody says otherwise: 1 GiB, more than any program we know of. */
export const DEFAULT_MAX_SIZE = 2 ** 30;

/** The kernel maps whole pages of files, so nothing else can be mapped: x86 has no other size. */
const PAGE_SIZE = 4096;

/** Whether the kernel itself can map the bytes, from any page boundary of the source on. */
export function isMappable(source: Source): boolean {
  return source.file !== undefined && !source.confidential && source.file.offset % PAGE_SIZE === 0;
}

/** Throws unless `[offset, offset + length)` lies inside a source of `size` bytes. */
export function checkRange(name: string, size: number, offset: number, length: number): void {
  const fits =
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    offset >= 0 &&
    length >= 0 &&
    offset + length <= size;
  if (!fits) {
    throw new ForeignError(
      'BAD_FORMAT',
      `needs ${length} bytes at file offset ${hex(offset)}, but it is only ${size} bytes long`,
      { subject: name },
    );
  }
}
