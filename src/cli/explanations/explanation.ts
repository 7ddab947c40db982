/** What `run-foreign explain` and docs/errors.md say about an error code. */

/** Why it came to this, and what can be done about it. */
export interface Cause {
  /** What is the case, as a sentence without a full stop. */
  readonly when: string;
  /** What to do, as a sentence without a full stop. */
  readonly remedy: string;
  /** A command that does it, or shows more; words in capitals are to be filled in. */
  readonly command?: string;
}

/** A session in which the error comes, with `samples/` in the current directory. Tests carry it out. */
export interface Example {
  /** Commands that make what is needed. */
  readonly prepare?: readonly string[];
  readonly command: string;
  /** What it says on standard error; `...` stands for what is different every time. */
  readonly message: string;
}

export interface Explanation {
  /** In the list of all: less than a line. */
  readonly summary: string;
  readonly meaning: string;
  readonly causes: readonly Cause[];
  readonly example: Example;
  /** Pages of ours, below docs/, with the section. */
  readonly reading: readonly string[];
}
