/**
 * A ProgramImage is all a loader has to say about a program: what lies where, where it starts and
 * which habits its system has. It is pure data and it is not trusted: validate.ts checks every one.
 */
import type { Source } from '../source/source.ts';
import type { ProcessState } from './process-state.ts';

/** The machines whose programs this process can become. */
export type Arch = 'x86_64' | 'i386';

/** Bytes of a word, a pointer and an auxv field on each architecture. */
export const WORD_SIZE: Record<Arch, 4 | 8> = { x86_64: 8, i386: 4 };

/** What a process may do with a piece of memory. */
export interface Protection {
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
}

/** Some of a program's memory. */
export interface Segment {
  /** For people: `PT_LOAD 2`, `text`. */
  readonly name: string;
  /** First byte, at its link-time address; the placement says whether it may move. */
  readonly address: bigint;
  /** Bytes in memory, at least `content.size`; the rest is zero. */
  readonly size: bigint;
  readonly content?: { readonly source: Source; readonly offset: number; readonly size: number };
  readonly protection: Protection;
}

/**
 * Where the segments go.
 * - `fixed`: where they say.
 * - `pie`: a base is chosen where Linux puts position-independent programs.
 * - `mmap`: the kernel chooses, as it does for interpreters and for PIEs without one.
 * `align` is the largest alignment a segment asks for, in bytes, a power of two. `anchor` is the link-time address
 * that the base is counted from, the first segment's unless given; that need be neither the lowest nor a page's.
 */
export type Placement =
  | { readonly kind: 'fixed' }
  | { readonly kind: 'pie' | 'mmap'; readonly align: bigint; readonly anchor?: bigint };

/** What is mapped as one: the program itself, or the interpreter it names. */
export interface ImagePart {
  readonly placement: Placement;
  /** Later ones lie over earlier ones where they share a page. */
  readonly segments: readonly Segment[];
  /** Link-time address of the first instruction. */
  readonly entry: bigint;
}

export interface InterpreterImage extends ImagePart {
  readonly source: Source;
}

/** A half-open range of link-time addresses. */
export interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

/** Whether the stack, or everything readable, may be executed: what PT_GNU_STACK and its absence say. */
export type StackExecution = 'none' | 'stack' | 'everything-readable';

/** A program as a loader describes it: what goes where in memory, and where it begins. */
export interface ProgramImage extends ImagePart {
  /** The loader's name: `elf`. */
  readonly format: string;
  /** The kind within the format, for people: `static PIE`, `ZMAGIC`. */
  readonly variant: string;
  readonly arch: Arch;
  /** The program whose entry runs first, when the format has such a thing (PT_INTERP). */
  readonly interpreter?: InterpreterImage;
  /** `start_code … end_data` of the mm, link-time addresses. */
  readonly code: Range;
  readonly data: Range;
  /** `start_brk` and `brk`, link-time addresses; `randomize` lets the layout move both away from the image. */
  readonly brk: Range & { readonly randomize: boolean };
  readonly stack: {
    readonly layout: 'sysv' | 'aout' | FirstStackLayout;
    readonly execution: StackExecution;
  };
  /**
   * What is in a register when the program is entered, where that is not zero. `exe path` is the address of a string: the
   * path of the file that /proc/PID/exe is to name; where there is no such file it is zero after all.
   */
  readonly registers?: { readonly rdx: 'exe path' };
  /**
   * Set when this is no program that begins but a process that goes on. Then nothing of the above is laid out: everything
   * goes where it was, and the segments are only what differs from what `mappings` says, in whole pages.
   */
  readonly process?: ResumedProcess;
  /** AT_PHDR (link-time address), AT_PHENT and AT_PHNUM, for images that have program headers. */
  readonly phdr?: { readonly address: bigint; readonly entrySize: number; readonly count: number };
}

/** A process as it was, and what its files held that have no name any more. */
export interface ResumedProcess {
  readonly state: ProcessState;
  /** By the number that StoredContent has: runs of bytes, ascending. */
  readonly objects: readonly (readonly ObjectExtent[])[];
}

/** A piece of an object; what no piece covers is zero. */
export interface ObjectExtent {
  /** Where in the object, bytes. */
  readonly at: bigint;
  readonly content: { readonly source: Source; readonly offset: number; readonly size: number };
}

/** A word of the first stack: a number, or a pointer that is known only when the program is placed. */
export type StackWord =
  | bigint
  /** The address of string number n. */
  | { readonly string: number }
  /** The address of word number n. */
  | { readonly word: number }
  /** What the kernel put into this auxv entry of the process, by AT_ number. */
  | { readonly kernelAuxv: number }
  /** A link-time address of the program or its interpreter. */
  | { readonly image: bigint }
  | { readonly interp: bigint };

/** A first stack as words and strings, before it has an address. */
export interface FirstStack {
  /** From the stack pointer upwards. */
  readonly words: readonly StackWord[];
  /** Placed above the words, in this order, from low to high. Not terminated unless they say so. */
  readonly strings: readonly StackString[];
  /** Index range of the argument, environment and auxv parts, for the mm fields. */
  readonly args: IndexRange;
  readonly env: IndexRange;
  /** Of words; empty when the system has no auxv. */
  readonly auxv: IndexRange;
  /** Bytes left free between the words and the strings, which randomises the stack pointer. */
  readonly gap: number;
  /** The stack pointer is a multiple of this many bytes. */
  readonly align: number;
}

/** A string of the first stack, or other bytes that words point to. */
export interface StackString {
  readonly bytes: Uint8Array;
  /** Below the gap, together with the words, or above it at the top of the stack. */
  readonly place: 'top' | 'words';
}

/** Half-open, of indices into the strings or words. */
export interface IndexRange {
  readonly from: number;
  readonly to: number;
}

/** What a first stack is made from. */
export interface FirstStackRequest {
  readonly image: ProgramImage;
  readonly argv: readonly Uint8Array[];
  readonly envp: readonly Uint8Array[];
  /** AT_EXECFN: the name the program was started by. */
  readonly execfn: Uint8Array;
  /** AT_ numbers in the order in which this kernel gives them, without AT_NULL. */
  readonly auxvTypes: readonly number[];
  /** Fresh random bytes. */
  readonly random: (length: number) => Uint8Array;
  /** Whether addresses are to be randomised. */
  readonly randomize: boolean;
}

/** Every foreign system has a first stack of its own: a loader may bring a function for it. */
export type FirstStackLayout = (request: FirstStackRequest) => FirstStack;
