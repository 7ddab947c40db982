/**
 * What a picture of memory shows, before anybody draws it: columns of regions from low to high addresses. Pure data.
 * of-image.ts, of-process.ts, of-plan.ts and of-resume.ts make it; terminal.ts and svg/ draw it.
 */
import type { Protection } from '../image/image.ts';

export interface Picture {
  readonly title: string;
  /** Under the title, each a line. */
  readonly facts: readonly string[];
  readonly columns: readonly Column[];
  /** What is done between the first column and the second. */
  readonly steps?: readonly StepLine[];
}

/** Steps of a plan that are shown as one line: `2-7`, `maps the program`. */
export interface StepLine {
  readonly numbers: string;
  readonly text: string;
}

/** One address space. */
export interface Column {
  readonly title: string;
  readonly facts: readonly string[];
  /** From low to high, as far as that is known. */
  readonly blocks: readonly Block[];
}

/** What lies at addresses that count from the same place. */
export interface Block {
  /** What addresses count from, `stack`; undefined where they are plain addresses. */
  readonly base?: string;
  /** Of a block whose place is known only at run time: where that may be, and who decides. */
  readonly somewhere?: string;
  /** Whether nothing at all is known of its addresses: those of its regions mean nothing. */
  readonly unplaced?: true;
  /** Ascending and disjoint. */
  readonly regions: readonly Region[];
  readonly marks: readonly Mark[];
}

/** Memory that is all of one kind. */
export interface Region {
  readonly start: bigint;
  /** Exclusive; `start` where nothing is known of the size. */
  readonly end: bigint;
  /** As it was given; nobody has cleaned it. */
  readonly name: string;
  /** Undefined where nothing is mapped, and there is only something to say. */
  readonly protection: Protection | undefined;
  /** So many bytes from `start` on are in a file, the others are zero at first; undefined where that is no question. */
  readonly filled?: bigint;
  /** The numbers of the plan's steps that made it. */
  readonly steps?: readonly number[];
}

/** Something that an address is. */
export interface Mark {
  readonly at: bigint;
  /** `entry`, `start_brk`, `AT_PHDR`. */
  readonly name: string;
  /** Whether it is also shown where there is little room. */
  readonly important?: boolean;
}
